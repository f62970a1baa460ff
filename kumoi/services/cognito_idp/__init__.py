"""Amazon Cognito user pools: sign-up, sign-in by password or SRP, tokens that any JOSE library verifies, triggers.

`srp.py` is the mathematics of passwords, `tokens.py` makes and reads JSON Web Tokens, `signing_in.py` is what every
flow does (a choice of first factors in `choice_flow.py`, passkeys, devices), `triggers.py` asks the pool's functions.
Codes that AWS would send go to the log group `/kumoi/cognito/POOL` (`messages.py`).

Rules: the Cognito user pools API reference and developer guide ("Authentication flows", "Lambda triggers",
"Understanding the tokens").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State
from kumoi.wire.http import HeaderList, Request

cognito_idp = Service(
    "cognito-idp",
    __name__,
    modules=(
        "operations.admin",
        "operations.authentication",
        "operations.clients",
        "operations.devices",
        "operations.domains",
        "operations.groups",
        "operations.identity_providers",
        "operations.linking",
        "operations.passkeys",
        "operations.passwords",
        "operations.pools",
        "operations.resource_servers",
        "operations.second_factors",
        "operations.self_service",
        "operations.sign_up",
        "operations.tags",
        "plane",
        "hosted.plane",
        "browsers",
    ),
    resource=("UserPoolId", "ClientId", "PoolName", "ResourceArn"),
    data_planes=("cognito-keys", "cognito-hosted-ui", "cognito-preflight"),
    authorization="authorization",
    held="held",
    page="cognito",
    tagged="tagged",
)


@cognito_idp.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Answer at the customers' own names while the platform runs."""
    from kumoi.services.cognito_idp.lifespan import running

    async with running(parts):
        yield


@cognito_idp.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Free the ids and names of what is being forgotten."""
    from kumoi.services.cognito_idp.lifespan import forget

    await forget(parts, state, account)


@cognito_idp.cross_origin
async def cross_origin(_state: State, _request: Request) -> HeaderList:
    """Pages of any origin may read the answers, as at AWS: what they may ask needs a password or a token."""
    return [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType"),
    ]
