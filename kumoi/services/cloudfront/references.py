"""What a distribution's configuration refers to must exist, in the account and elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudfront.configuration import reading
from kumoi.services.cloudfront.errors import invalid
from kumoi.services.cloudfront.kinds import (
    ACCESS_CONTROL,
    ACCESS_IDENTITY,
    CACHE_POLICY,
    DEPLOYMENT_POLICY,
    KEY_GROUP,
    ORIGIN_REQUEST_POLICY,
    RESPONSE_HEADERS_POLICY,
)
from kumoi.services.cloudfront.lambda_edge.association import check_associations
from kumoi.services.cloudfront.lookup import missing
from kumoi.services.cloudfront.managed import MANAGED
from kumoi.services.cloudfront.naming import cloudfront_arn
from kumoi.services.cloudfront.records import configured, functions, realtime_logs
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_OWN_ERRORS = {
    ACCESS_CONTROL.name: ("InvalidOriginAccessControl", "The origin access control is not valid.", 400),
    ACCESS_IDENTITY.name: (
        "InvalidOriginAccessIdentity",
        "The origin access identity is not valid or doesn't exist.",
        400,
    ),
    KEY_GROUP.name: ("TrustedKeyGroupDoesNotExist", "The specified key group does not exist.", 400),
}
_REFERRED = (
    *(CACHE_POLICY, ORIGIN_REQUEST_POLICY, RESPONSE_HEADERS_POLICY),
    *(ACCESS_CONTROL, ACCESS_IDENTITY, KEY_GROUP, DEPLOYMENT_POLICY),
)


async def check_references(call: Call, config: Mapping[str, Any]) -> None:
    """Raise for a policy, an access control, a key group or a function that is not there or cannot be used."""
    if config["WebACLId"]:
        raise invalid("Kumoi has no AWS WAF: leave WebACLId out, or empty.", "InvalidWebACLId")
    if any(behaviour["FieldLevelEncryptionId"] for behaviour in reading.behaviours(config)):
        raise invalid("Kumoi does not serve field-level encryption: leave FieldLevelEncryptionId out, or empty.")
    await _check_own(call.state, config)
    await check_associations(call, config)


@transactional
async def _check_own(tx: Transaction, config: Mapping[str, Any]) -> None:
    for kind in _REFERRED:
        for id in sorted(kind.uses(config)):
            if id in MANAGED.get(kind.name, {}) or await configured.get(tx, kind.name, id) is not None:
                continue
            if kind.name in _OWN_ERRORS:
                code, text, status = _OWN_ERRORS[kind.name]
                raise aws_error(code, text, status=status)
            raise missing(kind)
    for arn in reading.uses(config, "RealtimeLogConfigArn"):
        prefix = cloudfront_arn(tx.account, "realtime-log-config/")
        if not arn.startswith(prefix) or await realtime_logs.get(tx, arn.removeprefix(prefix)) is None:
            raise aws_error("NoSuchRealtimeLogConfig", "The real-time log configuration does not exist.", status=404)
    for _, arn in reading.functions(config):
        await _check_function(tx, arn)


async def _check_function(tx: Transaction, arn: str) -> None:
    """Raise for a CloudFront function that is not there, or was not published."""
    prefix = cloudfront_arn(tx.account, "function/")
    found = await functions.get(tx, arn.removeprefix(prefix)) if arn.startswith(prefix) else None
    if found is None or found.live is None:
        raise invalid(
            "The function cannot be found or is not in the LIVE stage."
            if found is None
            else "The function must be published to the LIVE stage before it is associated with a cache behavior.",
            "InvalidFunctionAssociation",
        )
