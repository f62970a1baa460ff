"""Names and ARNs of EventBridge's things, the errors that name them, and pages of lists: pure rules."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from kumoi.names import Arn, arn
from kumoi.services.events.records import DEFAULT_BUS
from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")


class BusPlace(NamedTuple):
    """Where a bus is, and its name."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The bus's ARN."""
        return bus_arn(self.account, self.region, self.name)


def bus_place(named: str | None, account: str, region: str) -> BusPlace:
    """The bus that a name or an ARN means for a caller of that account and region; none is the default bus."""
    if named is None:
        return BusPlace(account, region, DEFAULT_BUS)
    if not named.startswith("arn:"):
        return BusPlace(account, region, named)
    try:
        parsed = Arn.parse(named)
    except ValueError:
        raise invalid("EventBusName") from None
    if parsed.service != "events" or not parsed.resource.startswith("event-bus/"):
        raise invalid("EventBusName")
    return BusPlace(parsed.account or account, parsed.region or region, parsed.resource.removeprefix("event-bus/"))


def bus_name(named: str | None) -> str:
    """A bus's name from its name or ARN."""
    return bus_place(named, "", "").name


def bus_arn(account: str, region: str, name: str) -> str:
    """A bus's ARN."""
    return arn("events", region, account, f"event-bus/{name}")


def rule_arn(account: str, region: str, bus: str, name: str) -> str:
    """A rule's ARN; those of the default bus do not name it."""
    return arn("events", region, account, f"rule/{name}" if bus == DEFAULT_BUS else f"rule/{bus}/{name}")


def split_rule_arn(rule: Arn) -> tuple[str, str]:
    """(bus, name) of a rule's ARN."""
    bus, slash, name = rule.resource.removeprefix("rule/").rpartition("/")
    return (bus, name) if slash else (DEFAULT_BUS, name)


def invalid(parameter: str, reason: str = "") -> AwsError:
    """ValidationException for a parameter."""
    return aws_error("ValidationException", f"Parameter {parameter} is not valid.{reason and f' Reason: {reason}'}")


def check_dead_letters(given: dict[str, str] | None) -> None:
    """Raise ValidationException for a DeadLetterConfig that names something else than a standard queue.

    Source: "Considerations for using a dead-letter queue" of the user guide.
    """
    if not given or "Arn" not in given:
        return
    queue = given["Arn"]
    try:
        arn = Arn.parse(queue)
    except ValueError:
        raise invalid(queue, "Provided Arn is not in correct format.") from None
    if arn.service != "sqs":
        raise invalid(queue, "A dead-letter queue is an Amazon SQS queue.")
    if arn.resource.endswith(".fifo"):
        raise invalid(queue, "A dead-letter queue is a standard queue, not a FIFO queue.")


def not_found(text: str) -> AwsError:
    """ResourceNotFoundException."""
    return aws_error("ResourceNotFoundException", text)


def exists(text: str) -> AwsError:
    """ResourceAlreadyExistsException."""
    return aws_error("ResourceAlreadyExistsException", text)


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, limit: int | None
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the NextToken member where more follow."""
    if token is not None:
        try:
            after = base64.b64decode(token, validate=True).decode()
        except ValueError:
            raise invalid("NextToken") from None
        items = [item for item in items if key(item) > after]
    found = items[: limit or 100]
    if len(found) == len(items):
        return found, {}
    return found, {"NextToken": base64.b64encode(key(found[-1]).encode()).decode()}
