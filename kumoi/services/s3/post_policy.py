"""The policy of a browser's form upload: until when it holds, and which fields it lets in; pure.

In: the policy as the form carries it (base64 of a JSON document), the form's fields by lower-case name, the size of the
file. Out: nothing, or the error that S3 answers. Rules: "Creating a POST policy" in the S3 API reference, and recorded
errors.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from kumoi.wire.errors import AwsError, aws_error

_NO_INPUT = frozenset({"x-amz-signature", "file", "policy", "awsaccesskeyid", "signature", "submit"})
"""Fields that no condition has to let in; those that begin with x-ignore- neither."""


class Condition(NamedTuple):
    """A condition as the document has it: `eq`, `starts-with` or `content-length-range`, and what it compares."""

    operator: str
    field: Any
    value: Any

    @property
    def name(self) -> str:
        """The form's field that it is about, in lower case."""
        return str(self.field).removeprefix("$").lower()

    def failed(self) -> AwsError:
        """AccessDenied for a form that does not meet it."""
        return _denied(f"Policy Condition failed: {json.dumps(list(self), ensure_ascii=False)}")


class PostPolicy(NamedTuple):
    """A policy that was read: when it expires (epoch seconds), and its conditions."""

    expires: float
    conditions: tuple[Condition, ...]

    def check(self, fields: Mapping[str, str], now: float) -> None:
        """Raise AccessDenied where the policy has expired, or does not let the fields in (the file's aside)."""
        if now > self.expires:
            raise _denied("Policy expired.")
        for condition in self.conditions:
            if condition.operator == "content-length-range":
                if any(_whole(bound) is None for bound in (condition.field, condition.value)):
                    raise condition.failed()
            elif not _holds(condition, fields.get(condition.name)):
                raise condition.failed()
        let_in = {condition.name for condition in self.conditions} | _NO_INPUT | {"bucket"}
        extra = [name for name in fields if name not in let_in and not name.startswith("x-ignore-")]
        if extra:
            raise _denied(f"Extra input fields: {', '.join(extra)}")

    def bounds(self) -> tuple[int, int | None]:
        """(the fewest, the most) bytes that the file may have."""
        ranges = [(one.field, one.value) for one in self.conditions if one.operator == "content-length-range"]
        least = max((_whole(low) or 0 for low, _ in ranges), default=0)
        most = min((_whole(high) or 0 for _, high in ranges), default=None)
        return least, most


def too_large(size: int, most: int) -> AwsError:
    """EntityTooLarge for a file that is longer than the policy allows."""
    return aws_error(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        ProposedSize=size,
        MaxSizeAllowed=most,
    )


def too_small(size: int, least: int) -> AwsError:
    """EntityTooSmall for a file that is shorter than the policy allows."""
    return aws_error(
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
        ProposedSize=size,
        MinSizeAllowed=least,
    )


def read_policy(encoded: str) -> PostPolicy:
    """A policy out of its base64; raises InvalidPolicyDocument."""
    try:
        document = orjson.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    for member in ("expiration", "conditions"):
        if member not in document:
            raise _invalid(f"Policy missing {member}.")
    given = document["conditions"]
    if not isinstance(given, list):
        raise _invalid("Invalid 'conditions' value: must be a List.")
    return PostPolicy(_moment(document["expiration"]), tuple(_condition(one) for one in given))


def _moment(text: Any) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise _invalid(f"Invalid 'expiration' value: '{text}'") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _condition(given: Any) -> Condition:
    if isinstance(given, dict):
        if len(given) != 1:
            raise _invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        ((name, value),) = given.items()
        if not isinstance(value, str):
            raise _invalid("Invalid Simple-Condition: value must be a string.")
        return Condition("eq", f"${name}", value)
    if not isinstance(given, list) or len(given) != 3:
        raise _invalid("Invalid Condition: must be a Simple-Condition or a List of three values.")
    operator = str(given[0]).lower()
    if operator == "content-length-range":
        return Condition(operator, given[1], given[2])
    if operator not in ("eq", "starts-with"):
        raise _invalid(f"Invalid Condition: unknown operation '{given[0]}'.")
    field, value = given[1], given[2]
    if not isinstance(field, str) or not field.startswith("$") or not isinstance(value, str):
        raise _invalid("Invalid Condition: a field's name begins with '$', and its value is a string.")
    return Condition(operator, field, value)


def _holds(condition: Condition, sent: str | None) -> bool:
    """Whether a field is as a condition asks; of a Content-Type that lists several, each has to start so."""
    if sent is None:
        return False
    if condition.operator == "eq":
        return bool(sent == condition.value)
    several = sent.split(",") if condition.name == "content-type" else [sent]
    return all(one.strip().startswith(condition.value) for one in several)


def _whole(value: Any) -> int | None:
    """A bound of a range of sizes, a number or its digits; None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else None


def _denied(text: str) -> AwsError:
    return aws_error("AccessDenied", f"Invalid according to Policy: {text}")


def _invalid(text: str) -> AwsError:
    return aws_error("InvalidPolicyDocument", f"Invalid Policy: {text}")
