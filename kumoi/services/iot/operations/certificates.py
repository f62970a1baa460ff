"""Certificates of devices: made here, from a signing request or with a key pair, or registered."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.iot import iot
from kumoi.services.iot.naming import given, invalid, marked_page, not_found
from kumoi.services.iot.records import (
    CaCertificate,
    Certificate,
    Issuer,
    Owner,
    attachments,
    ca_certificates,
    certificates,
    disown,
    issuers,
    own,
    owners,
    principal_things,
    targets,
)
from kumoi.services.iot.x509_certificates import (
    Read,
    issue,
    issue_for,
    issued_by,
    make_issuer,
    read,
    refused,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

REGISTERED_AS = ("ACTIVE", "INACTIVE", "REVOKED", "PENDING_ACTIVATION")
CHANGED_TO = ("ACTIVE", "INACTIVE", "REVOKED")
ISSUER_KEY = "the key of the IoT issuer"


@iot.operation
async def create_keys_and_certificate(call: Call, setAsActive: bool = False) -> dict[str, Any]:
    """Make an RSA key pair and a certificate for it; the private key is answered here and kept nowhere."""
    issuer, key = await _issuer(call)
    made = await asyncio.to_thread(issue, issuer, key)
    certificate = _record(call, read(made.certificate), "ACTIVE" if setAsActive else "INACTIVE")
    await _register(call.state, call, certificate)
    return {
        **_answer(call, certificate.id),
        "certificatePem": certificate.pem,
        "keyPair": {"PublicKey": made.public_key, "PrivateKey": made.private_key},
    }


@iot.operation
async def create_certificate_from_csr(
    call: Call, certificateSigningRequest: str, setAsActive: bool = False
) -> dict[str, Any]:
    """Sign a certificate signing request."""
    issuer, key = await _issuer(call)
    pem = await asyncio.to_thread(issue_for, certificateSigningRequest, issuer, key)
    certificate = _record(call, read(pem), "ACTIVE" if setAsActive else "INACTIVE")
    await _register(call.state, call, certificate)
    return {**_answer(call, certificate.id), "certificatePem": certificate.pem}


@iot.operation
async def register_certificate(
    call: Call,
    certificatePem: str,
    caCertificatePem: str | None = None,
    setAsActive: bool | None = None,
    status: str | None = None,
) -> dict[str, Any]:
    """Register a certificate that a registered CA has issued: the one given, or the one its issuer's name means."""
    found = read(certificatePem)
    wanted = None if caCertificatePem is None else read(caCertificatePem).id
    known = [
        one
        for one in await _authorities(call.state)
        if (one.id == wanted if wanted is not None else one.subject == found.issuer)
    ]
    if wanted is None and len(known) > 1:
        raise aws_error(
            "CertificateConflictException",
            "Several registered CA certificates have the subject that issued the certificate: give caCertificatePem.",
            status=409,
        )
    if not known:
        raise refused("The CA certificate that issued the certificate is not registered.")
    (authority,) = known
    if not issued_by(found.pem, authority.pem):
        raise refused("The certificate is not signed by the CA certificate.")
    if authority.status != "ACTIVE":
        raise aws_error(
            "CertificateStateException",
            f"The CA certificate is not active (CA certificate ID: {authority.id}).",
            status=406,
        )
    status = status or ("ACTIVE" if setAsActive else "INACTIVE")
    certificate = _record(call, found, _allowed(status, REGISTERED_AS), authority)
    await _register(call.state, call, certificate, certificate.pem)
    return _answer(call, certificate.id)


@iot.operation(name="RegisterCertificateWithoutCA")
async def register_certificate_without_ca(call: Call, certificatePem: str, status: str | None = None) -> dict[str, Any]:
    """Register a certificate whoever has issued it."""
    certificate = _record(call, read(certificatePem), _allowed(status or "INACTIVE", REGISTERED_AS), mode="SNI_ONLY")
    await _register(call.state, call, certificate, certificate.pem)
    return _answer(call, certificate.id)


@iot.operation
async def describe_certificate(call: Call, certificateId: str) -> dict[str, Any]:
    """A certificate."""
    certificate = await find_certificate(call.state, certificateId)
    return {
        "certificateDescription": {
            **_answer(call, certificate.id),
            "status": certificate.status,
            "certificatePem": certificate.pem,
            "ownedBy": call.account,
            "creationDate": certificate.created,
            "lastModifiedDate": certificate.modified,
            "customerVersion": certificate.version,
            "validity": {"notBefore": certificate.not_before, "notAfter": certificate.not_after},
            "certificateMode": certificate.mode,
            **given(caCertificateId=certificate.ca),
        }
    }


@iot.operation
async def list_certificates(
    call: Call, pageSize: int | None = None, marker: str | None = None, ascendingOrder: bool = False
) -> dict[str, Any]:
    """Certificates, the youngest first."""
    return _page(call, await _list(call.state), marker, pageSize, ascendingOrder)


@iot.operation(name="ListCertificatesByCA")
async def list_certificates_by_ca(
    call: Call,
    caCertificateId: str,
    pageSize: int | None = None,
    marker: str | None = None,
    ascendingOrder: bool = False,
) -> dict[str, Any]:
    """Certificates that a registered CA has issued, the youngest first."""
    listed = [one for one in await _list(call.state) if one.ca == caCertificateId]
    return _page(call, listed, marker, pageSize, ascendingOrder)


