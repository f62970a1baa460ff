"""What providers have to be given, and what their claims become: tables."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.cognito_idp.hosted.standing_in import claimed
from kumoi.services.cognito_idp.identity_providers import (
    SUBJECT,
    check_name,
    details_of,
    identities_claim,
    mapped,
    mapping_of,
    stands_in,
)
from kumoi.services.cognito_idp.records import Identity, Pool, Provider
from kumoi.wire.errors import AwsError

APP = {"client_id": "c", "client_secret": "s", "authorize_scopes": "openid email"}
OIDC = {**APP, "attributes_request_method": "GET", "oidc_issuer": "https://idp.example"}
METADATA = (
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example">'
    '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></EntityDescriptor>'
)


def pool(**tags: str) -> Pool:
    schema = [{"Name": "team", "AttributeDataType": "String"}]
    named = {f"kumoi:{name.replace('_', '-')}": value for name, value in tags.items()}
    return Pool(id="p", name="p", created=0.0, modified=0.0, definition={"Schema": schema}, tags=named)


def provider(kind: str = "OIDC", **mapping: str) -> Provider:
    made = {name.replace("__", ":"): value for name, value in mapping.items()}
    return Provider(pool="p", name="idp", kind=kind, created=0.0, modified=0.0, mapping=made)


def test_what_is_fixed_of_a_kind_is_told_with_what_was_given() -> None:
    assert details_of("OIDC", OIDC) == {**OIDC, "attributes_url_add_attributes": "false"}
    google = details_of("Google", APP)
    assert (google["authorize_url"], google["oidc_issuer"], google["client_id"]) == (
        *("https://accounts.google.com/o/oauth2/v2/auth", "https://accounts.google.com"),
        "c",
    )
    facebook = details_of("Facebook", {**APP, "api_version": "v19.0"})
    assert facebook["token_url"] == "https://graph.facebook.com/v19.0/oauth/access_token"
    assert details_of("SAML", {"MetadataFile": METADATA}) == {"MetadataFile": METADATA}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("Google", {"client_id": "c"}),
        ("OIDC", APP),
        ("OIDC", {**OIDC, "authorize_scopes": "email"}),
        ("OIDC", {**OIDC, "attributes_request_method": "PUT"}),
        ("OIDC", {**OIDC, "oidc_issuer": "idp.example"}),
        ("OIDC", {**OIDC, "authorize_url": "javascript:alert(1)"}),
        ("OIDC", {**OIDC, "token_url": "https://idp.example/\r\nX: y"}),
        ("OIDC", {**OIDC, "token_url": "https://[x/"}),
        ("SignInWithApple", {"client_id": "c", "authorize_scopes": "email"}),
        ("SAML", {}),
        ("SAML", {"MetadataFile": "<x"}),
        ("SAML", {"MetadataFile": "<x/>"}),
        ("SAML", {"MetadataFile": f'<!DOCTYPE x [<!ENTITY y "z">]>{METADATA}'}),
        ("SAML", {"MetadataURL": "ftp://idp.example"}),
    ],
)
def test_what_is_missing_or_wrong(kind: str, given: dict[str, str]) -> None:
    with pytest.raises(AwsError) as refused:
        details_of(kind, given)
    assert refused.value.code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("name", "kind", "good"),
    [
        ("Google", "Google", True),
        ("MyGoogle", "Google", False),
        ("Google", "OIDC", False),
        ("COGNITO", "OIDC", False),
        ("Cognito", "SAML", False),
        ("work", "OIDC", True),
    ],
)
def test_names(name: str, kind: str, good: bool) -> None:
    if good:
        check_name(name, kind)
        return
    with pytest.raises(AwsError, match=f"Provider {name} cannot be of type {kind}"):
        check_name(name, kind)


def test_mappings_are_of_attributes_that_are_there() -> None:
    given = {"email": "mail", "custom:team": "dept"}
    assert mapping_of(pool(), "OIDC", given) == {"username": "sub", **given}
    assert mapping_of(pool(), "Facebook", None) == {"username": "id"}
    assert mapping_of(pool(), "SAML", given) == given
    for wrong in ("custom:nothing", "sub", "shoe_size"):
        with pytest.raises(AwsError, match=wrong):
            mapping_of(pool(), "OIDC", {wrong: "x"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (7, "7"),
        (["one"], "one"),
        (["a", "b c"], "[a, b+c]"),
        ({"formatted": "x"}, '{"formatted":"x"}'),
    ],
)
def test_claims_become_attributes(value: Any, text: str) -> None:
    made = provider(username="sub", custom__team="dept", name="name")
    assert mapped(made, {"sub": "1", "dept": value, "name": None}) == {"custom:team": text}


def test_claims_that_are_too_long() -> None:
    with pytest.raises(ValueError, match="2048"):
        mapped(provider(name="name"), {"name": "x" * 2_049})


@pytest.mark.parametrize(
    ("kind", "tag", "guarded", "expected"),
    [
        ("Google", None, False, True),
        ("Google", None, True, False),
        ("Google", "real", False, False),
        ("Google", "stand-in", True, True),
        ("OIDC", None, False, False),
        ("OIDC", "stand-in", False, True),
        ("SAML", "real", False, False),
    ],
)
def test_what_stands_in(kind: str, tag: str | None, guarded: bool, expected: bool) -> None:
    tagged = pool() if tag is None else pool(identity_providers=tag)
    assert stands_in(tagged, kind, guarded=guarded) is expected


def test_identities_as_they_are_told() -> None:
    come = Identity("Google", "Google", SUBJECT, "42", 1.5, own=True)
    to_come = Identity("work", "OIDC", "email", "ann@example.com", 1.5)
    assert identities_claim([come, to_come]) == [
        {
            "userId": "42",
            "providerName": "Google",
            "providerType": "Google",
            "issuer": None,
            "primary": True,
            "dateCreated": 1500,
        }
    ]


def test_what_a_stand_in_says() -> None:
    made = provider("Google", username="sub", email="email", email_verified="email_verified")
    form = {"email": "ann@example.com", "email_verified": "true", "name": "", "more": '{"hd": "example.com"}'}
    said = claimed(made, form)
    assert said.subject == claimed(made, {"email": "ann@example.com"}).subject
    assert said.subject != claimed(made, {"email": "bob@example.com"}).subject
    assert (said.claims["email_verified"], said.claims["hd"], said.claims["sub"]) == (True, "example.com", said.subject)
    assert "name" not in said.claims
    assert claimed(made, {"subject": "7"}).subject == "7"
    assert claimed(provider("Facebook", username="id"), {"more": '{"id": "9"}'}).subject == "9"
    for wrong in ({"more": "{"}, {"more": "[]"}, {"subject": "x" * 101}, {"subject": "a\nb"}):
        with pytest.raises(ValueError, match=r"JSON|characters"):
            claimed(made, wrong)
