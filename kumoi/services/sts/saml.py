"""SAML responses: what an identity provider says of somebody, and whether it was the provider that said it.

A response is XML in base64. Only what is signed counts: the assertion is taken out of what the signature covers, so
that nothing that was put beside it does. Signatures are checked by `signxml` (the extra `kumoi[saml]`), with the
certificates of the provider's metadata. Sources: "SAML 2.0 core", and "Configure SAML assertions for the
authentication response" of the IAM user guide.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree import ElementTree

from kumoi.wire.errors import AwsError, aws_error

_P, _A = "{urn:oasis:names:tc:SAML:2.0:protocol}", "{urn:oasis:names:tc:SAML:2.0:assertion}"
_M, _D = "{urn:oasis:names:tc:SAML:2.0:metadata}", "{http://www.w3.org/2000/09/xmldsig#}"
_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_FORMATS = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
_SECONDS = re.compile(r"[0-9]{1,9}")
_AWS = re.compile(
    r"urn:amazon:webservices(:[a-z-]+)?"
    r"|https://([a-z0-9-]+\.)?signin\.(aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn)/saml(/.*)?"
)
"""Audiences that mean AWS."""


class Assertion(NamedTuple):
    """What is said. `roles` are (role, provider) pairs of ARNs, times are epoch seconds.

    `expires` is the earliest limit of the assertion, `ends` when the session is over at the provider, endless where it
    does not say; `audiences` whom the assertion is for, a set for each restriction.
    """

    issuer: str
    subject: str
    subject_type: str
    recipient: str
    audiences: tuple[frozenset[str], ...]
    starts: float
    expires: float
    ends: float
    roles: tuple[tuple[str, str], ...]
    session_name: str
    seconds: int | None
    tags: dict[str, str]
    transitive: tuple[str, ...]
    source_identity: str


def invalid_token(text: str) -> AwsError:
    """InvalidIdentityToken."""
    return aws_error("InvalidIdentityToken", text)


def decoded(text: str) -> bytes:
    """The XML of a response; InvalidIdentityToken where it is none, or declares entities."""
    try:
        found = base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        raise invalid_token("Invalid base64 SAMLResponse") from None
    if b"<!DOCTYPE" in found or b"<!ENTITY" in found or b"\0" in found:
        raise invalid_token("SAMLResponse declares entities")
    return found


def signed_part(response: bytes, metadata: str) -> bytes:
    """What of a response the provider's key has signed; raises InvalidIdentityToken, or NotImplemented."""
    try:
        from lxml.etree import LxmlError
        from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidInput, InvalidSignature
        from signxml.verifier import XMLVerifier
    except ImportError:
        raise aws_error(
            "NotImplemented",
            "Kumoi checks signatures of SAML with signxml: pip install 'kumoi[saml]' (or run with --auth audit).",
        ) from None
    refusals = (InvalidCertificate, InvalidDigest, InvalidInput, InvalidSignature, LxmlError)
    for certificate in _certificates(metadata):
        try:
            found = XMLVerifier().verify(response, x509_cert=certificate)
        except (*refusals, ValueError, KeyError, TypeError):
            continue
        one = found[0] if isinstance(found, list) else found
        if one.signed_data:
            return bytes(one.signed_data)
    raise invalid_token("Response signature invalid")


