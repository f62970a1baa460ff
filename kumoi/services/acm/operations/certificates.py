"""Certificates are told, listed, deleted, and their options changed."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.acm import acm
from kumoi.services.acm.answers import detail, summary
from kumoi.services.acm.contents import usages_of
from kumoi.services.acm.errors import invalid
from kumoi.services.acm.issuing import RENEWAL, settled
from kumoi.services.acm.presenting import withdraw
from kumoi.services.acm.records import Certificate, certificates, places
from kumoi.services.acm.status import status_of
from kumoi.services.acm.store import all_certificates, change, find
from kumoi.state import Transaction, transactional

_DEFAULT_TYPES = ("RSA_1024", "RSA_2048")
_PAGE = 1000


@acm.operation
async def describe_certificate(call: Call, CertificateArn: str) -> dict[str, Any]:
    """A certificate, issued where its names are validated by now."""
    found = await settled(call, await find(call, CertificateArn))
    return {"Certificate": detail(found, call.doorway.identity.sealer, call.now)}


@acm.operation
async def list_certificates(
    call: Call,
    CertificateStatuses: list[str] | None = None,
    Includes: dict[str, Any] | None = None,
    NextToken: str | None = None,
    MaxItems: int = _PAGE,
    SortBy: str | None = None,
    SortOrder: str | None = None,
) -> dict[str, Any]:
    """Certificates in the order that they were made; without a filter those with RSA keys of 2048 bits."""
    wanted = Includes or {}
    found: list[Certificate] = []
    for one in sorted(await all_certificates(call.state), key=lambda one: (one.created, one.id)):
        now = await settled(call, one)
        if CertificateStatuses and status_of(now, call.now) not in CertificateStatuses:
            continue
        if _is_meant(now, wanted):
            found.append(now)
    if SortOrder == "DESCENDING":
        found.reverse()
    begin = 0
    if NextToken is not None:
        begin = next((at + 1 for at, one in enumerate(found) if one.id == NextToken), -1)
        if begin < 0:
            raise invalid("The NextToken is invalid.")
    shown = found[begin : begin + MaxItems]
    answer: dict[str, Any] = {"CertificateSummaryList": [summary(one, call.now) for one in shown]}
    if begin + MaxItems < len(found):
        answer["NextToken"] = shown[-1].id
    return answer


def _is_meant(one: Certificate, wanted: dict[str, Any]) -> bool:
    """Whether filters let a certificate through."""
    if one.algorithm not in (wanted.get("keyTypes") or _DEFAULT_TYPES):
        return False
    if "exportOption" in wanted and one.export != wanted["exportOption"]:
        return False
    if "managedBy" in wanted and one.managed_by != wanted["managedBy"]:
        return False
    usages, extended = usages_of(one.body) if one.body else ([], [])
    return _has(usages, wanted.get("keyUsage")) and _has(extended, wanted.get("extendedKeyUsage"))


def _has(usages: list[str], wanted: list[str] | None) -> bool:
    return not wanted or "ANY" in wanted or set(wanted).issubset(usages)


@acm.operation
async def delete_certificate(call: Call, CertificateArn: str) -> None:
    """Delete a certificate; what uses it is not known here, so that nothing is refused for it."""
    found = await find(call, CertificateArn)
    await _delete(call.state, found.id)
    withdraw(call.doorway.parts, found)


@transactional
async def _delete(tx: Transaction, certificate_id: str) -> None:
    await certificates.delete(tx, certificate_id)
    await places.delete(tx, certificate_id)
    tx.cancel_timer(RENEWAL, certificate_id)


@acm.operation
async def update_certificate_options(call: Call, CertificateArn: str, Options: dict[str, str]) -> None:
    """Change whether a certificate is logged publicly; whether it can be exported is decided when it is requested."""

    def changed(one: Certificate) -> Certificate:
        if one.origin == "IMPORTED":
            raise invalid(f"{CertificateArn} was imported: it has no options.")
        if Options.get("Export", one.export) != one.export:
            raise invalid("The export option cannot be changed after a certificate was requested.")
        logged = Options.get("CertificateTransparencyLoggingPreference", one.transparency)
        return replace(one, transparency=logged)

    await change(call, CertificateArn, changed)
