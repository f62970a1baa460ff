"""JSON Web Tokens of a pool: its keys, ID and access tokens, their verification.

Keys are RSA of 2,048 bits, made in pairs on a thread when a pool needs them, and stored sealed. Every 90 days there are
others: they are published for a day before the first token is signed with them, as whoever verifies may hold what was
published for so long. Those that sign no more go with the next ones. The issuer is AWS's own address of the pool,
so that libraries which compare it agree. Source: "Understanding user pool JSON web tokens".
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.names import uuid
from kumoi.services.cognito_idp.errors import not_authorized
from kumoi.services.cognito_idp.identity_providers import identities_claim
from kumoi.services.cognito_idp.lookup import Scene, pool_anywhere
from kumoi.services.cognito_idp.policies import readable
from kumoi.services.cognito_idp.records import Client, Pool, User, pools
from kumoi.state import Transaction, transactional

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
ROTATED_SECONDS = 90 * 86_400.0
LEAD_SECONDS = LONGEST_SECONDS = 86_400.0
"""For how long keys are published before they sign; for how long a token can be good."""
OWN_ACCOUNT = "aws.cognito.signin.user.admin"
"""The scope of tokens that users see and change their account by."""
_CONTACT = {"email": ("email", "email_verified"), "phone": ("phone_number", "phone_number_verified")}


def issuer(scene: Scene) -> str:
    """Who issues a pool's tokens."""
    return f"https://cognito-idp.{scene.region}.amazonaws.com/{scene.pool.id}"


def validity(client: Client, kind: str) -> float:
    """For how many seconds a client's tokens are good: `AccessToken`, `IdToken` or `RefreshToken`."""
    given = client.definition
    default, unit = (30, "days") if kind == "RefreshToken" else (60, "minutes")
    amount = given.get(f"{kind}Validity")
    if amount is None:
        return float(default * _UNITS[unit])
    usual = "days" if kind == "RefreshToken" else "hours"
    return float(amount * _UNITS[(given.get("TokenValidityUnits") or {}).get(kind, usual)])


async def keyed(call: Call, scene: Scene) -> Pool:
    """The pool with its keys: made now where it has none, or where the last ones are old."""
    pool = scene.pool
    if pool.keys and call.now < _made(pool)[-1] + ROTATED_SECONDS:
        return pool
    made = await asyncio.to_thread(lambda: [_new_key(), _new_key()])
    sealer = call.doorway.identity.sealer
    sealed = tuple(sealer.seal(one, pool.id) for one in made)
    return await _keep(scene.state, pool.id, sealed, pool.keys)


def signing(made: Sequence[float], now: float) -> int:
    """Which pair of keys signs: the newest one that has been published for long enough, or the only one. Pure."""
    return max(at for at, moment in enumerate(made) if at == 0 or moment + LEAD_SECONDS <= now)


def needed(made: Sequence[float], now: float) -> int:
    """From which pair of keys on there may be tokens. Pure."""
    at = signing(made, now)
    return at if at == 0 or made[at] + LEAD_SECONDS + LONGEST_SECONDS <= now else at - 1


def _made(pool: Pool) -> Sequence[float]:
    return pool.keys_made or (pool.created,)


def public_keys(pool: Pool, sealer: Sealer) -> list[dict[str, str]]:
    """A pool's public keys as JSON Web Keys."""
    found = []
    for sealed in pool.keys:
        key = _loaded(sealer.open(sealed, pool.id))
        numbers = key.public_key().public_numbers()
        modulus = numbers.n.to_bytes(256, "big")
        found.append(
            {"alg": "RS256", "e": "AQAB", "kid": _key_id(modulus), "kty": "RSA", "n": _b64(modulus), "use": "sig"}
        )
    return found


async def sign(call: Call, pool: Pool, claims: Mapping[str, Any], which: int) -> str:
    """A token with these claims, by the first key of the pool's pair (ID tokens) or the second (access tokens)."""
    at = 2 * signing(_made(pool), call.now) + which
    pem = call.doorway.identity.sealer.open(pool.keys[at], pool.id)
    return await asyncio.to_thread(_signed, pem, orjson.dumps(claims))


