"""Who may use a function URL: anybody (NONE), or callers whose requests are signed (AWS_IAM)."""

from __future__ import annotations

import logging
from typing import Any

from kumoi.doorway import Ask, Call
from kumoi.names import arn
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.records import UrlConfig
from kumoi.services.lambda_.url.lookup import url_is_public
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_KEYS = {"lambda:functionurlauthtype": ("AWS_IAM",)}


class Refused(Exception):
    """The caller gets a 403; the text says why, in a header of ours."""


async def authorizer(call: Call, config: UrlConfig) -> dict[str, Any] | None:
    """What the event says of the caller (None for a public URL); raises Refused.

    A public URL needs a permission for everybody, as it does at AWS. Where policies are enforced its lack is refused;
    else it is logged, because it is the commonest reason why a URL that works here does not work there.
    """
    if config.auth_type == "AWS_IAM":
        caller = call.caller
        if caller.access_key is None:
            raise Refused("this function URL wants signed requests (AWS_IAM)")
        try:
            await call.doorway.identity.require(
                call, lambda_, Ask("lambda:InvokeFunctionUrl", _arn(call, config), _KEYS)
            )
        except AwsError as error:
            raise Refused(error.message) from None
        return {
            "accessKey": caller.access_key,
            "accountId": caller.account,
            "callerId": caller.id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": caller.arn,
            "userId": caller.id,
        }
    if not await url_is_public(call.state, config):
        lacking = f"{config.function} has no permission for lambda:InvokeFunctionUrl by everybody (AddPermission)"
        if call.doorway.identity.enforces:
            raise Refused(lacking)
        logger.warning("AWS would answer 403: %s", lacking)
    return None


def _arn(call: Call, config: UrlConfig) -> str:
    """The function of a URL, or the alias it leads to."""
    qualifier = f":{config.qualifier}" if config.qualifier not in ("", "$LATEST") else ""
    return arn("lambda", call.region, call.account, f"function:{config.function}{qualifier}")
