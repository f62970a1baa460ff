"""What a service provider asks an identity provider for: that somebody signs in (AuthnRequest)."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

_P, _A = "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:assertion"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


def request(request_id: str, issuer: str, location: str, back: str, now: float) -> bytes:
    """An AuthnRequest of a service provider (`issuer`) to a `location`, to be answered by POST to `back`."""
    instant = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return (
        f'<saml2p:AuthnRequest xmlns:saml2p="{_P}" xmlns:saml2="{_A}" Version="2.0" ID={quoteattr(request_id)} '
        f'IssueInstant="{instant}" Destination={quoteattr(location)} ProtocolBinding="{_POST}" '
        f"AssertionConsumerServiceURL={quoteattr(back)}><saml2:Issuer>{_text(issuer)}</saml2:Issuer>"
        "</saml2p:AuthnRequest>"
    ).encode()


def redirected(request: bytes) -> str:
    """A request as HTTP-Redirect has it in `SAMLRequest`: deflated, in base64."""
    packer = zlib.compressobj(wbits=-15)
    return base64.b64encode(packer.compress(request) + packer.flush()).decode()


def sent(request: bytes) -> str:
    """A request as HTTP-POST has it in `SAMLRequest`: in base64."""
    return base64.b64encode(request).decode()


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
