"""Parameter policies: what PutParameter takes, and when each acts; pure. Source: "Assigning parameter policies".

Expiration deletes the parameter at a time; ExpirationNotification tells EventBridge some time before;
NoChangeNotification tells it when the value has not been changed for some time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.services.ssm.records import Policy
from kumoi.wire.errors import AwsError, aws_error

MOST = 10
EXPIRATION, EXPIRING, UNCHANGED = "Expiration", "ExpirationNotification", "NoChangeNotification"
_SECONDS = {"Days": 86_400.0, "Hours": 3600.0}


def read_policies(text: str, now: float) -> tuple[Policy, ...]:
    """The policies of a PutParameter at a time (epoch seconds); an empty list or object removes them."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _wrong("The policies are not valid JSON.") from None
    if given in ({}, []):
        return ()
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise _wrong("The policies must be a JSON array of objects.")
    if len(given) > MOST:
        raise aws_error(
            "PoliciesLimitExceededException", f"You specified more than the maximum number of allowed policies: {MOST}."
        )
    for one in given:
        if one.get("Type") not in (EXPIRATION, EXPIRING, UNCHANGED):
            raise aws_error(
                "InvalidPolicyTypeException",
                f"The policy type isn't supported. Parameter Store supports the following policy types: {EXPIRATION}, "
                f"{EXPIRING}, and {UNCHANGED}.",
            )
        if one.get("Version") != "1.0":
            raise _wrong("The Version of a policy must be 1.0.")
    ends = [_timestamp(one) for one in given if one["Type"] == EXPIRATION]
    if len(ends) > 1:
        raise _incompatible("a parameter can have one Expiration policy only.")
    if ends and ends[0] <= now:
        raise _wrong("The Timestamp of an Expiration policy must lie in the future.")
    return tuple(_policy(one, ends, now) for one in given)


def restarted(policy: Policy, passed: float) -> Policy:
    """A policy as a new version inherits it, `passed` seconds after the last: what waits for a change waits anew."""
    if policy.type != UNCHANGED:
        return policy
    return msgspec.structs.replace(policy, due=policy.due + passed, status="Pending")


def _policy(given: dict[str, Any], ends: list[float], now: float) -> Policy:
    kind = given["Type"]
    if kind == EXPIRATION:
        due = ends[0]
    elif kind == UNCHANGED:
        due = now + _span(given, "After")
    elif not ends:
        raise _incompatible(f"{EXPIRING} needs an {EXPIRATION} policy.")
    else:
        due = ends[0] - _span(given, "Before")
    return Policy(type=kind, text=orjson.dumps(given).decode(), due=due)


def _attributes(given: dict[str, Any], *names: str) -> list[Any]:
    attributes = given.get("Attributes")
    if not isinstance(attributes, dict) or attributes.keys() != set(names):
        raise _wrong(f"The Attributes of a policy of type {given['Type']} are {' and '.join(names)}.")
    return [attributes[name] for name in names]


def _timestamp(given: dict[str, Any]) -> float:
    (text,) = _attributes(given, "Timestamp")
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise _wrong("The Timestamp of an Expiration policy must be of the form 2030-01-01T00:00:00.000Z.") from None


def _span(given: dict[str, Any], member: str) -> float:
    """Seconds that a policy waits."""
    count, unit = _attributes(given, member, "Unit")
    text = str(count)
    if str(unit) not in _SECONDS or not text.isdecimal() or not 0 < int(text[:9]) <= 100_000 or len(text) > 6:
        raise _wrong(f"{member} must be a positive number, and Unit either Days or Hours.")
    return int(text) * _SECONDS[str(unit)]


def _wrong(text: str) -> AwsError:
    return aws_error("InvalidPolicyAttributeException", f"A policy attribute or its value is invalid. {text}")


def _incompatible(text: str) -> AwsError:
    return aws_error("IncompatiblePolicyException", f"There is a conflict in the policies specified: {text}")
