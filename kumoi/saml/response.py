"""The response of an identity provider: what is signed of it, and what that says."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree import ElementTree

from kumoi.saml.metadata import certificates

_P, _A = "{urn:oasis:names:tc:SAML:2.0:protocol}", "{urn:oasis:names:tc:SAML:2.0:assertion}"
_FORMATS = "urn:oasis:names:tc:SAML:2.0:nameid-format:"


_AWS = re.compile(
    r"urn:amazon:webservices(:[a-z-]+)?"
    r"|https://([a-z0-9-]+\.)?signin\.(aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn)/saml(/.*)?"
)
"""Audiences that mean AWS."""


class InvalidSaml(Exception):
    """The response proves nothing; the text says why."""


class NotInstalled(Exception):
    """Signatures cannot be checked here: `kumoi[saml]` is not installed."""


class Assertion(NamedTuple):
    """What is said. Times are epoch seconds.

    `expires` is the earliest limit of the assertion, `ends` when the session is over at the provider, endless where it
    does not say; `audiences` whom the assertion is for, a set for each restriction. `request` is what it answers.
    """

    issuer: str
    subject: str
    subject_type: str
    recipient: str
    request: str
    audiences: tuple[frozenset[str], ...]
    starts: float
    expires: float
    ends: float
    attributes: Mapping[str, Sequence[str]]


def decoded(text: str) -> bytes:
    """The XML of a response; InvalidSaml where it is none, or declares entities."""
    try:
        found = base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        raise InvalidSaml("Invalid base64 SAMLResponse") from None
    if b"<!DOCTYPE" in found or b"<!ENTITY" in found or b"\0" in found:
        raise InvalidSaml("SAMLResponse declares entities")
    return found


def signed_part(response: bytes, metadata: str) -> bytes:
    """What of a response the provider's key has signed; raises InvalidSaml, or NotInstalled."""
    try:
        from lxml.etree import LxmlError
        from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidInput, InvalidSignature
        from signxml.verifier import XMLVerifier
    except ImportError:
        raise NotInstalled("Kumoi checks signatures of SAML with signxml: pip install 'kumoi[saml]'") from None
    refusals = (InvalidCertificate, InvalidDigest, InvalidInput, InvalidSignature, LxmlError)
    for certificate in certificates(metadata):
        try:
            found = XMLVerifier().verify(response, x509_cert=certificate)
        except (*refusals, ValueError, KeyError, TypeError):
            continue
        one = found[0] if isinstance(found, list) else found
        if one.signed_data:
            return bytes(one.signed_data)
    raise InvalidSaml("Response signature invalid")


def read(content: bytes) -> Assertion:
    """The assertion of a response, or of what of it was signed; InvalidSaml where something is missing."""
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  (declarations of entities are refused before)
    except (ElementTree.ParseError, ValueError):
        raise InvalidSaml("Could not parse SAMLResponse") from None
    if root.tag == f"{_P}Response":
        status = root.find(f"{_P}Status/{_P}StatusCode")
        if status is not None and not status.get("Value", "").endswith(":Success"):
            raise InvalidSaml("SAMLResponse does not say that somebody signed in")
        found = root.findall(f"{_A}Assertion")
        if len(found) != 1:
            raise InvalidSaml("SAMLResponse must have exactly one assertion, which is not encrypted")
        root = found[0]
    if root.tag != f"{_A}Assertion":
        raise InvalidSaml("SAMLResponse has no assertion")
    subject = root.find(f"{_A}Subject/{_A}NameID")
    confirmed = root.find(f"{_A}Subject/{_A}SubjectConfirmation/{_A}SubjectConfirmationData")
    if subject is None or confirmed is None:
        raise InvalidSaml("SAMLResponse says nothing of a subject")
    conditions = root.find(f"{_A}Conditions")
    limits = [one.get("NotOnOrAfter") for one in (confirmed, conditions) if one is not None]
    ends = [one.get("SessionNotOnOrAfter") for one in root.findall(f"{_A}AuthnStatement")]
    return Assertion(
        issuer=(root.findtext(f"{_A}Issuer") or "").strip(),
        subject=(subject.text or "").strip(),
        subject_type=subject.get("Format", "").removeprefix(_FORMATS),
        recipient=confirmed.get("Recipient", ""),
        request=confirmed.get("InResponseTo", ""),
        audiences=tuple(
            frozenset((audience.text or "").strip() for audience in one.findall(f"{_A}Audience"))
            for one in root.findall(f"{_A}Conditions/{_A}AudienceRestriction")
        ),
        starts=_time(conditions.get("NotBefore")) if conditions is not None and conditions.get("NotBefore") else 0.0,
        expires=min((_time(one) for one in limits if one), default=0.0),
        ends=min((_time(one) for one in ends if one), default=math.inf),
        attributes={
            one.get("Name", ""): [(value.text or "").strip() for value in one.findall(f"{_A}AttributeValue")] or [""]
            for one in root.findall(f"{_A}AttributeStatement/{_A}Attribute")
        },
    )


def for_aws(audiences: Iterable[frozenset[str]]) -> bool:
    """Whether an assertion is for AWS: each of its restrictions names it. One for nobody in particular is."""
    return all(any(_AWS.fullmatch(audience) for audience in one) for one in audiences)


def _time(text: str | None) -> float:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        raise InvalidSaml("SAMLResponse has a time that is none") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
