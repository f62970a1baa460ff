"""Who somebody is, and why somebody may not: GetCallerIdentity, GetAccessKeyInfo, DecodeAuthorizationMessage."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from kumoi.doorway import Call
from kumoi.doorway.authoriser import MESSAGE_CONTEXT
from kumoi.names import DEFAULT_ACCOUNT
from kumoi.services.sts import sts
from kumoi.wire.errors import aws_error


@sts.operation
async def get_caller_identity(call: Call) -> dict[str, Any]:
    """The account, ARN and unique id of whoever's credentials the request has."""
    return {"Account": call.caller.account, "Arn": call.caller.arn, "UserId": call.caller.id}


@sts.operation
async def get_access_key_info(call: Call, AccessKeyId: str) -> dict[str, Any]:
    """The account an access key belongs to."""
    if len(AccessKeyId) == 12 and AccessKeyId.isdigit():
        return {"Account": AccessKeyId}
    key = await call.doorway.identity.access_key(AccessKeyId)
    if key is not None:
        return {"Account": key.account}
    return {"Account": account_in(AccessKeyId) or DEFAULT_ACCOUNT}


@sts.operation
async def decode_authorization_message(call: Call, EncodedMessage: str) -> dict[str, Any]:
    """Why a call was denied, of the message that refusals carry in the header `x-kumoi-authorization-message`."""
    try:
        sealed = base64.b64decode(EncodedMessage, validate=True)
        return {"DecodedMessage": call.doorway.identity.sealer.open(sealed, MESSAGE_CONTEXT).decode()}
    except ValueError:
        raise aws_error(
            "InvalidAuthorizationMessageException", "Invalid authorization message: this platform issued none like it."
        ) from None


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
