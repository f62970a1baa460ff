"""Certificates as answers have them."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.sealing import Sealer
from kumoi.services.acm.contents import told, usages_of
from kumoi.services.acm.records import Certificate
from kumoi.services.acm.status import status_of
from kumoi.services.acm.validation import record_for

_SHOWN = 100


def detail(one: Certificate, sealer: Sealer, now: float) -> dict[str, Any]:
    """A CertificateDetail."""
    status = status_of(one, now)
    found: dict[str, Any] = {
        "CertificateArn": one.arn,
        "DomainName": one.domain,
        "SubjectAlternativeNames": list(one.names),
        "Subject": f"CN={one.domain}",
        "Status": status,
        "Type": one.origin,
        "KeyAlgorithm": one.algorithm,
        "InUseBy": [],
        "RenewalEligibility": eligibility(one),
        "Options": {"CertificateTransparencyLoggingPreference": one.transparency, "Export": one.export},
    }
    if one.managed_by:
        found["ManagedBy"] = one.managed_by
    if one.body:
        found |= told(one.body)
    if one.origin == "IMPORTED":
        found |= {"CreatedAt": one.created, "ImportedAt": one.renewed or one.created}
        return found
    validations = [_validation(one, name, sealer, status) for name in one.names]
    found |= {"CreatedAt": one.created, "DomainValidationOptions": validations, "Issuer": found.get("Issuer", "Kumoi")}
    if one.issued is not None:
        found["IssuedAt"] = one.issued
    if one.renewed is not None:
        found["RenewalSummary"] = {
            "RenewalStatus": "SUCCESS",
            "DomainValidationOptions": validations,
            "UpdatedAt": one.renewed,
        }
    return found


def _validation(one: Certificate, name: str, sealer: Sealer, status: str) -> dict[str, Any]:
    if name in one.validated:
        said = "SUCCESS"
    else:
        said = "FAILED" if status == "VALIDATION_TIMED_OUT" else "PENDING_VALIDATION"
    base = name.removeprefix("*.")
    validation: dict[str, Any] = {
        "DomainName": name,
        "ValidationDomain": one.validation_domains.get(name, base if one.method == "EMAIL" else name),
        "ValidationStatus": said,
        "ValidationMethod": one.method,
    }
    if one.method == "DNS":
        record = record_for(sealer, one.account, name)
        validation["ResourceRecord"] = {"Name": record.name, "Type": "CNAME", "Value": record.value}
    else:
        people = ("admin", "administrator", "hostmaster", "postmaster", "webmaster")
        validation["ValidationEmails"] = [f"{who}@{validation['ValidationDomain']}" for who in people]
    return validation


def eligibility(one: Certificate) -> str:
    """Whether ACM renews a certificate: not those that are imported, or not issued."""
    return "INELIGIBLE" if one.origin == "IMPORTED" or not one.body else "ELIGIBLE"


def summary(one: Certificate, now: float) -> dict[str, Any]:
    """A certificate of a list."""
    found: dict[str, Any] = {
        "CertificateArn": one.arn,
        "DomainName": one.domain,
        "SubjectAlternativeNameSummaries": list(one.names[:_SHOWN]),
        "HasAdditionalSubjectAlternativeNames": len(one.names) > _SHOWN,
        "Status": status_of(one, now),
        "Type": one.origin,
        "KeyAlgorithm": one.algorithm,
        "ExportOption": one.export,
        "InUse": False,
        "Exported": one.exported,
        "RenewalEligibility": eligibility(one),
        "CreatedAt": one.created,
    }
    if one.managed_by:
        found["ManagedBy"] = one.managed_by
    if one.body:
        usages, extended = usages_of(one.body)
        found |= {"KeyUsages": usages, "ExtendedKeyUsages": extended, "NotBefore": one.begins, "NotAfter": one.ends}
    if one.origin == "IMPORTED":
        found["ImportedAt"] = one.renewed or one.created
    elif one.issued is not None:
        found["IssuedAt"] = one.issued
    return found


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as ACM writes them."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]
