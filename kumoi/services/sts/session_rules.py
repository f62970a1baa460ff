"""What a session may be asked to be: its name, how long, which policies and tags; pure.

Source: the STS API reference, and "Passing session tags in AWS STS" of the IAM user guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any

from kumoi.doorway import Principal, Session, SessionCredentials
from kumoi.policy import PolicyError, compile_policy
from kumoi.wire.errors import AwsError, aws_error

CHAINED_SECONDS = 3600
MOST_TAGS = 50
_MOST_CHARACTERS = 2048
_NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)


def invalid(text: str) -> AwsError:
    """ValidationError."""
    return aws_error("ValidationError", text)


def check_name(member: str, value: str) -> None:
    """Refuse a name that cannot stand in a session's ARN."""
    if not _NAME.fullmatch(value) or len(value) < 2:
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [\w+=,.@-]*"
        )


def check_duration(seconds: int, most: int) -> None:
    """Refuse a session that is shorter than any may be, or longer than this one."""
    if seconds < 900:
        raise invalid(
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 900"
        )
    if seconds > most:
        raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def session_policies(document: str | None, arns: Sequence[Mapping[str, str]] | None) -> tuple[str, ...] | None:
    """The policies a session is given, None without any; MalformedPolicyDocument for what is none."""
    if document is None and not arns:
        return None
    found = [one["arn"] for one in arns or ()]
    if len(found) > 10 or not all(":policy/" in one for one in found):
        raise aws_error("MalformedPolicyDocument", "PolicyArns has up to ten ARNs of managed policies.")
    if document is not None:
        try:
            compile_policy(document, "identity", "session policy")
        except PolicyError as error:
            raise aws_error("MalformedPolicyDocument", str(error)) from None
        found.append(document)
    return tuple(found)


def session_tags(given: Sequence[Mapping[str, str]] | None, inherited: Mapping[str, str]) -> dict[str, str]:
    """A session's tags: those that are inherited, and those it is given, which name none of these."""
    tags = dict(inherited)
    lower = {name.lower() for name in tags}
    for one in given or ():
        name = one["Key"]
        if name.lower() in lower:
            text = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
            if name in inherited:
                text = f"The tag {name} is inherited from the session of the caller and cannot be set again."
            raise aws_error("InvalidParameterValue", text)
        lower.add(name.lower())
        tags[name] = one["Value"]
    if len(tags) > MOST_TAGS:
        raise invalid(f"A session has up to {MOST_TAGS} tags.")
    return tags


def transitive(given: Sequence[str] | None, tags: Mapping[str, str], inherited: Sequence[str]) -> tuple[str, ...]:
    """The tags that sessions chained from this one inherit."""
    unknown = [name for name in given or () if name not in tags]
    if unknown:
        raise aws_error(
            "InvalidParameterValue", f"The transitive tag keys must be among the tags: {', '.join(unknown)}"
        )
    return tuple(dict.fromkeys((*inherited, *(given or ()))))


def inherited_tags(caller: Principal) -> dict[str, str]:
    """The tags that a session chained from the caller's inherits."""
    session = caller.session
    return {} if session is None else {name: value for name, value in session.tags if name in session.transitive}


def packed_size(session: Session) -> dict[str, Any]:
    """How much of what fits a session's policies and tags take, in percent; nothing where it has none."""
    characters = sum(map(len, session.policies or ())) + sum(len(name) + len(value) for name, value in session.tags)
    if not characters:
        return {}
    percent = ceil(100 * characters / (2 * _MOST_CHARACTERS))
    if percent > 100:
        raise aws_error("PackedPolicyTooLarge", f"Packed size of session tags consumes {percent}% of allotted space.")
    return {"PackedPolicySize": percent}


def told(issued: SessionCredentials) -> dict[str, Any]:
    """Credentials as STS answers them."""
    return {
        "AccessKeyId": issued.access_key,
        "SecretAccessKey": issued.secret,
        "SessionToken": issued.token,
        "Expiration": datetime.fromtimestamp(int(issued.expires), UTC),
    }
