"""ID tokens of identity providers: one that counts, and all that do not."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kumoi.http_api import jwt
from kumoi.services.cognito_idp.hosted.oidc import checked

NOW = 1_700_000_000.0
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
ISSUER, CLIENT, NONCE = "https://idp.example", "the-client", "the-nonce"
GOOD = {"iss": ISSUER, "aud": CLIENT, "sub": "42", "exp": NOW + 300, "iat": NOW, "nonce": NONCE}


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def public(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": "k", "e": b64(numbers.e.to_bytes(3, "big")), "n": b64(numbers.n.to_bytes(256, "big"))}


def text(claims: dict[str, Any], alg: str = "RS256", key: rsa.RSAPrivateKey = KEY) -> str:
    signed = f"{b64(orjson.dumps({'alg': alg, 'kid': 'k'}))}.{b64(orjson.dumps(claims))}"
    if alg == "none":
        return f"{signed}."
    if alg == "HS256":  # by the provider's public key, as if that were a secret that both have
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        secret = key.public_key().public_bytes(serialization.Encoding.PEM, form)
        return f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}"
    return f"{signed}.{b64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def said(claims: dict[str, Any], **how: Any) -> dict[str, Any]:
    return checked(jwt.read(text(claims, **how)), public(KEY), ISSUER, CLIENT, NONCE, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        GOOD,
        {**GOOD, "aud": ["another", CLIENT], "azp": CLIENT},
        {name: value for name, value in GOOD.items() if name != "nonce"},
        {**GOOD, "iat": NOW + 30},
    ],
)
def test_what_counts(claims: dict[str, Any]) -> None:
    assert said(claims)["sub"] == "42"


@pytest.mark.parametrize(
    ("changed", "how", "told"),
    [
        ({"nonce": "another"}, {}, "nonce"),
        ({"nonce": 1}, {}, "nonce"),
        ({"aud": "another"}, {}, "audience"),
        ({"aud": ["another"]}, {}, "audience"),
        ({"aud": None, "client_id": CLIENT}, {}, "audience"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, {}, "another client"),
        ({"iss": "https://evil.example"}, {}, "issuer"),
        ({"exp": NOW - 61}, {}, "expired"),
        ({"exp": None}, {}, "exp"),
        ({"iat": NOW + 3_600}, {}, "future"),
        ({"nbf": NOW + 3_600}, {}, "future"),
        ({"sub": ""}, {}, "subject"),
        ({"sub": 42}, {}, "subject"),
        ({}, {"alg": "none"}, "none"),
        ({}, {"alg": "HS256"}, "HS256"),
        ({}, {"alg": "ES256"}, "signature"),
        ({}, {"key": OTHER}, "signature"),
    ],
)
def test_what_does_not(changed: dict[str, Any], how: dict[str, Any], told: str) -> None:
    with pytest.raises(jwt.InvalidToken, match=told):
        said({**GOOD, **changed}, **how)


def test_a_token_without_an_audience_is_nobodys() -> None:
    claims = {name: value for name, value in GOOD.items() if name != "aud"}
    with pytest.raises(jwt.InvalidToken):
        said({**claims, "client_id": CLIENT})
