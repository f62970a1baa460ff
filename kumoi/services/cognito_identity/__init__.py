"""Amazon Cognito identity pools: people who signed in somewhere, or nowhere, get AWS credentials of a role.

`logins.py` takes the tokens of other providers, `linking.py` finds whose identity they are, `roles.py` chooses a role,
`tokens.py` makes the pool's own tokens, which STS exchanges for credentials.

Rules: the Cognito identity pools API reference and developer guide ("Identity pools authentication flow",
"Role-based access control", "Using attributes for access control").
"""

from __future__ import annotations

from kumoi.doorway import Parts, Service
from kumoi.state import State
from kumoi.wire.http import HeaderList, Request

cognito_identity = Service(
    "cognito-identity",
    __name__,
    modules=(
        "operations.credentials",
        "operations.developer",
        "operations.identities",
        "operations.pools",
        "operations.roles",
        "operations.tags",
        "plane",
    ),
    resource=("IdentityPoolId", "IdentityId", "IdentityPoolName", "ResourceArn"),
    data_planes=("cognito-identity-keys",),
    authorization="authorization",
    page="cognito",
    tagged="tagged",
)


@cognito_identity.on_reset
async def reset(_parts: Parts, state: State, account: str | None) -> None:
    """Free the ids of what is being forgotten."""
    from kumoi.services.cognito_identity.lookup import forget

    await forget(state.at("", ""), account)


@cognito_identity.cross_origin
async def cross_origin(_state: State, _request: Request) -> HeaderList:
    """Pages of any origin may read the answers, as at AWS."""
    return [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType"),
    ]
