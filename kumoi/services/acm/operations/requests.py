"""Certificates are requested."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.acm import acm
from kumoi.services.acm.errors import invalid, invalid_parameter
from kumoi.services.acm.issuing import settled
from kumoi.services.acm.keys import REQUESTED, new_key, sealed
from kumoi.services.acm.records import Certificate, certificates
from kumoi.services.acm.store import find, node
from kumoi.services.acm.tags import check_tags, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_TOKEN_SECONDS = 3600.0
_METHODS = ("DNS", "EMAIL")


@acm.operation
async def request_certificate(
    call: Call,
    DomainName: str,
    ValidationMethod: str = "EMAIL",
    SubjectAlternativeNames: list[str] | None = None,
    IdempotencyToken: str = "",
    DomainValidationOptions: list[dict[str, str]] | None = None,
    Options: dict[str, str] | None = None,
    CertificateAuthorityArn: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    KeyAlgorithm: str = "RSA_2048",
    ManagedBy: str = "",
) -> dict[str, Any]:
    """Ask for a certificate; it is issued once its names are validated."""
    if CertificateAuthorityArn is not None:
        raise invalid_parameter("Kumoi has no private certificate authorities; docs/acm.md lists what it does.")
    if ValidationMethod not in _METHODS:
        raise invalid_parameter(f"Kumoi's acm validates by DNS and EMAIL, not by {ValidationMethod}.")
    if KeyAlgorithm not in REQUESTED:
        raise invalid(f"The key algorithm {KeyAlgorithm} is not supported for certificates that ACM issues.")
    options, tags = Options or {}, tags_of(Tags or ())
    check_tags(tags)
    domain = DomainName.lower()
    names = tuple(dict.fromkeys([domain, *(name.lower() for name in SubjectAlternativeNames or ())]))
    domains = _validation_domains(names, DomainValidationOptions or [])
    certificate_id = uuid()
    key = await asyncio.to_thread(new_key, KeyAlgorithm)
    asked = [names, ValidationMethod, domains, KeyAlgorithm, ManagedBy, sorted(options.items())]
    made = await _request(
        call.state,
        Certificate(
            id=certificate_id,
            account=call.account,
            region=call.region,
            domain=domain,
            names=names,
            algorithm=KeyAlgorithm,
            created=call.now,
            key=sealed(call.doorway.identity.sealer, call.account, certificate_id, key),
            method=ValidationMethod,
            validation_domains=domains,
            transparency=options.get("CertificateTransparencyLoggingPreference", "ENABLED"),
            export=options.get("Export", "DISABLED"),
            managed_by=ManagedBy,
            token=IdempotencyToken,
            digest=hashlib.sha256(orjson.dumps(asked)).hexdigest(),
            tags=tags,
        ),
    )
    call.node = node(made)
    await settled(call, made)
    return {"CertificateArn": made.arn}


def _validation_domains(names: tuple[str, ...], given: list[dict[str, str]]) -> dict[str, str]:
    """Where e-mails about names go to; InvalidDomainValidationOptionsException."""
    found: dict[str, str] = {}
    for one in given:
        name, above = one["DomainName"].lower(), one["ValidationDomain"].lower()
        if name not in names:
            raise _bad_options(f"{name} is not a name of the certificate.")
        if not f".{name.removeprefix('*.')}".endswith(f".{above}"):
            raise _bad_options(f"The validation domain {above} is neither {name} nor a domain above it.")
        found[name] = above
    return found


def _bad_options(text: str) -> Exception:
    return aws_error("InvalidDomainValidationOptionsException", text)


@transactional
async def _request(tx: Transaction, made: Certificate) -> Certificate:
    """Store a request; the one that was made by the same token within the hour, where there is one."""
    for one in await certificates.list(tx) if made.token else ():
        if one.token == made.token and tx.now - one.created < _TOKEN_SECONDS and one.digest == made.digest:
            return one
    await certificates.put(tx, made)
    return made


@acm.operation
async def resend_validation_email(call: Call, CertificateArn: str, Domain: str, ValidationDomain: str) -> None:
    """Mail again; there is nobody to mail to, and names that are validated by e-mail are so already."""
    found = await find(call, CertificateArn)
    if Domain.lower() not in found.names:
        raise _bad_options(f"{Domain} is not a name of {CertificateArn}.")
    raise aws_error("InvalidStateException", f"{CertificateArn} does not wait for an e-mail.")
