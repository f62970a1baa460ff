"""Client certificates: made for a year, to show backends that API Gateway asks; they are not presented to backends."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.http_api.places import new_id
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import not_found, page, present
from kumoi.services.apigateway.records import ClientCertificate, client_certificates
from kumoi.state import Transaction, transactional

_FIELDS: patches.Fields = {"description": patches.text}
_VALID = datetime.timedelta(days=365)


@apigateway.operation
async def generate_client_certificate(
    call: Call, description: str | None = None, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Make a certificate that is valid for 365 days."""
    made = ClientCertificate(
        id=new_id(6),
        created=float(int(call.now)),
        pem=self_signed(datetime.datetime.fromtimestamp(call.now, datetime.UTC)),
        description=description,
        tags=tags or {},
    )
    await _put(call.state, made)
    return describe(made)


@apigateway.operation
async def get_client_certificate(call: Call, clientCertificateId: str) -> dict[str, Any]:
    """A certificate."""
    return describe(await find_certificate(call.state, clientCertificateId))


@apigateway.operation
async def get_client_certificates(call: Call, position: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """The certificates of the region."""
    return page([describe(one) for one in await _all(call.state)], position, limit)


@apigateway.operation
async def update_client_certificate(
    call: Call, clientCertificateId: str, patchOperations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a certificate's description."""
    return describe(await _update(call.state, clientCertificateId, patchOperations or []))


@apigateway.operation
async def delete_client_certificate(call: Call, clientCertificateId: str) -> None:
    """Delete a certificate."""
    await _delete(call.state, clientCertificateId)


def describe(certificate: ClientCertificate) -> dict[str, Any]:
    """A certificate as it is answered."""
    return present(
        {
            "clientCertificateId": certificate.id,
            "description": certificate.description,
            "pemEncodedCertificate": certificate.pem,
            "createdDate": certificate.created,
            "expirationDate": certificate.created + _VALID.total_seconds(),
            "tags": certificate.tags,
        }
    )


def self_signed(now: datetime.datetime) -> str:
    """A certificate of API Gateway's that begins now, in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ApiGateway")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + _VALID)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@transactional
async def find_certificate(tx: Transaction, certificate_id: str) -> ClientCertificate:
    """A certificate; NotFoundException when there is none."""
    found = await client_certificates.get(tx, certificate_id)
    if found is None:
        raise not_found("Invalid Client Certificate identifier specified")
    return found


@transactional
async def _put(tx: Transaction, certificate: ClientCertificate) -> None:
    await client_certificates.put(tx, certificate)


@transactional
async def _all(tx: Transaction) -> list[ClientCertificate]:
    return await client_certificates.list(tx)


@transactional
async def _update(tx: Transaction, certificate_id: str, operations: list[dict[str, Any]]) -> ClientCertificate:
    found = await find_certificate(tx, certificate_id)
    document = patches.patched(present({"description": found.description}), _FIELDS, operations)
    changed = msgspec.structs.replace(found, description=document.get("description"))
    await client_certificates.put(tx, changed)
    return changed


@transactional
async def _delete(tx: Transaction, certificate_id: str) -> None:
    await find_certificate(tx, certificate_id)
    await client_certificates.delete(tx, certificate_id)
