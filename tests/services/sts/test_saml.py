"""SAML: what an assertion says becomes a session; where signatures count, only what the provider signed."""

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

from kumoi.saml import for_aws
from kumoi.services.sts.saml import decoded, read
from kumoi.wire.errors import AwsError

ISSUER = "https://idp.example/saml"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
RECIPIENT = "https://signin.aws.amazon.com/saml"


def soon(minutes: float) -> str:
    """A time from now, as XML has it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def response(pairs: list[str], *, minutes: float = 5, issuer: str = ISSUER, more: str = "", **attributes: str) -> str:
    """A response with an assertion about ann; `attributes` are AWS's, by name, `more` are elements beside them."""
    until = soon(minutes)
    values = {"Role": pairs, "RoleSessionName": ["ann"], **{name: [value] for name, value in attributes.items()}}
    stated = "".join(
        f'<Attribute Name="{ATTRIBUTES}{name.replace("__", ":")}">'
        + "".join(f"<AttributeValue>{value}</AttributeValue>" for value in several)
        + "</Attribute>"
        for name, several in values.items()
    )
    return (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="r">'
        '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
        f'<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="a"><Issuer>{issuer}</Issuer><Subject>'
        '<NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ann@example.com</NameID>'
        f'<SubjectConfirmation><SubjectConfirmationData Recipient="{RECIPIENT}" NotOnOrAfter="{until}"/>'
        f"</SubjectConfirmation></Subject>{more}<AttributeStatement>{stated}</AttributeStatement></Assertion></samlp:Response>"
    )


def sent(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def trust(provider: str) -> str:
    condition = {"StringEquals": {"saml:aud": RECIPIENT, "saml:sub_type": "persistent"}}
    statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Condition": condition}
    return json.dumps({"Statement": [{**statement, "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"]}]})


def test_an_assertion_becomes_a_session(kumoi: Any) -> None:
    iam, sts = kumoi.client("iam"), kumoi.client("sts")
    provider = f"arn:aws:iam::{kumoi.account}:saml-provider/idp"
    role = iam.create_role(RoleName="staff", AssumeRolePolicyDocument=trust(provider))["Role"]["Arn"]
    asked = {"RoleArn": role, "PrincipalArn": provider}
    said = response([f"{role},{provider}"], PrincipalTag__team="a", SourceIdentity="ann", SessionDuration="1800")
    answer = sts.assume_role_with_saml(**asked, SAMLAssertion=sent(said))
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{kumoi.account}:assumed-role/staff/ann"
    assert (
        answer["Subject"],
        answer["SubjectType"],
        answer["Issuer"],
        answer["Audience"],
        answer["SourceIdentity"],
    ) == (
        *("ann@example.com", "persistent", ISSUER),
        *(RECIPIENT, "ann"),
    )
    assert answer["Credentials"]["Expiration"] - datetime.now(UTC) < timedelta(minutes=31)
    for wrong, told in (
        (response([f"{role}2,{provider}"]), "AccessDenied"),
        (response([f"{role},{provider}"], minutes=-1), "ExpiredToken"),
        (said.replace(":Success", ":Responder"), "InvalidIdentityToken"),
        (response([f"{role},{provider}"], more=f'<Conditions NotBefore="{soon(1)}"/>'), "ExpiredToken"),
        (response([f"{role},{provider}"], more=f'<Conditions NotOnOrAfter="{soon(-1)}"/>'), "ExpiredToken"),
        (response([f"{role},{provider}"], more=f'<AuthnStatement SessionNotOnOrAfter="{soon(-1)}"/>'), "ExpiredToken"),
    ):
        with pytest.raises(ClientError, match=told):
            sts.assume_role_with_saml(**asked, SAMLAssertion=sent(wrong))


def test_a_session_ends_when_it_does_at_the_provider(kumoi: Any) -> None:
    provider = f"arn:aws:iam::{kumoi.account}:saml-provider/idp"
    role = f"arn:aws:iam::{kumoi.account}:role/anybody"
    said = response([f"{role},{provider}"], more=f'<AuthnStatement SessionNotOnOrAfter="{soon(10)}"/>')
    answer = kumoi.client("sts").assume_role_with_saml(RoleArn=role, PrincipalArn=provider, SAMLAssertion=sent(said))
    assert answer["Credentials"]["Expiration"] - datetime.now(UTC) < timedelta(minutes=11)


def only_for(*audiences: str) -> str:
    """A restriction to some audiences."""
    return f"<AudienceRestriction>{''.join(f'<Audience>{one}</Audience>' for one in audiences)}</AudienceRestriction>"


AWS = only_for("https://wiki.example", "urn:amazon:webservices")


