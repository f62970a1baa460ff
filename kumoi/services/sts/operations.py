"""GetCallerIdentity, AssumeRole, GetSessionToken, GetAccessKeyInfo."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Call, Principal, SessionCredentials
from kumoi.names import DEFAULT_ACCOUNT, Arn, arn
from kumoi.services.sts import sts
from kumoi.wire.errors import AwsError, aws_error


@sts.operation
async def get_caller_identity(call: Call) -> dict[str, Any]:
    """The account, ARN and unique id of whoever's credentials the request has."""
    return {"Account": call.caller.account, "Arn": call.caller.arn, "UserId": call.caller.id}


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
) -> dict[str, Any]:
    """Session credentials of a role. Session policies and tags are taken and have no effect yet.

    A role nobody created may be assumed while `--auth` is off; otherwise that is AccessDenied.
    """
    try:
        role = Arn.parse(RoleArn)
    except ValueError:
        raise aws_error("ValidationError", f"{RoleArn} is invalid") from None
    if role.service != "iam" or not role.resource.startswith("role/"):
        raise aws_error("ValidationError", f"{RoleArn} is invalid")
    name = role.resource.rpartition("/")[2]
    role_id = await _role_id(call, role, name)
    assumed = arn("sts", "", role.account, f"assumed-role/{name}/{RoleSessionName}")
    principal = Principal(role.account, assumed, f"{role_id}:{RoleSessionName}", call.caller.source)
    issued = call.doorway.identity.issue(principal, DurationSeconds)
    answer: dict[str, Any] = {
        "Credentials": _credentials(issued),
        "AssumedRoleUser": {"AssumedRoleId": principal.id, "Arn": assumed},
    }
    if SourceIdentity is not None:
        answer["SourceIdentity"] = SourceIdentity
    return answer


@sts.operation
async def get_session_token(
    call: Call, DurationSeconds: int = 43_200, SerialNumber: str | None = None, TokenCode: str | None = None
) -> dict[str, Any]:
    """Session credentials of the caller; a second factor is taken and not checked."""
    return {"Credentials": _credentials(call.doorway.identity.issue(call.caller, DurationSeconds))}


@sts.operation
async def get_access_key_info(call: Call, AccessKeyId: str) -> dict[str, Any]:
    """The account an access key belongs to."""
    if len(AccessKeyId) == 12 and AccessKeyId.isdigit():
        return {"Account": AccessKeyId}
    key = await call.doorway.identity.access_key(AccessKeyId)
    if key is not None:
        return {"Account": key.account}
    return {"Account": account_in(AccessKeyId) or DEFAULT_ACCOUNT}


def account_in(access_key: str) -> str | None:
    """The account that a key of AWS's own carries in its first bytes (base32, 40 bits from the second on)."""
    if len(access_key) != 20 or access_key[:4] not in ("AKIA", "ASIA"):
        return None
    try:
        raw = base64.b32decode(access_key[4:])
    except binascii.Error:
        return None
    number = (int.from_bytes(raw[:6]) & 0x7FFFFFFFFF80) >> 7
    return f"{number:012d}" if number < 10**12 else None


async def _role_id(call: Call, role: Arn, name: str) -> str:
    try:
        if role.account == call.account:
            answer = await call.to("iam", "GetRole", RoleName=name)
            return str(answer["Role"]["RoleId"])
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise
    if call.doorway.identity.verifies:
        raise aws_error(
            "AccessDenied", f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role}"
        )
    return f"AROA{name.upper().encode().hex().upper():0<17.17}"


def _credentials(issued: SessionCredentials) -> dict[str, Any]:
    return {
        "AccessKeyId": issued.access_key,
        "SecretAccessKey": issued.secret,
        "SessionToken": issued.token,
        "Expiration": datetime.fromtimestamp(int(issued.expires), UTC),
    }