def _certificates(metadata: str) -> list[str]:
    """The signing certificates of a provider as PEM."""
    found = []
    for key in ElementTree.fromstring(metadata).iter(f"{_M}KeyDescriptor"):  # noqa: S314  (checked when it was stored)
        if key.get("use", "signing") == "signing":
            for one in key.iter(f"{_D}X509Certificate"):
                body = "".join((one.text or "").split())
                lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
                found.append(f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    return found


def entity_of(metadata: str) -> str:
    """Who a provider is."""
    return ElementTree.fromstring(metadata).get("entityID", "")  # noqa: S314  (checked when it was stored)


def read(content: bytes) -> Assertion:
    """The assertion of a response, or of what of it was signed; InvalidIdentityToken where something is missing."""
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  (declarations of entities are refused before)
    except (ElementTree.ParseError, ValueError):
        raise invalid_token("Could not parse SAMLResponse") from None
    if root.tag == f"{_P}Response":
        status = root.find(f"{_P}Status/{_P}StatusCode")
        if status is not None and not status.get("Value", "").endswith(":Success"):
            raise invalid_token("SAMLResponse does not say that somebody signed in")
        found = root.findall(f"{_A}Assertion")
        if len(found) != 1:
            raise invalid_token("SAMLResponse must have exactly one assertion, which is not encrypted")
        root = found[0]
    if root.tag != f"{_A}Assertion":
        raise invalid_token("SAMLResponse has no assertion")
    subject = root.find(f"{_A}Subject/{_A}NameID")
    confirmed = root.find(f"{_A}Subject/{_A}SubjectConfirmation/{_A}SubjectConfirmationData")
    if subject is None or confirmed is None:
        raise invalid_token("SAMLResponse says nothing of a subject")
    conditions = root.find(f"{_A}Conditions")
    limits = [one.get("NotOnOrAfter") for one in (confirmed, conditions) if one is not None]
    attributes = _attributes(root)
    seconds = (attributes.get(f"{_ATTRIBUTES}SessionDuration") or [""])[0]
    ends = [one.get("SessionNotOnOrAfter") for one in root.findall(f"{_A}AuthnStatement")]
    prefix = f"{_ATTRIBUTES}PrincipalTag:"
    return Assertion(
        issuer=(root.findtext(f"{_A}Issuer") or "").strip(),
        subject=(subject.text or "").strip(),
        subject_type=subject.get("Format", "").removeprefix(_FORMATS),
        recipient=confirmed.get("Recipient", ""),
        audiences=tuple(
            frozenset((audience.text or "").strip() for audience in one.findall(f"{_A}Audience"))
            for one in root.findall(f"{_A}Conditions/{_A}AudienceRestriction")
        ),
        starts=_time(conditions.get("NotBefore")) if conditions is not None and conditions.get("NotBefore") else 0.0,
        expires=min((_time(one) for one in limits if one), default=0.0),
        ends=min((_time(one) for one in ends if one), default=math.inf),
        roles=tuple(_pair(one) for one in attributes.get(f"{_ATTRIBUTES}Role", ())),
        session_name=(attributes.get(f"{_ATTRIBUTES}RoleSessionName") or [""])[0],
        seconds=int(seconds) if _SECONDS.fullmatch(seconds) else None,
        tags={name[len(prefix) :]: values[0] for name, values in attributes.items() if name.startswith(prefix)},
        transitive=tuple(attributes.get(f"{_ATTRIBUTES}TransitiveTagKeys", ())),
        source_identity=(attributes.get(f"{_ATTRIBUTES}SourceIdentity") or [""])[0],
    )


def for_aws(said: Assertion) -> bool:
    """Whether an assertion is for AWS: each of its restrictions names it. One for nobody in particular is."""
    return all(any(_AWS.fullmatch(audience) for audience in one) for one in said.audiences)


def _attributes(assertion: ElementTree.Element) -> dict[str, list[str]]:
    return {
        one.get("Name", ""): [(value.text or "").strip() for value in one.findall(f"{_A}AttributeValue")] or [""]
        for one in assertion.findall(f"{_A}AttributeStatement/{_A}Attribute")
    }


def _pair(text: str) -> tuple[str, str]:
    """A role and its provider, which stand in either order."""
    one, _, other = (part.strip() for part in text.partition(","))
    return (other, one) if ":saml-provider/" in one else (one, other)


def _time(text: str | None) -> float:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        raise invalid_token("SAMLResponse has a time that is none") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
