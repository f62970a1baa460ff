"""People sign in at a SAML provider of the test's; what it did not sign for this pool, request and time is refused."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

ISSUER = "https://idp.example/saml"
SIGN_ON = "https://idp.example/sso?tenant=1"
MAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"


def told(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Idp:
    """A SAML provider that signs whatever it is told to."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        plain = serialization.NoEncryption()
        self.key = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        self.certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def metadata(self, binding: str = "Redirect") -> str:
        body = "".join(self.certificate.decode().splitlines()[1:-1])
        return (
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ISSUER}"><IDPSSODescriptor '
            f'protocolSupportEnumeration="{PROTOCOL}"><KeyDescriptor use="signing">'
            f'<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{body}</X509Certificate>'
            f'</X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="{BINDING}{binding}" '
            f'Location="{SIGN_ON}"/></IDPSSODescriptor></EntityDescriptor>'
        )

    def answer(self, asked: dict[str, str], **said: Any) -> str:
        """A response to a request, in base64; `said` changes what it says."""
        now = datetime.now(UTC)
        until = (now + timedelta(minutes=said.get("minutes", 5))).strftime("%Y-%m-%dT%H:%M:%SZ")
        audience, recipient = said.get("audience", asked["audience"]), said.get("recipient", asked["back"])
        text = (
            f'<samlp:Response xmlns:samlp="{PROTOCOL}" ID="r"><samlp:Status><samlp:StatusCode '
            'Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
            '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="a">'
            f"<Issuer>{said.get('issuer', ISSUER)}</Issuer><Subject><NameID>ann@example.com</NameID>"
            f'<SubjectConfirmation><SubjectConfirmationData Recipient="{recipient}" NotOnOrAfter="{until}" '
            f'InResponseTo="{said.get("request", asked["id"])}"/></SubjectConfirmation></Subject><Conditions>'
            f"<AudienceRestriction><Audience>{audience}</Audience></AudienceRestriction></Conditions>"
            f'<AttributeStatement><Attribute Name="{MAIL}"><AttributeValue>ann@example.com</AttributeValue></Attribute>'
            '<Attribute Name="groups"><AttributeValue>a</AttributeValue><AttributeValue>b</AttributeValue></Attribute>'
            "</AttributeStatement></Assertion></samlp:Response>"
        )
        root = etree.fromstring(text.encode())
        if said.get("signs", True):
            assertion = root.find("{*}Assertion")
            signer = said.get("signer", self)
            made = XMLSigner().sign(
                assertion, key=signer.key, cert=signer.certificate, reference_uri="a", id_attribute="ID"
            )
            root.replace(assertion, made)
        content = etree.tostring(root).decode()
        return base64.b64encode(said.get("changed", lambda text: text)(content).encode()).decode()


@pytest.fixture(scope="module")
def idp() -> Idp:
    return Idp()


@pytest.fixture
def shop(make_shop: Callable[..., Any], idp: Idp) -> Any:
    schema = [{"Name": "groups", "AttributeDataType": "String", "Mutable": True}]
    mapping = {"email": MAIL, "custom:groups": "groups"}
    return make_shop("office", "SAML", {"MetadataFile": idp.metadata()}, mapping, Schema=schema)


def request_of(text: str) -> dict[str, str]:
    """What a request asks."""
    root = ElementTree.fromstring(text)
    assert root.get("Destination") == SIGN_ON
    issuer = root.findtext("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer")
    return {"id": str(root.get("ID")), "back": str(root.get("AssertionConsumerServiceURL")), "audience": str(issuer)}


def depart(shop: Any) -> tuple[dict[str, str], str]:
    """(what the provider is asked, RelayState) of a browser that was sent there."""
    _, _, headers = shop.browser.ask(shop.address(identity_provider="office"))
    assert headers["Location"].startswith(f"{SIGN_ON}&")
    sent = told(headers["Location"])
    return request_of(zlib.decompress(base64.b64decode(sent["SAMLRequest"]), -15).decode()), sent["RelayState"]


