"""ARNs, errors in the service's words, retention periods, tags and pages of lists: pure rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.iotanalytics.records import Named
from kumoi.wire.errors import AwsError, aws_error

NamedT = TypeVar("NamedT", bound=Named)

KINDS = ("channel", "pipeline", "datastore", "dataset")
MOST_TAGS = 50
PAGE = 250


def invalid(text: str) -> AwsError:
    """InvalidRequestException."""
    return aws_error("InvalidRequestException", text)


def not_found(kind: str, name: str) -> AwsError:
    """ResourceNotFoundException."""
    return aws_error("ResourceNotFoundException", f"{kind.capitalize()} {name} is not found.")


def exists(call: Call, kind: str, name: str) -> AwsError:
    """ResourceAlreadyExistsException, which names what is there."""
    return aws_error(
        "ResourceAlreadyExistsException",
        f"{kind.capitalize()} {name} already exists.",
        resourceId=name,
        resourceArn=call.arn("iotanalytics", f"{kind}/{name}"),
    )


def read_arn(call: Call, text: str) -> tuple[str, str]:
    """The kind and the name of what an ARN means; InvalidRequestException when it is none of this place."""
    try:
        arn = Arn.parse(text)
    except ValueError:
        raise invalid(f"{text} is not an ARN.") from None
    kind, _, name = arn.resource.partition("/")
    if arn.service != "iotanalytics" or kind not in KINDS or not name:
        raise invalid(f"{text} is not the ARN of a channel, pipeline, data store or data set.")
    if (arn.account, arn.region) != (call.account, call.region):
        raise not_found(kind, name)
    return kind, name


def check_retention(period: Mapping[str, Any] | None) -> None:
    """Refuse a retention period that says both or neither."""
    if period is not None and bool(period.get("unlimited")) == ("numberOfDays" in period):
        raise invalid("A retention period is either unlimited or a number of days.")


def retention_shown(period: Mapping[str, Any] | None) -> dict[str, Any]:
    """A retention period as answers have it: unlimited where nothing was said."""
    return dict(period) if period else {"unlimited": True}


def read_tags(given: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags as a mapping; InvalidRequestException for keys that come twice or are AWS's own."""
    tags: dict[str, str] = {}
    for tag in given or ():
        key = tag["key"]
        if key in tags:
            raise invalid(f"The tag key {key} is given twice.")
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys that begin with aws: are reserved.")
        tags[key] = tag["value"]
    return tags


def page(items: Sequence[NamedT], token: str | None, limit: int | None) -> tuple[Sequence[NamedT], dict[str, Any]]:
    """One page of items in the order of their names, and the nextToken member where more follow."""
    if token is not None:
        after = read_token(token)
        items = [item for item in items if item.name > after]
    found = items[: limit or PAGE]
    if len(found) == len(items):
        return found, {}
    return found, {"nextToken": make_token(found[-1].name)}


def make_token(text: str) -> str:
    """A nextToken."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_token(token: str) -> str:
    """What a nextToken says; InvalidRequestException when it is none."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid("The nextToken is not valid.") from None


def given(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
