"""Credentials and tokens of identities: the enhanced flow in one call, the classic one through STS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.doorway import Call, Principal
from kumoi.services.cognito_identity import cognito_identity
from kumoi.services.cognito_identity.errors import invalid, no_roles, not_authorized
from kumoi.services.cognito_identity.linking import reached
from kumoi.services.cognito_identity.logins import OWN, Proof, tags_of, taken
from kumoi.services.cognito_identity.lookup import Scene, identity_anywhere
from kumoi.services.cognito_identity.records import Identity
from kumoi.services.cognito_identity.roles import role_of
from kumoi.services.cognito_identity.tokens import claims_of, sign
from kumoi.wire.errors import AwsError

_TOKEN_SECONDS = 600
_SESSION = "CognitoIdentityCredentials"


@cognito_identity.operation
async def get_credentials_for_identity(
    call: Call, IdentityId: str, Logins: dict[str, str] | None = None, CustomRoleArn: str | None = None
) -> dict[str, Any]:
    """Credentials of the role that the pool has for an identity, for an hour."""
    scene, identity, proofs = await _known(call, IdentityId, Logins)
    role = role_of(scene.pool, proofs, CustomRoleArn)
    claims = claims_of(identity, _providers(identity, proofs), tags_of(scene.pool, proofs), call.now, _TOKEN_SECONDS)
    given = {"RoleArn": role, "RoleSessionName": _SESSION, "WebIdentityToken": await sign(call, claims)}
    asking = Principal.of_service(scene.account, OWN, f"cognito-identity:{scene.pool.name}")
    try:
        answer = await call.doorway.ask("sts", "AssumeRoleWithWebIdentity", given, asking, scene.region, call.trace)
    except AwsError as error:
        if error.code == "AccessDenied":
            raise no_roles() from None
        raise
    found = answer["Credentials"]
    return {
        "IdentityId": identity.id,
        "Credentials": {
            "AccessKeyId": found["AccessKeyId"],
            "SecretKey": found["SecretAccessKey"],
            "SessionToken": found["SessionToken"],
            "Expiration": found["Expiration"],
        },
    }


@cognito_identity.operation
async def get_open_id_token(call: Call, IdentityId: str, Logins: dict[str, str] | None = None) -> dict[str, Any]:
    """A token for STS, good for ten minutes; of pools with the classic flow alone."""
    scene, identity, proofs = await _known(call, IdentityId, Logins)
    if not scene.pool.definition.get("AllowClassicFlow"):
        raise invalid("Basic (classic) flow is not enabled, please use enhanced flow.")
    tags = tags_of(scene.pool, proofs)
    claims = claims_of(identity, _providers(identity, proofs), tags, call.now, _TOKEN_SECONDS)
    return {"IdentityId": identity.id, "Token": await sign(call, claims)}


async def _known(
    call: Call, identity_id: str, logins: Mapping[str, str] | None
) -> tuple[Scene, Identity, Sequence[Proof]]:
    """The identity for whoever brings these logins, and what they prove; NotAuthorizedException."""
    scene, identity = await identity_anywhere(call, identity_id)
    proofs = await taken(call, scene.pool, logins)
    if not proofs:
        if identity.logins:
            raise not_authorized(f"Access to Identity '{identity_id}' is forbidden.")
        if not scene.pool.definition.get("AllowUnauthenticatedIdentities"):
            raise not_authorized("Unauthenticated access is not supported for this identity pool.")
        return scene, identity, proofs
    for proof in proofs:
        if proof.provider == OWN and proof.subject != identity_id:
            raise not_authorized("Invalid login token. The token is of another identity.")
    pairs = [(proof.provider, proof.subject) for proof in proofs if proof.provider != OWN]
    if pairs:
        identity = await reached(scene.state, scene.pool.id, identity_id, pairs)
    return scene, identity, proofs


def _providers(identity: Identity, proofs: Sequence[Proof]) -> list[str]:
    """What a token tells of where somebody signed in."""
    if not proofs:
        return []
    shown = [proof.provider for proof in proofs if proof.provider != OWN]
    return shown or list(dict.fromkeys(provider for provider, _ in identity.logins)) or [OWN]
