"""Which permissions the calls of ACM need: on certificates, by their ARNs.

Source: "Actions, resources, and condition keys for AWS Certificate Manager" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, NO_VALUES, Values, resource_tags
from kumoi.names import Arn
from kumoi.services.acm.records import Certificate, certificates
from kumoi.state import Transaction, transactional


def resource(call: Call) -> str:
    """The certificate that a call names."""
    named = call.params.get("CertificateArn") or call.params.get("ResourceArn")
    if named is not None:
        return str(named)
    made = ("RequestCertificate", "ImportCertificate")
    return call.arn("acm", "certificate/*") if call.operation in made else EVERYTHING


def context(call: Call) -> Values:
    """What a request for a certificate asks for."""
    if call.operation != "RequestCertificate":
        return NO_VALUES
    params = call.params
    return {
        "acm:domainnames": [str(params.get("DomainName", "")), *params.get("SubjectAlternativeNames", ())],
        "acm:validationmethod": [str(params.get("ValidationMethod", "EMAIL"))],
        "acm:keyalgorithm": [str(params.get("KeyAlgorithm", "RSA_2048"))],
    }


async def owned(call: Call, ask: Ask) -> Owned:
    """A certificate's account and tags."""
    try:
        arn = Arn.parse(ask.resource)
    except ValueError:
        return Owned(call.account)
    found = await _find(call.doorway.state.at(arn.account, arn.region), arn.resource.rpartition("/")[2])
    return Owned(arn.account or call.account, context=resource_tags(found.tags) if found is not None else NO_VALUES)


@transactional
async def _find(tx: Transaction, certificate_id: str) -> Certificate | None:
    return await certificates.get(tx, certificate_id)


AUTHORIZATION = Authorization("acm", resource=resource, context=context, policy=owned)
