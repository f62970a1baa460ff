"""The contents of certificates: got, imported, exported, renewed."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.acm import acm
from kumoi.services.acm.contents import Imported, read_import
from kumoi.services.acm.errors import invalid, no_certificate
from kumoi.services.acm.issuing import issue, settled
from kumoi.services.acm.keys import opened, pem_of, sealed
from kumoi.services.acm.presenting import present
from kumoi.services.acm.records import Certificate as Record
from kumoi.services.acm.records import Place, certificates, places
from kumoi.services.acm.status import status_of
from kumoi.services.acm.store import change, find, id_of, node
from kumoi.services.acm.tags import check_tags, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@acm.operation
async def get_certificate(call: Call, CertificateArn: str) -> dict[str, Any]:
    """A certificate and its chain (PEM)."""
    found = await _issued(call, CertificateArn)
    return _content(found)


def _content(found: Record) -> dict[str, Any]:
    answer = {"Certificate": found.body}
    if found.chain:
        answer["CertificateChain"] = found.chain
    return answer


async def _issued(call: Call, arn: str) -> Record:
    found = await settled(call, await find(call, arn))
    if not found.body:
        if status_of(found, call.now) == "PENDING_VALIDATION":
            raise aws_error("RequestInProgressException", f"{arn} is not issued yet: its domains are being validated.")
        raise no_certificate(arn, call.account)
    return found


@acm.operation
async def export_certificate(call: Call, CertificateArn: str, Passphrase: bytes) -> dict[str, Any]:
    """A certificate that was requested to be exportable, with its private key under a passphrase."""
    found = await _issued(call, CertificateArn)
    if found.export != "ENABLED":
        raise invalid(f"The certificate {CertificateArn} is not exportable.")
    key = opened(call.doorway.identity.sealer, found.account, found.id, found.key)
    encrypted = await asyncio.to_thread(pem_of, key, bytes(Passphrase))
    await change(call, CertificateArn, lambda one: replace(one, exported=True))
    return {**_content(found), "PrivateKey": encrypted}


@acm.operation
async def renew_certificate(call: Call, CertificateArn: str) -> None:
    """Renew a certificate now."""
    found = await _issued(call, CertificateArn)
    if found.origin == "IMPORTED":
        raise invalid(f"The certificate {CertificateArn} was imported: ACM does not renew it.")
    await issue(call.doorway.parts, call.state, found, call.now)


@acm.operation
async def import_certificate(
    call: Call,
    Certificate: bytes,
    PrivateKey: bytes,
    CertificateChain: bytes | None = None,
    CertificateArn: str | None = None,
    Tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Take a certificate with its key, or put it in the place of one that was imported before."""
    tags = tags_of(Tags or ())
    check_tags(tags)
    if CertificateArn is not None and tags:
        raise invalid("Tags cannot be given where a certificate is imported again.")
    chain = None if CertificateChain is None else bytes(CertificateChain)
    read = await asyncio.to_thread(read_import, bytes(Certificate), bytes(PrivateKey), chain, call.now)
    if not read.names:
        raise invalid("The certificate names no domain.")
    known = None if CertificateArn is None else id_of(call, CertificateArn)
    made = await _import(call.state, _record(call, read, known or uuid(), tags), known)
    if made is None:
        raise no_certificate(str(CertificateArn), call.account)
    call.node = node(made)
    await present(call.doorway.parts, made)
    return {"CertificateArn": made.arn}


def _record(call: Call, read: Imported, certificate_id: str, tags: dict[str, str]) -> Record:
    return Record(
        id=certificate_id,
        account=call.account,
        region=call.region,
        domain=read.names[0],
        names=read.names,
        algorithm=read.algorithm,
        created=call.now,
        key=sealed(call.doorway.identity.sealer, call.account, certificate_id, read.key),
        origin="IMPORTED",
        body=read.body,
        chain=read.chain,
        begins=read.begins,
        ends=read.ends,
        transparency="DISABLED",
        tags=tags,
    )


@transactional
async def _import(tx: Transaction, made: Record, known: str | None) -> Record | None:
    if known is not None:
        before = await certificates.get(tx, known)
        if before is None:
            return None
        if before.origin != "IMPORTED":
            raise invalid(f"{before.arn} was issued by ACM: nothing can be imported in its place.")
        if before.algorithm != made.algorithm:
            raise invalid(
                f"The key algorithm of {before.arn} is {before.algorithm}: it stays when it is imported again."
            )
        made = replace(made, created=before.created, renewed=tx.now, tags=before.tags)
    await certificates.put(tx, made)
    await places.put(tx, Place(id=made.id, account=made.account, region=made.region))
    return made