@iot.operation
async def update_certificate(call: Call, certificateId: str, newStatus: str) -> None:
    """Change a certificate's status; connections of one that is active no longer are ended."""
    from kumoi.services.iot.mqtt.broker import Broker

    await _update(call.state, certificateId, _allowed(newStatus, CHANGED_TO))
    if newStatus != "ACTIVE":
        call.part(Broker).turn_away(call.account, call.region, call.arn("iot", f"cert/{certificateId}"))


@iot.operation
async def delete_certificate(call: Call, certificateId: str, forceDelete: bool = False) -> None:
    """Delete a certificate that is not active and that no thing has; `forceDelete` detaches its policies, too."""
    await _delete(call.state, call, certificateId, forceDelete)


@transactional
async def find_certificate(tx: Transaction, certificate_id: str) -> Certificate:
    """A certificate; ResourceNotFoundException when there is none."""
    certificate = await certificates.get(tx, certificate_id)
    if certificate is None:
        raise not_found(f"Certificate {certificate_id} does not exist")
    return certificate


@transactional
async def register(tx: Transaction, certificate: Certificate, anchor: str = "") -> bool:
    """Keep a certificate; False when there is one already. `anchor` as in its Owner."""
    if await certificates.get(tx, certificate.id) is not None:
        return False
    await certificates.put(tx, certificate)
    await own(tx, Owner(certificate.id, tx.account, tx.region, anchor))
    return True


def _allowed(status: str, statuses: tuple[str, ...]) -> str:
    if status not in statuses:
        raise invalid(f"The status {status} cannot be given; it is one of {', '.join(statuses)}.")
    return status


def _record(
    call: Call, found: Read, status: str, authority: CaCertificate | None = None, mode: str = "DEFAULT"
) -> Certificate:
    return Certificate(
        id=found.id,
        pem=found.pem,
        status=status,
        created=call.now,
        modified=call.now,
        not_before=found.not_before,
        not_after=found.not_after,
        ca=None if authority is None else authority.id,
        mode=mode if authority is None else authority.mode,
    )


def _answer(call: Call, certificate_id: str) -> dict[str, Any]:
    return {"certificateArn": call.arn("iot", f"cert/{certificate_id}"), "certificateId": certificate_id}


def _page(
    call: Call, listed: list[Certificate], marker: str | None, size: int | None, ascending: bool
) -> dict[str, Any]:
    found, more = marked_page(listed, lambda one: f"{one.created:020.6f}{one.id}", marker, size, ascending=ascending)
    shown = [
        {
            **_answer(call, one.id),
            "status": one.status,
            "certificateMode": one.mode,
            "creationDate": one.created,
        }
        for one in found
    ]
    return {"certificates": shown, **more}


async def _issuer(call: Call) -> tuple[str, str]:
    """The certificate and the key of the authority that issues devices' certificates, made at first use."""
    sealer = call.doorway.identity.sealer
    issuer = await _find_issuer(call.state)
    if issuer is None:
        pem, key = await asyncio.to_thread(make_issuer)
        issuer = await _keep_issuer(call.state, Issuer(pem, sealer.seal(key.encode(), ISSUER_KEY)))
    return issuer.pem, sealer.open(issuer.key, ISSUER_KEY).decode()


@transactional
async def _find_issuer(tx: Transaction) -> Issuer | None:
    return await issuers.get(tx)


@transactional
async def _keep_issuer(tx: Transaction, issuer: Issuer) -> Issuer:
    before = await issuers.get(tx)
    if before is None:
        await issuers.put(tx, issuer)
    return before or issuer


@transactional
async def _register(tx: Transaction, call: Call, certificate: Certificate, anchor: str = "") -> None:
    if not await register(tx, certificate, anchor):
        raise aws_error(
            "ResourceAlreadyExistsException",
            "The certificate is already provisioned or registered",
            resourceId=certificate.id,
            resourceArn=call.arn("iot", f"cert/{certificate.id}"),
        )


@transactional
async def _authorities(tx: Transaction) -> list[CaCertificate]:
    return await ca_certificates.list(tx)


@transactional
async def _list(tx: Transaction) -> list[Certificate]:
    return await certificates.list(tx)


@transactional
async def _update(tx: Transaction, certificate_id: str, status: str) -> None:
    before = await find_certificate(tx, certificate_id)
    changed = msgspec.structs.replace(before, status=status, modified=tx.now, version=before.version + 1)
    await certificates.put(tx, changed)


@transactional
async def _delete(tx: Transaction, call: Call, certificate_id: str, force: bool) -> None:
    certificate = await find_certificate(tx, certificate_id)
    arn = call.arn("iot", f"cert/{certificate_id}")
    if certificate.status == "ACTIVE":
        raise aws_error(
            "CertificateStateException",
            f"Certificate must be deactivated (not ACTIVE) before deletion. (certificate ID: {certificate_id})",
            status=406,
        )
    if await principal_things.list(tx, arn, limit=1):
        raise aws_error("DeleteConflictException", f"Things must be detached before deletion (arn: {arn})", status=409)
    attached = await attachments.list(tx, arn)
    if attached and not force:
        raise aws_error(
            "DeleteConflictException", f"Certificate policies must be detached before deletion (arn: {arn})", status=409
        )
    for one in attached:
        await attachments.delete(tx, one.target, one.policy)
        await targets.delete(tx, one.policy, one.target)
    await certificates.delete(tx, certificate_id)
    await disown(tx, certificate_id, tx.account, tx.region)


@transactional
async def disown_all(tx: Transaction, account: str | None) -> None:
    """Forget whose the certificates of an account (or of all) are: that is kept beside the account."""
    for owner in await owners.list(tx):
        if account in (None, owner.account):
            await disown(tx, owner.certificate, owner.account, owner.region)
