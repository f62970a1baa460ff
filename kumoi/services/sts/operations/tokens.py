"""GetSessionToken and GetFederationToken: temporary credentials of a user, whole or restricted."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call, Principal, Session
from kumoi.names import arn
from kumoi.services.sts import sts
from kumoi.services.sts.session_rules import (
    check_duration,
    check_name,
    packed_size,
    session_policies,
    session_tags,
    told,
)
from kumoi.wire.errors import aws_error

MOST_SECONDS = 129_600
MOST_SECONDS_OF_ROOT = 3_600


@sts.operation
async def get_session_token(
    call: Call, DurationSeconds: int | None = None, SerialNumber: str | None = None, TokenCode: str | None = None
) -> dict[str, Any]:
    """Session credentials of the caller; a second factor is taken unchecked, and counts as one."""
    _check_long_term(call, "GetSessionToken")
    seconds = _seconds(call, DurationSeconds)
    caller = call.caller
    session = Session(issued=call.now, mfa=TokenCode is not None)
    principal = Principal(caller.account, caller.arn, caller.id, caller.source, session=session)
    return {"Credentials": told(call.doorway.identity.issue(principal, seconds))}


@sts.operation
async def get_federation_token(
    call: Call,
    Name: str,
    Policy: str | None = None,
    PolicyArns: list[dict[str, str]] | None = None,
    DurationSeconds: int | None = None,
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Credentials for somebody else: what the caller may, and the given policies allow; nothing without these."""
    _check_long_term(call, "GetFederationToken")
    check_name("name", Name)
    caller = call.caller
    session = Session(
        issued=call.now,
        policies=session_policies(Policy, PolicyArns) or (),
        tags=tuple(session_tags(Tags, {}).items()),
        identity=caller.arn,
    )
    federated = arn("sts", "", caller.account, f"federated-user/{Name}")
    principal = Principal(caller.account, federated, f"{caller.account}:{Name}", caller.source, session=session)
    return {
        **packed_size(session),
        "Credentials": told(call.doorway.identity.issue(principal, _seconds(call, DurationSeconds))),
        "FederatedUser": {"FederatedUserId": principal.id, "Arn": federated},
    }


def _check_long_term(call: Call, operation: str) -> None:
    """Refuse callers whose credentials are temporary themselves."""
    if call.caller.session is not None or ":sts:" in call.caller.arn:
        raise aws_error("AccessDenied", f"Cannot call {operation} with session credentials")


def _seconds(call: Call, given: int | None) -> int:
    """How long credentials are to last: twelve hours unless said; those of an account's root one hour at most."""
    if given is None:
        return MOST_SECONDS_OF_ROOT if call.caller.is_root else 43_200
    check_duration(given, MOST_SECONDS)
    return min(given, MOST_SECONDS_OF_ROOT) if call.caller.is_root else given
