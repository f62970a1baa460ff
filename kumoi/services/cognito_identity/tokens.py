"""The tokens of identity pools: what GetOpenIdToken gives, and STS takes for credentials.

One RSA key signs for the whole platform. It is made on a thread when a token is first asked for, and kept sealed.
Source: "Identity pools authentication flow" of the Cognito developer guide.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.cognito_identity.records import Identity, SigningKey, keys
from kumoi.state import State, Transaction, transactional

ISSUER = "https://cognito-identity.amazonaws.com"
KEY_ID = "kumoi-1"
_NAME = "first"
_TAGS = "https://aws.amazon.com/tags"


def claims_of(identity: Identity, providers: Sequence[str], tags: Mapping[str, str], now: float, seconds: int) -> Any:
    """The claims of a token: who, in which pool, signed in where."""
    claims: dict[str, Any] = {
        "sub": identity.id,
        "aud": identity.pool,
        "amr": ["authenticated", *providers] if providers else ["unauthenticated"],
        "iss": ISSUER,
        "iat": int(now),
        "exp": int(now) + seconds,
    }
    if tags:
        claims[_TAGS] = {"principal_tags": {name: [value] for name, value in tags.items()}}
    return claims


async def sign(call: Call, claims: Mapping[str, Any]) -> str:
    """A token with these claims."""
    return await asyncio.to_thread(_signed, await _key(call), orjson.dumps(claims))


async def public_key(call: Call) -> dict[str, str]:
    """The key that verifies them, as a JSON Web Key."""
    numbers = _loaded(await _key(call)).public_key().public_numbers()
    modulus = _b64(numbers.n.to_bytes(256, "big"))
    return {"kty": "RSA", "alg": "RS512", "use": "sig", "kid": KEY_ID, "e": "AQAB", "n": modulus}


async def _key(call: Call) -> bytes:
    state, sealer = call.doorway.state.at("", ""), call.doorway.identity.sealer
    found = await _kept(state)
    if found is None:
        found = await _keep(state, sealer.seal(await asyncio.to_thread(_new_key), _NAME))
    return sealer.open(found.sealed, _NAME)


def _new_key() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@lru_cache(maxsize=4)
def _loaded(der: bytes) -> Any:
    """A key of our own making: to check its primes anew would take 40 ms."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)


def _signed(der: bytes, claims: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA512

    text = f"{_b64(orjson.dumps({'kid': KEY_ID, 'typ': 'JWS', 'alg': 'RS512'}))}.{_b64(claims)}"
    return f"{text}.{_b64(_loaded(der).sign(text.encode(), padding.PKCS1v15(), SHA512()))}"


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@transactional
async def _kept(tx: Transaction) -> SigningKey | None:
    return await keys.get(tx, _NAME)


async def _keep(state: State, sealed: bytes) -> SigningKey:
    return await _keep_first(state, SigningKey(_NAME, sealed))


@transactional
async def _keep_first(tx: Transaction, made: SigningKey) -> SigningKey:
    """Store a key, unless somebody was faster."""
    found = await keys.get(tx, _NAME)
    if found is None:
        await keys.put(tx, made)
    return found or made
