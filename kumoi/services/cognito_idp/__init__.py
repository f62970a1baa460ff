"""Amazon Cognito user pools: sign-up, sign-in by password or SRP, tokens that any JOSE library verifies, triggers.

`srp.py` is the mathematics of passwords, `tokens.py` makes and reads JSON Web Tokens, `signing_in.py` is what every
flow does, `triggers.py` asks the pool's functions. Codes that AWS would send go to the log group `/kumoi/cognito/POOL`
(`messages.py`).

Rules: the Cognito user pools API reference and developer guide ("Authentication flows", "Lambda triggers",
"Understanding the tokens").
"""

from __future__ import annotations

from kumoi.doorway import Parts, Service
from kumoi.state import State

cognito_idp = Service(
    "cognito-idp",
    __name__,
    modules=(
        "operations.admin",
        "operations.authentication",
        "operations.clients",
        "operations.groups",
        "operations.passwords",
        "operations.pools",
        "operations.self_service",
        "operations.sign_up",
        "operations.tags",
        "plane",
    ),
    resource=("UserPoolId", "ClientId", "PoolName", "ResourceArn"),
    data_planes=("cognito-keys",),
    authorization="authorization",
    page="cognito",
)


@cognito_idp.on_reset
async def reset(_parts: Parts, state: State, account: str | None) -> None:
    """Free the ids of what is being forgotten."""
    from kumoi.services.cognito_idp.lookup import forget

    await forget(state.at("", ""), account)
