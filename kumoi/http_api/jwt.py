"""JSON Web Tokens: read, verified with the issuer's keys, and checked as a JWT authorizer is configured.

The issuer's keys are fetched from where its OpenID configuration says and kept for two hours; a token signed with a key
that is not among them has them fetched again, at most once a minute, and once for all who wait. Sources: RFC 7515,
7517, 7519, and "Control access to HTTP APIs with JWT authorizers".
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kumoi.doorway import Call
from kumoi.http_api.endpoints import send
from kumoi.http_client import Unreachable

_KEPT_SECONDS = 7_200
_FETCHED_AGAIN_SECONDS = 60
_FETCH_SECONDS = 1.5
_HASHES: dict[str, type[hashes.SHA256] | type[hashes.SHA384] | type[hashes.SHA512]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}


class InvalidToken(Exception):
    """The token proves nothing; the text says why."""


class InsufficientScope(Exception):
    """The token lacks every scope that the route wants."""


class Token(NamedTuple):
    """A token, not yet verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def read(text: str) -> Token:
    """Take a token apart; raises InvalidToken."""
    parts = text.split(".")
    if len(parts) != 3:
        raise InvalidToken("the token is not of the form header.claims.signature")
    try:
        header, claims = (orjson.loads(_decoded(part)) for part in parts[:2])
        signature = _decoded(parts[2])
    except (ValueError, binascii.Error):
        raise InvalidToken("the token cannot be decoded") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise InvalidToken("the token holds no JSON objects")
    return Token(header, claims, f"{parts[0]}.{parts[1]}".encode(), signature)


def verify(token: Token, key: Mapping[str, Any]) -> None:
    """Raise InvalidToken unless a JSON Web Key made the signature."""
    algorithm = str(token.header.get("alg", ""))
    family, digest = algorithm[:2], _HASHES.get(algorithm[2:])
    if digest is None or family not in ("RS", "PS", "ES"):
        raise InvalidToken(f"the algorithm {algorithm} is not supported")
    try:
        if family == "ES":
            _elliptic(token, key, digest())
        else:
            public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
            mode: Any = (
                padding.PKCS1v15() if family == "RS" else padding.PSS(padding.MGF1(digest()), digest.digest_size)
            )
            public.verify(token.signature, token.signed, mode, digest())
    except (InvalidSignature, KeyError, ValueError, TypeError) as error:
        raise InvalidToken(f"the signature does not hold ({type(error).__name__})") from None


def check(claims: Mapping[str, Any], issuer: str, audience: Sequence[str], now: float, *, leeway: float = 0.0) -> None:
    """Raise InvalidToken for claims that are not the authorizer's, or not of this time (`leeway` in seconds)."""
    if claims.get("iss") != issuer:
        raise InvalidToken(f"the issuer is {claims.get('iss')}")
    stated = claims.get("aud") if "aud" in claims else claims.get("client_id")
    if not set(stated if isinstance(stated, list) else [stated]) & set(audience):
        raise InvalidToken(f"the audience is {stated}")
    for name, past in (("exp", False), ("nbf", True), ("iat", True)):
        moment = claims.get(name)
        if moment is None and name != "exp":
            continue
        if not isinstance(moment, int | float):
            raise InvalidToken(f"{name} is no time")
        if (moment > now + leeway) if past else (moment <= now - leeway):
            raise InvalidToken("the token has expired" if name == "exp" else f"{name} is in the future")


def check_scopes(claims: Mapping[str, Any], wanted: Sequence[str]) -> list[str] | None:
    """The token's scopes; raises InsufficientScope where none of the wanted ones is among them."""
    stated = claims.get("scope", claims.get("scp"))
    scopes = stated.split() if isinstance(stated, str) else stated if isinstance(stated, list) else []
    if wanted and not set(scopes) & set(wanted):
        raise InsufficientScope(" ".join(wanted))
    return [scope for scope in scopes if scope in wanted] or None if wanted else None


class IssuerKeys:
    """The keys of issuers."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, dict[str, Mapping[str, Any]]]] = {}
        self._under_way: dict[str, asyncio.Task[dict[str, Mapping[str, Any]]]] = {}

    async def find(self, call: Call, issuer: str, key_id: str, location: str = "") -> Mapping[str, Any]:
        """The issuer's key of that id, at `location` or where the issuer says; raises InvalidToken."""
        source = location or issuer
        fetched, keys = self._kept.get(source, (float("-inf"), {}))
        age = call.now - fetched
        if age > _KEPT_SECONDS or age < 0 or (key_id not in keys and age > _FETCHED_AGAIN_SECONDS):
            keys = await self._fetched(call, issuer, location)
            if len(self._kept) > 1000:
                self._kept.clear()
            self._kept[source] = (call.now, keys)
        if key_id in keys:
            return keys[key_id]
        if not key_id and len(keys) == 1:
            return next(iter(keys.values()))
        raise InvalidToken(f"{issuer} has no key {key_id}")

    async def _fetched(self, call: Call, issuer: str, location: str) -> dict[str, Mapping[str, Any]]:
        """The keys, asked for once at a time: tokens that prove nothing do not keep every connection busy."""
        source = location or issuer
        under_way = self._under_way.get(source)
        if under_way is None:
            under_way = self._under_way[source] = asyncio.create_task(_fetch(call, issuer, location))
            under_way.add_done_callback(lambda _: self._under_way.pop(source))
        return await asyncio.shield(under_way)


async def _fetch(call: Call, issuer: str, location: str) -> dict[str, Mapping[str, Any]]:
    if not location:
        configuration = await _document(call, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        location = configuration.get("jwks_uri", "")
    if not isinstance(location, str) or not location:
        raise InvalidToken(f"{issuer} does not say where its keys are")
    keys = (await _document(call, location)).get("keys")
    if not isinstance(keys, list):
        raise InvalidToken(f"{location} has no list of keys")
    return {str(key.get("kid", "")): key for key in keys if isinstance(key, dict)}


async def _document(call: Call, url: str) -> dict[str, Any]:
    try:
        answer = await send(call, "GET", url, seconds=_FETCH_SECONDS)
        document = orjson.loads(answer.body) if answer.status == 200 else None
    except (Unreachable, orjson.JSONDecodeError) as error:
        raise InvalidToken(f"{url} cannot be read: {error or type(error).__name__}") from None
    if not isinstance(document, dict):
        raise InvalidToken(f"{url} answered {answer.status}")
    return document


def _elliptic(token: Token, key: Mapping[str, Any], digest: hashes.HashAlgorithm) -> None:
    curves: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    numbers = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), curves[key["crv"]])
    half = len(token.signature) // 2
    signature = encode_dss_signature(
        int.from_bytes(token.signature[:half], "big"), int.from_bytes(token.signature[half:], "big")
    )
    numbers.public_key().verify(signature, token.signed, ec.ECDSA(digest))


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
