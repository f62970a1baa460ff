"""Which key a stream is encrypted with, checked."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call, Principal
from kumoi.services.firehose.errors import invalid
from kumoi.services.firehose.records import Encryption
from kumoi.wire.errors import AwsError, aws_error


async def checked_key(call: Call, given: dict[str, Any] | None) -> Encryption:
    """The encryption that a request asks for; InvalidArgumentException, InvalidKMSResourceException."""
    kind = (given or {}).get("KeyType", "AWS_OWNED_CMK")
    key = (given or {}).get("KeyARN", "")
    if kind == "AWS_OWNED_CMK":
        if key:
            raise invalid("KeyARN must be null when KeyType is AWS_OWNED_CMK.")
        return Encryption(kind)
    if not key:
        raise invalid("KeyARN must be specified when KeyType is CUSTOMER_MANAGED_CMK.")
    looking = Principal.looking(call.account, "kms", call.node)
    try:
        state = (await call.to_as(looking, "kms", "DescribeKey", KeyId=key))["KeyMetadata"]["KeyState"]
    except AwsError as error:
        raise aws_error("InvalidKMSResourceException", error.message, code=error.code) from None
    if state != "Enabled":
        raise aws_error("InvalidKMSResourceException", f"{key} is {state}.", code="KMSInvalidStateException")
    return Encryption(kind, key)
