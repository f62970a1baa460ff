"""CA certificates: whose certificates devices may show besides those that IoT has issued."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.iot import iot
from kumoi.services.iot.naming import invalid, marked_page, not_found
from kumoi.services.iot.records import CaCertificate, Owner, Tags, ca_certificates, disown, own, tagged
from kumoi.services.iot.x509_certificates import issued_by, load, read, refused
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@iot.operation
async def get_registration_code(call: Call) -> dict[str, Any]:
    """The code that a verification certificate has as its common name: whoever can sign that has the CA's key."""
    return {"registrationCode": await _code(call.state)}


@iot.operation(name="RegisterCACertificate")
async def register_ca_certificate(
    call: Call,
    caCertificate: str,
    verificationCertificate: str | None = None,
    setAsActive: bool = False,
    allowAutoRegistration: bool = False,
    tags: list[dict[str, str]] | None = None,
    certificateMode: str = "DEFAULT",
) -> dict[str, Any]:
    """Register a CA; a verification certificate proves that its key is held, unless the mode is SNI_ONLY."""
    found = read(caCertificate)
    if not found.is_ca:
        raise refused("The certificate is not a CA certificate: its basic constraints do not say so.")
    if certificateMode == "DEFAULT":
        if verificationCertificate is None:
            raise invalid("The verification certificate is required where the certificate mode is DEFAULT.")
        _verify(verificationCertificate, found.pem, await _code(call.state))
    authority = CaCertificate(
        id=found.id,
        pem=found.pem,
        subject=found.subject,
        status="ACTIVE" if setAsActive else "INACTIVE",
        created=call.now,
        modified=call.now,
        not_before=found.not_before,
        not_after=found.not_after,
        registers=allowAutoRegistration,
        mode=certificateMode,
    )
    await _register(call.state, call, authority, {one["Key"]: one.get("Value", "") for one in tags or ()})
    return _answer(call, authority.id)


@iot.operation(name="DescribeCACertificate")
async def describe_ca_certificate(call: Call, certificateId: str) -> dict[str, Any]:
    """A registered CA."""
    authority = await _find(call.state, certificateId)
    return {
        "certificateDescription": {
            **_answer(call, authority.id),
            "status": authority.status,
            "certificatePem": authority.pem,
            "ownedBy": call.account,
            "creationDate": authority.created,
            "autoRegistrationStatus": "ENABLE" if authority.registers else "DISABLE",
            "lastModifiedDate": authority.modified,
            "customerVersion": authority.version,
            "validity": {"notBefore": authority.not_before, "notAfter": authority.not_after},
            "certificateMode": authority.mode,
        }
    }


@iot.operation(name="ListCACertificates")
async def list_ca_certificates(
    call: Call, pageSize: int | None = None, marker: str | None = None, ascendingOrder: bool = False
) -> dict[str, Any]:
    """Registered CAs, the youngest first."""
    listed = await _list(call.state)
    found, more = marked_page(
        listed, lambda one: f"{one.created:020.6f}{one.id}", marker, pageSize, ascending=ascendingOrder
    )
    shown = [{**_answer(call, one.id), "status": one.status, "creationDate": one.created} for one in found]
    return {"certificates": shown, **more}


@iot.operation(name="UpdateCACertificate")
async def update_ca_certificate(
    call: Call,
    certificateId: str,
    newStatus: str | None = None,
    newAutoRegistrationStatus: str | None = None,
    removeAutoRegistration: bool = False,
) -> None:
    """Change a registered CA; devices whose certificates are registered connect whatever its status."""
    registers = None if newAutoRegistrationStatus is None else newAutoRegistrationStatus == "ENABLE"
    await _update(call.state, certificateId, newStatus, False if removeAutoRegistration else registers)


@iot.operation(name="DeleteCACertificate")
async def delete_ca_certificate(call: Call, certificateId: str) -> dict[str, Any]:
    """Delete a CA that is not active."""
    await _delete(call.state, call, certificateId)
    return {}


def _verify(pem: str, ca_pem: str, code: str) -> None:
    from cryptography.x509.oid import NameOID

    names = [str(one.value) for one in load(pem).subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [code]:
        raise aws_error(
            "RegistrationCodeValidationException",
            "The common name of the verification certificate is not the registration code.",
        )
    if not issued_by(pem, ca_pem):
        raise refused("The verification certificate is not signed by the CA certificate.")


def _answer(call: Call, certificate_id: str) -> dict[str, Any]:
    return {"certificateArn": call.arn("iot", f"cacert/{certificate_id}"), "certificateId": certificate_id}


@transactional
async def _code(tx: Transaction) -> str:
    found = await tx.get(("iot.registration_code",))
    if found is None:
        found = hex_id(64).encode()
        await tx.put(("iot.registration_code",), found)
    return found.decode()


@transactional
async def _find(tx: Transaction, certificate_id: str) -> CaCertificate:
    authority = await ca_certificates.get(tx, certificate_id)
    if authority is None:
        raise not_found(f"CA certificate {certificate_id} does not exist")
    return authority


@transactional
async def _list(tx: Transaction) -> list[CaCertificate]:
    return await ca_certificates.list(tx)


@transactional
async def _register(tx: Transaction, call: Call, authority: CaCertificate, tags: dict[str, str]) -> None:
    arn = call.arn("iot", f"cacert/{authority.id}")
    if await ca_certificates.get(tx, authority.id) is not None:
        raise aws_error(
            "ResourceAlreadyExistsException",
            "The CA certificate is already registered",
            resourceId=authority.id,
            resourceArn=arn,
        )
    await ca_certificates.put(tx, authority)
    await own(tx, Owner(authority.id, tx.account, tx.region, authority.pem, is_ca=True))
    if tags:
        await tagged.put(tx, Tags(arn, tags))


@transactional
async def _update(tx: Transaction, certificate_id: str, status: str | None, registers: bool | None) -> None:
    before = await _find(tx, certificate_id)
    changed = msgspec.structs.replace(
        before,
        status=status or before.status,
        registers=before.registers if registers is None else registers,
        modified=tx.now,
        version=before.version + 1,
    )
    await ca_certificates.put(tx, changed)


@transactional
async def _delete(tx: Transaction, call: Call, certificate_id: str) -> None:
    authority = await _find(tx, certificate_id)
    if authority.status == "ACTIVE":
        raise aws_error(
            "CertificateStateException",
            f"CA certificate must be deactivated (not ACTIVE) before deletion. (certificate ID: {certificate_id})",
            status=406,
        )
    await ca_certificates.delete(tx, certificate_id)
    await disown(tx, certificate_id, tx.account, tx.region)
    await tagged.delete(tx, call.arn("iot", f"cacert/{certificate_id}"))