@pytest.mark.parametrize(
    ("restrictions", "meant"),
    [
        ("", True),
        (AWS, True),
        (only_for("https://signin.aws.amazon.com/saml"), True),
        (only_for("https://us-west-2.signin.aws.amazon.com/saml/acs/SAMLSP1"), True),
        (only_for("https://wiki.example"), False),
        (AWS + only_for("https://wiki.example"), False),
        (only_for("https://signin.aws.amazon.com.example/saml"), False),
        (only_for("https://example/?https://signin.aws.amazon.com/saml"), False),
        (only_for(), False),
    ],
)
def test_what_was_said_to_somebody_else_counts_for_nothing(restrictions: str, meant: bool) -> None:
    more = f"<Conditions>{restrictions}</Conditions>"
    assert for_aws(read(response(["a,b"], more=more).encode()).audiences) is meant


DECLARING = '<!DOCTYPE Response [<!ENTITY who "ann">]>' + response(["a,b"], SourceIdentity="&who;")


@pytest.mark.parametrize(
    "text",
    [
        "!",
        sent("<x"),
        sent("<x/>"),
        sent(DECLARING),
        sent(f'<?xml version="1.0" encoding="utf-16"?>{DECLARING}'.encode("utf-16")),
        sent(response(["a,b"]).replace("<Subject>", "<S>").replace("</Subject>", "</S>")),
        sent(response(["a,b"]).replace('NotOnOrAfter="2', 'NotOnOrAfter="x')),
        sent(response(["a,b"]).replace("Assertion", "EncryptedAssertion")),
        sent(b"\xff\xfe<\0x\0"),
    ],
)
def test_what_is_no_response_is_refused(text: str) -> None:
    with pytest.raises(AwsError) as error:
        read(decoded(text))
    assert error.value.code == "InvalidIdentityToken"


Key = tuple[bytes, bytes]


def key_pair() -> Key:
    """A private key and its certificate, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def signed(text: str, key: Key) -> bytes:
    """A response whose assertion is signed."""
    root = etree.fromstring(text.encode())
    assertion = root.find("{*}Assertion")
    made = XMLSigner().sign(assertion, key=key[0], cert=key[1], reference_uri="a", id_attribute="ID")
    root.replace(assertion, made)
    return bytes(etree.tostring(root))


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Make clients of a platform that enforces policies."""
    data = str(tmp_path_factory.mktemp("enforce"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    url = json.loads((Path(data) / "platform.json").read_text())["url"]
    access = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    made = [boto3.client(name, endpoint_url=url, **access) for name in ("iam", "sts")]
    yield lambda name: made[name == "sts"]
    for one in made:
        one.close()
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


def test_where_signatures_count_the_provider_has_signed(connect: Callable[[str], Any]) -> None:
    iam, sts = connect("iam"), connect("sts")
    key, other = key_pair(), key_pair()
    keys = "".join(
        f'<KeyDescriptor use="{use}"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>'
        f"{''.join(one[1].decode().splitlines()[1:-1])}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        for use, one in (("encryption", other), ("signing", key))
    )
    metadata = (
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ISSUER}"><IDPSSODescriptor '
        f'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}</IDPSSODescriptor></EntityDescriptor>'
    )
    provider = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=metadata)["SAMLProviderArn"]
    role = iam.create_role(RoleName="staff", AssumeRolePolicyDocument=trust(provider))["Role"]["Arn"]
    said = response([f"{role},{provider}"])

    def assume(content: str | bytes) -> Any:
        return sts.assume_role_with_saml(RoleArn=role, PrincipalArn=provider, SAMLAssertion=sent(content))

    assert assume(signed(said, key))["Subject"] == "ann@example.com"
    good = signed(said, key).decode()
    beside = response([f"{role},{provider}"]).replace("ann@", "eve@").replace(' ID="a"', "")
    forged = beside.replace(
        "<samlp:Status>", good[good.index("<Assertion") : good.index("</samlp:Response>")] + "<samlp:Status>"
    )
    assert assume(forged)["Subject"] == "ann@example.com", "only what is signed counts"
    for wrong, told in (
        (said, "signature invalid"),
        (signed(said, other), "signature invalid"),
        (good.replace("ann@", "eve@"), "signature invalid"),
        (b"<x", "signature invalid"),
        (good.replace("ds:SignatureValue", "ds:Value"), "signature invalid"),
        (signed(response([f"{role},{provider}"], more=f"<Conditions>{only_for('x')}</Conditions>"), key), "audience"),
        (signed(response([f"{role},{provider}"], issuer="https://other"), key), "Issuer not present"),
    ):
        with pytest.raises(ClientError, match=told):
            assume(wrong)
    iam.update_assume_role_policy(RoleName="staff", PolicyDocument=trust(f"{provider}2"))
    with pytest.raises(ClientError, match="Not authorized to perform sts:AssumeRoleWithSAML"):
        assume(signed(said, key))
