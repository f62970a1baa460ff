"""Names and ARNs of SNS's things, the errors that name them, and pages of lists: pure rules."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kumoi.names import Arn
from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")

PAGE = 100
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")


def invalid(text: str) -> AwsError:
    """SNS's InvalidParameter."""
    return aws_error("InvalidParameterException", f"Invalid parameter: {text}")


def no_topic() -> AwsError:
    """NotFound for a topic."""
    return aws_error("NotFoundException", "Topic does not exist")


def no_subscription() -> AwsError:
    """NotFound for a subscription."""
    return aws_error("NotFoundException", "Subscription does not exist")


def check_name(name: str, *, fifo: bool) -> None:
    """Refuse a name that no such topic can have."""
    stem = name.removesuffix(".fifo") if fifo else name
    if len(name) > 256 or not _NAME.fullmatch(stem) or (fifo and stem == name):
        raise invalid("Topic Name")


def parse_arn(text: str, parameter: str) -> Arn:
    """An ARN of SNS's; InvalidParameter, naming the parameter, for what is none."""
    parts = text.split(":")
    if len(parts) < 6:
        raise invalid(f"{parameter} Reason: An ARN must have at least 6 elements, not {len(parts)}")
    try:
        parsed = Arn.parse(text)
    except ValueError:
        raise invalid(parameter) from None
    if parsed.service != "sns":
        raise invalid(parameter)
    return parsed


def topic_arn(text: str, region: str, parameter: str = "TopicArn") -> Arn:
    """The ARN of a topic of the region that is asked."""
    parsed = parse_arn(text, parameter)
    if parsed.region != region or not parsed.account or re.search("[:/]", parsed.resource):
        raise invalid(parameter)
    return parsed


def subscription_arn(text: str, region: str) -> tuple[Arn, str, str]:
    """(ARN, topic, id) of a subscription."""
    parsed = parse_arn(text, "SubscriptionArn")
    topic, colon, identifier = parsed.resource.partition(":")
    if not colon or not identifier or parsed.region != region:
        raise invalid("SubscriptionId")
    return parsed, topic, identifier


def page(
    member: str, items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, size: int = PAGE
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the token's member where more follow."""
    ordered = sorted(items, key=key)
    if token:
        try:
            after = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise invalid(member) from None
        ordered = [item for item in ordered if key(item) > after]
    found = ordered[:size]
    if len(found) == len(ordered):
        return found, {}
    return found, {member: base64.b64encode(key(found[-1]).encode()).decode()}
