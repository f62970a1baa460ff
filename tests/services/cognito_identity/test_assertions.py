"""Identity pools and SAML where signatures count: only what a registered provider has signed is a login."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

ISSUER = "https://idp.example/saml"
Key = tuple[bytes, bytes]


def key_pair() -> Key:
    """A private key and its certificate, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return private, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def assertion(key: Key | None, issuer: str = ISSUER, name: str = "ann") -> str:
    """A response in base64, whose assertion is signed where there is a key."""
    until = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    root = etree.fromstring(
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><Assertion ID="a" '
        f'xmlns="urn:oasis:names:tc:SAML:2.0:assertion"><Issuer>{issuer}</Issuer><Subject><NameID>{name}</NameID>'
        f'<SubjectConfirmation><SubjectConfirmationData NotOnOrAfter="{until}"/></SubjectConfirmation></Subject>'
        "</Assertion></samlp:Response>"
    )
    if key is not None:
        one = root.find("{*}Assertion")
        root.replace(one, XMLSigner().sign(one, key=key[0], cert=key[1], reference_uri="a", id_attribute="ID"))
    return base64.b64encode(etree.tostring(root)).decode()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Make clients of a platform that enforces policies."""
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", str(tmp_path)]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    url = json.loads((tmp_path / "platform.json").read_text())["url"]
    access = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    made = {name: boto3.client(name, endpoint_url=url, **access) for name in ("iam", "cognito-identity")}
    yield made.__getitem__
    for one in made.values():
        one.close()
    subprocess.run([*kumoi, "down", "--data", str(tmp_path)], check=True, stdout=subprocess.DEVNULL)


def test_only_what_the_provider_has_signed_is_a_login(client: Callable[[str], Any]) -> None:
    key = key_pair()
    metadata = (
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ISSUER}"><IDPSSODescriptor '
        'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">'
        '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>'
        f"{''.join(key[1].decode().splitlines()[1:-1])}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        "</IDPSSODescriptor></EntityDescriptor>"
    )
    provider = client("iam").create_saml_provider(Name="office", SAMLMetadataDocument=metadata)["SAMLProviderArn"]
    identity = client("cognito-identity")
    pool = identity.create_identity_pool(
        IdentityPoolName="p", AllowUnauthenticatedIdentities=False, SamlProviderARNs=[provider, f"{provider}2"]
    )["IdentityPoolId"]

    def get(text: str, name: str = provider) -> str:
        return str(identity.get_id(IdentityPoolId=pool, Logins={name: text})["IdentityId"])

    assert get(assertion(key)) == get(assertion(key))
    for wrong, told in (
        (assertion(None), "signature invalid"),
        (assertion(key_pair()), "signature invalid"),
        (assertion(key, issuer="https://evil.example"), "issuer"),
    ):
        with pytest.raises(ClientError, match=told):
            get(wrong)
    with pytest.raises(ClientError, match="not registered"):
        get(assertion(key), f"{provider}2")
