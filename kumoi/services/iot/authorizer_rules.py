"""What clients show to custom authorizers, what their functions are told, and what they may answer. Pure.

Sources: "Connecting to AWS IoT Core by using custom authentication", "Defining your Lambda function" of the developer
guide.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

from kumoi.policy import PolicyError, compile_policy

NAME, SIGNATURE = "x-amz-customauthorizer-name", "x-amz-customauthorizer-signature"
LEAST_SECONDS, MOST_SECONDS = 300, 86_400
MOST_POLICIES, MOST_POLICY_CHARACTERS = 10, 2048
MOST_ID = 128
LEAST_KEY_BITS = 2048


class NotAnswered(Exception):
    """A function answered what is no verdict; says why."""


class Presented(NamedTuple):
    """What a client shows: its CONNECT's fields, the headers (by lower-case names) and the query of its request.

    `protocols` are those that it speaks, of `tls`, `http` and `mqtt`.
    """

    protocols: tuple[str, ...]
    username: str | None = None
    password: bytes | None = None
    client: str | None = None
    headers: Mapping[str, str] | None = None
    query: str = ""
    server_name: str | None = None

    def given(self, name: str) -> str | None:
        """What it says by a name: in a header, in its query, or in the query behind its user name."""
        lowered = name.lower()
        if self.headers is not None and lowered in self.headers:
            return self.headers[lowered]
        behind = (self.username or "").partition("?")[2]
        return next((found[lowered] for text in (self.query, behind) if lowered in (found := _pairs(text))), None)


class Verdict(NamedTuple):
    """A function lets a client in, with `policies` (documents); seconds until it is asked again, or the client goes."""

    principal: str
    policies: tuple[str, ...]
    disconnect_after: int
    refresh_after: int


def signed(keys: Mapping[str, str], token: str, signature: str) -> bool:
    """Whether a token bears the signature (base64 of RSA with SHA-256) of one of the public keys (PEM)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        decoded = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    for pem in keys.values():
        key = load_pem_public_key(pem.encode())
        assert isinstance(key, rsa.RSAPublicKey), "keys were checked when they were given"
        try:
            key.verify(decoded, token.encode(), padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return True
    return False


def is_key(pem: str) -> bool:
    """Whether a text is a public RSA key in PEM that is long enough."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_KEY_BITS


def event(shown: Presented, token: str | None, connection: str, *, verified: bool) -> dict[str, Any]:
    """What a function is told. `connection` is an id of its own; `verified` that the token's signature is right."""
    data: dict[str, Any] = {}
    if shown.server_name is not None:
        data["tls"] = {"serverName": shown.server_name}
    if shown.headers is not None:
        data["http"] = {"headers": dict(shown.headers), "queryString": f"?{shown.query}" if shown.query else ""}
    if "mqtt" in shown.protocols:
        password = None if shown.password is None else base64.b64encode(shown.password).decode()
        told = {"username": shown.username, "password": password, "clientId": shown.client}
        data["mqtt"] = {name: value for name, value in told.items() if value is not None}
    return {
        **({} if token is None else {"token": token}),
        "signatureVerified": verified,
        "protocols": list(shown.protocols),
        "protocolData": data,
        "connectionMetadata": {"id": connection},
    }


def verdict(answer: object) -> Verdict | None:
    """What a function says; None where it lets nobody in. Raises NotAnswered."""
    if not isinstance(answer, dict) or not isinstance(answer.get("isAuthenticated"), bool):
        raise NotAnswered("isAuthenticated is not true or false")
    if not answer["isAuthenticated"]:
        return None
    principal = answer.get("principalId")
    if not isinstance(principal, str) or not _is_id(principal):
        raise NotAnswered(f"principalId is not a text of 1 to {MOST_ID} letters and digits")
    return Verdict(
        principal,
        _policies(answer.get("policyDocuments")),
        _seconds(answer, "disconnectAfterInSeconds"),
        _seconds(answer, "refreshAfterInSeconds"),
    )


def _is_id(text: str) -> bool:
    return 1 <= len(text) <= MOST_ID and text.isascii() and text.isalnum()


def _policies(documents: object) -> tuple[str, ...]:
    if not isinstance(documents, Sequence) or isinstance(documents, str) or not 1 <= len(documents) <= MOST_POLICIES:
        raise NotAnswered(f"policyDocuments is not a list of 1 to {MOST_POLICIES} policies")
    found = tuple(one if isinstance(one, str) else orjson.dumps(one).decode() for one in documents)
    for one in found:
        if len(one) > MOST_POLICY_CHARACTERS:
            raise NotAnswered(f"a policy has more than {MOST_POLICY_CHARACTERS} characters")
        try:
            compile_policy(one, "identity", "policyDocuments")
        except PolicyError as error:
            raise NotAnswered(f"a policy is none: {error}") from None
    return found


def _seconds(answer: Mapping[str, Any], name: str) -> int:
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not LEAST_SECONDS <= value <= MOST_SECONDS:
        raise NotAnswered(f"{name} is not a number from {LEAST_SECONDS} to {MOST_SECONDS}")
    return value


def _pairs(query: str) -> dict[str, str]:
    """The pairs of a query, by lower-case names. A plus is one: it is a digit of base64."""
    pairs = (one.partition("=") for one in query.split("&") if one)
    return {unquote(name).lower(): unquote(value) for name, _, value in pairs}
