"""The token that tells targets who somebody is: signed with ES256, checked with a public key that anybody may ask for.

AWS has the keys at `public-keys.auth.elb.REGION.amazonaws.com/KID`, here they are at `/_kumoi/elb-public-keys/KID`. A
platform has one key, made at its first use. Source: "User claims encoding and signature verification" of the guide to
application load balancers.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.elbv2 import elbv2
from kumoi.state import Transaction, transactional
from kumoi.state.space import Space
from kumoi.wire.http import Response

if TYPE_CHECKING:
    from kumoi.services.elbv2.authentication import Provider, Session

PLANE = "elb-public-keys"
_CONTEXT = "elbv2/signing-key"
_LASTING = 120.0


class SigningKey(msgspec.Struct, frozen=True):
    """A key: its id, the private half sealed (DER), the public half as PEM."""

    id: str
    private: bytes
    public: str


keys: Space[SigningKey] = Space("elbv2.signing_key", SigningKey, lambda one: (one.id,), scope="global")


async def signed_claims(call: Call, signer: str, provider: Provider, session: Session) -> str:
    """`x-amzn-oidc-data`: the claims as a JWT, its parts padded as the load balancer's are."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    key = await _key(call)
    private = serialization.load_der_private_key(call.doorway.identity.sealer.open(key.private, _CONTEXT), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    ends = int(min(call.now + _LASTING, session.ends))
    head = {
        "typ": "JWT",
        "kid": key.id,
        "alg": "ES256",
        "iss": provider.issuer,
        "client": provider.client,
        "signer": signer,
        "exp": ends,
    }
    claims = {**session.claims, "exp": ends, "iss": provider.issuer}
    text = f"{_encoded(orjson.dumps(head))}.{_encoded(orjson.dumps(claims))}"
    r, s = decode_dss_signature(private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


@elbv2.data_plane(PLANE)
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """A public key, by its id."""
    found = await _find(call.doorway.state.at("", ""), path.rpartition("/")[2])
    if found is None:
        return Response(404, [("Content-Type", "text/plain")], b"no key has this id\n")
    return Response(200, [("Content-Type", "text/plain")], found.public.encode())


async def _key(call: Call) -> SigningKey:
    state = call.doorway.state.at("", "")
    return await _first(state) or await _keep_first(state, _new(call))


def _new(call: Call) -> SigningKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    plain = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public: Any = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return SigningKey(uuid(), call.doorway.identity.sealer.seal(plain, _CONTEXT), public.decode())


@transactional
async def _first(tx: Transaction) -> SigningKey | None:
    return next(iter(await keys.list(tx, limit=1)), None)


@transactional
async def _keep_first(tx: Transaction, made: SigningKey) -> SigningKey:
    found = next(iter(await keys.list(tx, limit=1)), None)
    if found is None:
        await keys.put(tx, made)
    return found or made


@transactional
async def _find(tx: Transaction, key_id: str) -> SigningKey | None:
    return await keys.get(tx, key_id)
