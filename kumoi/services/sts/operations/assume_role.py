"""AssumeRole: credentials of a role, for whoever its trust policy lets in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call, Session
from kumoi.services.sts import sts
from kumoi.services.sts.assumed import MOST_SECONDS, assume, find_role
from kumoi.services.sts.session_rules import (
    CHAINED_SECONDS,
    check_name,
    inherited_tags,
    invalid,
    session_policies,
    session_tags,
    transitive,
)
from kumoi.wire.errors import aws_error


@sts.operation
async def assume_role(
    call: Call,
    RoleArn: str,
    RoleSessionName: str,
    DurationSeconds: int = 3600,
    Policy: str | None = None,
    PolicyArns: list[dict[str, str]] | None = None,
    ExternalId: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    TransitiveTagKeys: list[str] | None = None,
    SerialNumber: str | None = None,
    TokenCode: str | None = None,
    SourceIdentity: str | None = None,
    context: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Any]:
    """Session credentials of a role. Its trust policy was asked by the doorway; MFA codes are taken unchecked.

    `context` are condition keys that stay with the session, of a service that assumes a role for somebody (no member
    of AWS's API).
    """
    role = await find_role(call, RoleArn)
    before = call.caller.session
    chained = call.caller.arn.startswith("arn:") and ":assumed-role/" in call.caller.arn
    if chained and DurationSeconds > CHAINED_SECONDS:
        raise invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    inherited = inherited_tags(call.caller)
    tags = session_tags(Tags, inherited)
    session = Session(
        issued=call.now,
        policies=session_policies(Policy, PolicyArns),
        tags=tuple(tags.items()),
        transitive=transitive(TransitiveTagKeys, tags, tuple(inherited)),
        source_identity=_source_identity(SourceIdentity, "" if before is None else before.source_identity),
        mfa=TokenCode is not None,
        context=tuple((context or {}).items()),
    )
    return assume(call, role, RoleSessionName, DurationSeconds, MOST_SECONDS, session)


def _source_identity(given: str | None, before: str) -> str:
    """Who is behind a session; once it was said it stays."""
    if given is not None:
        check_name("sourceIdentity", given)
        if before and given != before:
            raise aws_error("AccessDenied", "The source identity of a session cannot be changed.")
    return given or before