def test_somebody_signs_in_with_saml(shop: Any, idp: Idp) -> None:
    asked, state = depart(shop)
    assert asked["audience"] == f"urn:amazon:cognito:sp:{shop.pool.id}"
    assert asked["back"] == f"{shop.base}/saml2/idpresponse"
    form = {"SAMLResponse": idp.answer(asked), "RelayState": state}
    status, _, headers = shop.stranger().ask(asked["back"], form)
    assert status == 303, "the form comes without the browser's cookies"
    assert "/error?" in shop.stranger().visit(headers["Location"])[0]
    url, _ = shop.browser.visit(headers["Location"])
    shop.tokens(url)
    user = shop.user("office_ann@example.com")
    assert (user["UserStatus"], user["attributes"]["email"], user["attributes"]["custom:groups"]) == (
        *("EXTERNAL_PROVIDER", "ann@example.com"),
        "[a, b]",
    )
    assert f'"issuer":"{ISSUER}"' in user["attributes"]["identities"]
    assert "/error?" in shop.browser.visit(headers["Location"])[0], "once"
    assert "/error?" in shop.browser.visit(asked["back"], form)[0]


def test_a_provider_that_takes_forms_alone(shop: Any, idp: Idp) -> None:
    details = {"MetadataFile": idp.metadata("POST")}
    shop.admin.update_identity_provider(UserPoolId=shop.pool.id, ProviderName="office", ProviderDetails=details)
    _, body = shop.browser.visit(shop.address(identity_provider="office"))
    assert f'action="{SIGN_ON}"' in body
    sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', body))
    asked = request_of(base64.b64decode(sent["SAMLRequest"]).decode())
    form = {"SAMLResponse": idp.answer(asked), "RelayState": sent["RelayState"]}
    assert "code" in told(shop.browser.visit(asked["back"], form)[0])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"signs": False}, "signature invalid"),
        ({"signer": Idp()}, "signature invalid"),
        ({"changed": lambda text: text.replace("ann@", "eve@")}, "signature invalid"),
        ({"changed": lambda text: "<x"}, "signature invalid"),
        ({"changed": lambda text: f"<!DOCTYPE x>{text}"}, "entities"),
        ({"audience": "urn:amazon:cognito:sp:another"}, "Audience"),
        ({"recipient": "https://another.example/saml2/idpresponse"}, "recipient"),
        ({"request": "_another"}, "another request"),
        ({"request": ""}, "another request"),
        ({"issuer": "https://evil.example"}, "issuer"),
        ({"minutes": -2}, "another time"),
    ],
)
def test_what_is_refused(shop: Any, idp: Idp, said: dict[str, Any], why: str) -> None:
    asked, state = depart(shop)
    form = {"SAMLResponse": idp.answer(asked, **said), "RelayState": state}
    found = told(shop.browser.visit(asked["back"], form)[0])
    assert (found["error"], found["state"]) == ("server_error", "s t")
    assert why in found["error_description"]
    good = {"SAMLResponse": idp.answer(asked), "RelayState": state}
    assert "/error?" in shop.browser.visit(asked["back"], good)[0], "no second try"
    assert shop.admin.list_users(UserPoolId=shop.pool.id)["Users"] == []


def test_only_what_is_signed_counts(shop: Any, idp: Idp) -> None:
    asked, state = depart(shop)
    good = base64.b64decode(idp.answer(asked)).decode()
    evil = base64.b64decode(idp.answer(asked, signs=False)).decode().replace("ann@", "eve@").replace(' ID="a"', "")
    signed = good[good.index("<Assertion") : good.index("</samlp:Response>")]
    form = {
        "SAMLResponse": base64.b64encode(
            evil.replace("<samlp:Status>", f"{signed}<samlp:Status>", 1).encode()
        ).decode(),
        "RelayState": state,
    }
    shop.browser.visit(asked["back"], form)
    assert [one["Username"] for one in shop.admin.list_users(UserPoolId=shop.pool.id)["Users"]] in (
        [],
        ["office_ann@example.com"],
    )


def test_an_answer_that_nobody_asked_for(shop: Any, idp: Idp) -> None:
    asked, _ = depart(shop)
    form = {"SAMLResponse": idp.answer(asked), "RelayState": ""}
    assert "/error?" in shop.browser.visit(asked["back"], form)[0]


def test_metadata_that_cannot_be_read(shop: Any) -> None:
    details = {"MetadataURL": "http://127.0.0.1:9/metadata"}
    shop.admin.update_identity_provider(UserPoolId=shop.pool.id, ProviderName="office", ProviderDetails=details)
    found = told(shop.arrive())
    assert (found["error"], "metadata of office" in found["error_description"]) == ("server_error", True)
