"""What a service provider asks, and what metadata say: tables."""

from __future__ import annotations

import base64
import zlib
from xml.etree import ElementTree

import pytest

from kumoi.saml import check_metadata, entity_of, redirected, request, sent, sign_on

BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"


def metadata(*services: tuple[str, str]) -> str:
    made = "".join(
        f'<SingleSignOnService Binding="{BINDING}{binding}" Location="{where}"/>' for binding, where in services
    )
    return (
        '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example">'
        f"<IDPSSODescriptor>{made}</IDPSSODescriptor></EntityDescriptor>"
    )


def test_a_request_arrives_as_it_was_made() -> None:
    made = request("_1", "urn:a&b", 'https://idp.example/?a="1"&b=<2>', "https://sp.example/acs", 0.0)
    root = ElementTree.fromstring(made)
    assert root.attrib == {
        "Version": "2.0",
        "ID": "_1",
        "IssueInstant": "1970-01-01T00:00:00.000Z",
        "Destination": 'https://idp.example/?a="1"&b=<2>',
        "ProtocolBinding": f"{BINDING}POST",
        "AssertionConsumerServiceURL": "https://sp.example/acs",
    }
    assert [one.text for one in root] == ["urn:a&b"]
    assert zlib.decompress(base64.b64decode(redirected(made)), -15) == base64.b64decode(sent(made)) == made


@pytest.mark.parametrize(
    ("services", "found"),
    [
        ((("POST", "https://a"), ("Redirect", "https://b")), (f"{BINDING}Redirect", "https://b")),
        ((("POST", "https://a"),), (f"{BINDING}POST", "https://a")),
        ((("Redirect", "javascript:alert(1)"), ("POST", "https://a")), (f"{BINDING}POST", "https://a")),
        ((("Redirect", "http://[x"), ("POST", "https:///a")), None),
        ((("Artifact", "https://a"),), None),
        ((), None),
    ],
)
def test_where_people_sign_in(services: tuple[tuple[str, str], ...], found: tuple[str, str] | None) -> None:
    assert sign_on(metadata(*services)) == found


def test_who_a_provider_is() -> None:
    check_metadata(metadata())
    assert entity_of(metadata()) == "https://idp.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<x",
        "<x/>",
        metadata().replace("IDPSSODescriptor", "SPSSODescriptor"),
        metadata().replace("entityID", "id"),
        f'<!DOCTYPE x [<!ENTITY y "z">]>{metadata()}',
        metadata().encode("utf-16").decode("latin-1"),
    ],
)
def test_what_are_no_metadata(text: str) -> None:
    with pytest.raises(ValueError, match="Metadata"):
        check_metadata(text)