def claims_of(
    scene: Scene,
    client: Client,
    user: User,
    now: float,
    signed_in: float,
    origin: str,
    scopes: Sequence[str] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims of an ID token and of an access token; `scopes` are of tokens that the OAuth endpoints give."""
    common: dict[str, Any] = {
        "sub": user.sub,
        "iss": issuer(scene),
        "origin_jti": origin,
        "event_id": uuid(),
        "auth_time": int(signed_in),
        "iat": int(now),
    }
    if user.groups:
        common["cognito:groups"] = list(user.groups)
    shown: dict[str, Any] = shown_attributes(readable(client, user.attributes), scopes)
    for name in ("email_verified", "phone_number_verified"):
        if name in shown:
            shown[name] = shown[name] == "true"
    known = identities_claim(user.identities)
    if known:
        shown["identities"] = [
            {**one, "primary": str(one["primary"]).lower(), "dateCreated": str(one["dateCreated"])} for one in known
        ]
    identity = {
        **shown,
        **common,
        "cognito:username": user.name,
        "aud": client.id,
        "token_use": "id",
        "exp": int(now + validity(client, "IdToken")),
        "jti": uuid(),
    }
    access = {
        **common,
        "client_id": client.id,
        "token_use": "access",
        "scope": OWN_ACCOUNT if scopes is None else " ".join(scopes),
        "username": user.name,
        "exp": int(now + validity(client, "AccessToken")),
        "jti": uuid(),
    }
    if scopes is not None:
        access["version"] = 2
    return identity, access


def shown_attributes(attributes: Mapping[str, str], scopes: Sequence[str] | None) -> dict[str, str]:
    """The attributes that tokens of these scopes tell: with `openid` alone, or without scopes, all."""
    shown = {name: value for name, value in attributes.items() if not name.startswith("dev:")}
    if scopes is None or "profile" in scopes or not {"email", "phone"} & set(scopes):
        if scopes is None or "profile" not in scopes:
            return shown
        hidden = {name for scope, names in _CONTACT.items() if scope not in scopes for name in names}
        return {name: value for name, value in shown.items() if name not in hidden}
    told = {"sub", *(name for scope, names in _CONTACT.items() if scope in scopes for name in names)}
    return {name: value for name, value in shown.items() if name in told}


async def read_access_token(call: Call, token: str) -> tuple[Scene, dict[str, Any]]:
    """Whose pool an access token is of, and its claims; NotAuthorizedException."""
    parts = token.split(".")
    try:
        header, claims = (orjson.loads(_unb64(part)) for part in parts[:2])
        signature = _unb64(parts[2])
        pool_id = str(claims["iss"]).rpartition("/")[2]
    except (ValueError, KeyError, TypeError, IndexError):
        raise not_authorized("Invalid Access Token") from None
    scene = await pool_anywhere(call, pool_id, str(claims.get("client_id")))
    if scene is None or claims.get("token_use") != "access" or not isinstance(header, dict):
        raise not_authorized("Invalid Access Token")
    known = {key["kid"]: at for at, key in enumerate(public_keys(scene.pool, call.doorway.identity.sealer))}
    which = known.get(str(header.get("kid")))
    if which is None:
        raise not_authorized("Invalid Access Token")
    pem = call.doorway.identity.sealer.open(scene.pool.keys[which], pool_id)
    if not _holds(pem, f"{parts[0]}.{parts[1]}".encode(), signature):
        raise not_authorized("Invalid Access Token")
    if claims["exp"] <= call.now:
        raise not_authorized("Access Token has expired")
    return scene, claims


def _new_key() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@lru_cache(maxsize=256)
def _loaded(der: bytes) -> Any:
    """A key of our own making: to check its primes anew would take 40 ms."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)


def _signed(der: bytes, claims: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _loaded(der)
    modulus = key.public_key().public_numbers().n.to_bytes(256, "big")
    header = orjson.dumps({"kid": _key_id(modulus), "alg": "RS256"})
    text = f"{_b64(header)}.{_b64(claims)}"
    return f"{text}.{_b64(key.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


def _holds(der: bytes, signed: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        _loaded(der).public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _key_id(modulus: bytes) -> str:
    return base64.b64encode(hashlib.sha256(modulus).digest()).decode()


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@transactional
async def _keep(tx: Transaction, pool_id: str, keys: tuple[bytes, ...], known: tuple[bytes, ...]) -> Pool:
    """Store a pool's new keys, unless somebody was faster; those whose tokens are all over go."""
    pool = await pools.get(tx, pool_id)
    if pool is None:
        raise not_authorized("The user pool is gone.")
    if pool.keys != known:
        return pool
    made = (*(_made(pool) if pool.keys else ()), tx.now)
    first = needed(made, tx.now)
    pool = msgspec.structs.replace(pool, keys=(*pool.keys, *keys)[2 * first :], keys_made=made[first:])
    await pools.put(tx, pool)
    return pool
