"""The metadata of an identity provider: who it is, its certificates, where people sign in."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

_M, _D = "{urn:oasis:names:tc:SAML:2.0:metadata}", "{http://www.w3.org/2000/09/xmldsig#}"
_BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings:"
REDIRECT, POST = f"{_BINDINGS}HTTP-Redirect", f"{_BINDINGS}HTTP-POST"


class SignOn(NamedTuple):
    """Where people sign in, and how they are sent there."""

    binding: str
    location: str


def check_metadata(text: str) -> None:
    """Raise ValueError for metadata that describe no provider, or declare entities."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text or "\0" in text:
        raise ValueError("Metadata must not declare entities.")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  (declarations of entities are refused before)
    except (ElementTree.ParseError, ValueError):
        raise ValueError("Metadata is not well-formed XML.") from None
    if not root.get("entityID") or root.find(f"{_M}IDPSSODescriptor") is None:
        raise ValueError("Metadata has no entityID or no IDPSSODescriptor.")


def entity_of(metadata: str) -> str:
    """Who a provider is."""
    return ElementTree.fromstring(metadata).get("entityID", "")  # noqa: S314  (checked when it was stored)


def certificates(metadata: str) -> list[str]:
    """The signing certificates of a provider as PEM."""
    found = []
    for key in ElementTree.fromstring(metadata).iter(f"{_M}KeyDescriptor"):  # noqa: S314  (checked when it was stored)
        if key.get("use", "signing") == "signing":
            for one in key.iter(f"{_D}X509Certificate"):
                body = "".join((one.text or "").split())
                lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
                found.append(f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    return found


def sign_on(metadata: str) -> SignOn | None:
    """Where people sign in, by redirect if that can be; None where the metadata do not say."""
    services = ElementTree.fromstring(metadata).iter(f"{_M}SingleSignOnService")  # noqa: S314  (checked when stored)
    found = {one.get("Binding", ""): one.get("Location", "") for one in services}
    for binding in (REDIRECT, POST):
        if _is_url(found.get(binding, "")):
            return SignOn(binding, found[binding])
    return None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
