"""Signed URLs and cookies: whether a viewer may have what a behaviour with trusted key groups serves.

Pure but for the LRU of signatures that were verified. Source: "Serve private content with signed URLs and signed
cookies" of the guide. Signatures are RSA PKCS#1 v1.5 or ECDSA P-256, over SHA-1 or SHA-256.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.policy.patterns import expression
from kumoi.services.cloudfront.edge.messages import EdgeRequest, cookies, parameters

PARAMETERS = frozenset(("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"))
_ALPHABET = str.maketrans("-_~", "+=/")
_KEPT = 4096


class Denied(Exception):
    """The viewer gets a 403 with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Credentials(NamedTuple):
    """What a URL or the cookies of a request carry."""

    signature: str
    key: str
    policy: str
    expires: str


class Signatures:
    """Verifies signatures, and remembers which ones hold."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[bytes, str, str], bool] = OrderedDict()

    def check(self, request: EdgeRequest, keys: Mapping[str, str], urls: list[str], now: float) -> None:
        """Raise Denied unless the request is signed by one of the keys (PEM by id), for one of the forms of its URL.

        `urls` are the forms in which the viewer's address may have been signed, without CloudFront's parameters.
        """
        found = credentials(request)
        if found is None or not found.key:
            raise Denied("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
        if found.key not in keys:
            raise Denied("InvalidKey", "Unknown Key")
        if not found.signature:
            raise Denied("MissingSignature", "Missing Signature query parameter or cookie value")
        pem = keys[found.key]
        if found.policy:
            policy = _decoded(found.policy)
            if policy is None or not self._verified(policy, found.signature, pem):
                raise Denied("AccessDenied", "Access denied")
            check_policy(policy, urls, request.ip, now)
            return
        if not (found.expires.isascii() and found.expires.isdigit()):
            raise Denied("MalformedPolicy", "Malformed Policy")
        for url in urls:
            if self._verified(canned(url, int(found.expires[:15])), found.signature, pem):
                break
        else:
            raise Denied("AccessDenied", "Access denied")
        if now >= int(found.expires[:15]):
            raise Denied("AccessDenied", "Access denied")

    def _verified(self, policy: bytes, signature: str, pem: str) -> bool:
        known = (policy, signature, pem)
        if known in self._held:
            self._held.move_to_end(known)
            return True
        if not _holds(policy, signature, pem):
            return False
        self._held[known] = True
        if len(self._held) > _KEPT:
            self._held.popitem(last=False)
        return True


def credentials(request: EdgeRequest) -> Credentials | None:
    """What a request is signed with: the URL's parameters, else its cookies."""
    given = {name: pair.partition("=")[2] for name, pair in parameters(request.query) if name in PARAMETERS}
    if given.keys() & {"Signature", "Key-Pair-Id", "Policy"}:
        return Credentials(
            given.get("Signature", ""), given.get("Key-Pair-Id", ""), given.get("Policy", ""), given.get("Expires", "")
        )
    jar = {name.removeprefix("CloudFront-"): value for name, value in cookies(request.headers)
           if name.startswith("CloudFront-")}  # fmt: skip
    if not jar:
        return None
    return Credentials(
        jar.get("Signature", ""), jar.get("Key-Pair-Id", ""), jar.get("Policy", ""), jar.get("Expires", "")
    )


def stripped(query: str) -> str:
    """A query string without CloudFront's own parameters."""
    return "&".join(pair for name, pair in parameters(query) if name not in PARAMETERS)


def canned(url: str, expires: int) -> bytes:
    """The canned policy for a URL."""
    return (
        f'{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}'
    ).encode()


def check_policy(policy: bytes, urls: list[str], ip: str, now: float) -> None:
    """Raise Denied where a custom policy does not cover the viewer's URL, address and time."""
    malformed = Denied("MalformedPolicy", "Malformed Policy")
    try:
        statements = orjson.loads(policy)["Statement"]
        statement = statements[0]
        if len(statements) != 1:
            raise malformed
        conditions: dict[str, dict[str, Any]] = statement.get("Condition", {})
        resource = statement.get("Resource", "*")
        less = int(conditions["DateLessThan"]["AWS:EpochTime"])
        greater = int(conditions.get("DateGreaterThan", {}).get("AWS:EpochTime", 0))
        source = conditions.get("IpAddress", {}).get("AWS:SourceIp", "0.0.0.0/0")
        network = ipaddress.ip_network(source, strict=False)
        address = ipaddress.ip_address(ip)
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise malformed from None
    if not isinstance(resource, str):
        raise malformed
    pattern = re.compile(expression(resource), re.DOTALL)
    # A `?` before the query is that character, and matches itself as any one.
    covered = any(pattern.fullmatch(url) or pattern.fullmatch(url.partition("://")[2]) for url in urls)
    everybody = source == "0.0.0.0/0"
    inside = everybody or (network.version == address.version and address in network)
    if not covered or not inside or not greater <= now < less:
        raise Denied("AccessDenied", "Access denied")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.translate(_ALPHABET), validate=True)
    except (binascii.Error, ValueError):
        return None


def _holds(policy: bytes, signature: str, pem: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    raw = _decoded(signature)
    if raw is None:
        return False
    key = load_pem_public_key(pem.strip().encode())
    for algorithm in (hashes.SHA1(), hashes.SHA256()):  # noqa: S303  (SHA-1 is what CloudFront's signers use)
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(raw, policy, padding.PKCS1v15(), algorithm)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(raw, policy, ec.ECDSA(algorithm))
            else:
                return False
        except InvalidSignature:
            continue
        return True
    return False
