"""Passkeys: registered and signed in with, by an authenticator in software."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLOWS = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
FLAG = AuthenticatorData.FLAG


def code(action: Callable[..., Any], *args: Any, **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action(*args, **given)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


class Authenticator:
    """A browser with a passkey, at an origin."""

    def __init__(self, party: str = "localhost", origin: str = "http://localhost:3000") -> None:
        self.party, self.origin, self.count, self.verifies = party, origin, 0, True
        self.id = os.urandom(16)
        self.key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """A registration, as browsers write it."""
        public = ES256.from_cryptography_key(self.key.public_key())
        made = AttestedCredentialData.create(Aaguid(bytes(16)), self.id, public)
        data = AuthenticatorData.create(self._party(), FLAG.UP | FLAG.UV | FLAG.AT, self.count, made)
        client = CollectedClientData.create("webauthn.create", options["challenge"], self.origin)
        response = {
            "clientDataJSON": websafe_encode(client),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
            "transports": ["internal"],
        }
        return self._credential(response)

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """An assertion."""
        assert options["rpId"] == self.party
        self.count += 1
        data = AuthenticatorData.create(self._party(), FLAG.UP | (FLAG.UV if self.verifies else FLAG(0)), self.count)
        client = CollectedClientData.create("webauthn.get", options["challenge"], self.origin)
        signature = self.key.sign(bytes(data) + client.hash, ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
        }
        return self._credential(response)

    def _party(self) -> bytes:
        return sha256(self.party.encode()).digest()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        id = websafe_encode(self.id)
        return {
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }


class People:
    """A pool with passkeys, and Ann."""

    def __init__(self, source: Any, make_pool: Any) -> None:
        policies = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}}
        self.pool = make_pool(source, {"ExplicitAuthFlows": FLOWS}, Policies=policies)
        self.public = self.pool.public
        self.pool.user(email="ann@example.com")
        self.token = self.pool.sign_in()["AccessToken"]

    def enable(self) -> None:
        config = {"RelyingPartyId": "localhost", "UserVerification": "required"}
        self.pool.admin.set_user_pool_mfa_config(UserPoolId=self.pool.id, WebAuthnConfiguration=config)

    def options(self) -> Any:
        return self.public.start_web_authn_registration(AccessToken=self.token)["CredentialCreationOptions"]

    def complete(self, credential: Any) -> Any:
        return self.public.complete_web_authn_registration(AccessToken=self.token, Credential=credential)

    def register(self, authenticator: Authenticator) -> None:
        self.complete(authenticator.make(self.options()))

    def begin(self) -> Any:
        return self.public.initiate_auth(
            ClientId=self.pool.app,
            AuthFlow="USER_AUTH",
            AuthParameters={"USERNAME": "ann", "PREFERRED_CHALLENGE": "WEB_AUTHN"},
        )

    def respond(self, asked: Any, credential: Any) -> Any:
        return self.public.respond_to_auth_challenge(
            ClientId=self.pool.app,
            ChallengeName="WEB_AUTHN",
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": "ann", "CREDENTIAL": json.dumps(credential)},
        )


@pytest.fixture
def people(kumoi: Any, make_pool: Any) -> People:
    return People(kumoi, make_pool)


def wanted(asked: Any) -> Any:
    return json.loads(asked["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"])


def test_a_passkey_is_registered_and_signs_in(people: People) -> None:
    people.enable()
    options = people.options()
    assert options["rp"]["id"] == "localhost" and options["user"]["name"] == "ann@example.com"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    browser = Authenticator()
    people.complete(browser.make(options))
    (passkey,) = people.public.list_web_authn_credentials(AccessToken=people.token)["Credentials"]
    assert (passkey["RelyingPartyId"], passkey["AuthenticatorTransports"]) == ("localhost", ["internal"])
    assert websafe_decode(passkey["CredentialId"]) == browser.id
    assert people.options()["excludeCredentials"][0]["id"] == passkey["CredentialId"]
    asked = people.begin()
    assert asked["ChallengeName"] == "WEB_AUTHN"
    signed = browser.sign(wanted(asked))
    assert "AccessToken" in people.respond(asked, signed)["AuthenticationResult"]
    assert code(people.respond, asked, signed) == ("NotAuthorizedException", "Invalid session for the user.")
    told = people.public.get_user_auth_factors(AccessToken=people.token)["ConfiguredUserAuthFactors"]
    assert told == ["PASSWORD", "WEB_AUTHN"]
    people.public.delete_web_authn_credential(AccessToken=people.token, CredentialId=passkey["CredentialId"])
    assert people.begin()["ChallengeName"] == "SELECT_CHALLENGE"
    assert (
        code(people.public.delete_web_authn_credential, AccessToken=people.token, CredentialId=passkey["CredentialId"])[
            0
        ]
        == "ResourceNotFoundException"
    )


def test_what_is_not_registered(people: People, kumoi: Any, make_pool: Any) -> None:
    assert code(people.options)[0] == "WebAuthnConfigurationMissingException"
    people.enable()
    browser = Authenticator()
    assert code(people.complete, browser.make({"challenge": "AAAA"}))[0] == "WebAuthnChallengeNotFoundException"
    for party, origin, error in (
        ("localhost", "https://evil.example", "WebAuthnOriginNotAllowedException"),
        ("evil.example", "http://localhost", "WebAuthnRelyingPartyMismatchException"),
    ):
        assert code(people.register, Authenticator(party, origin))[0] == error
    options = people.options()
    assert code(people.complete, browser.make({"challenge": "AAAA"}))[0] == "WebAuthnChallengeNotFoundException"
    assert code(people.complete, browser.make(options))[0] == "WebAuthnChallengeNotFoundException"  # it counts once
    deep = {**browser.make(options)["response"], "attestationObject": websafe_encode(b"\x81" * 5_000)}
    broken = ({"clientDataJSON": "AA"}, deep)
    for credential in ({}, {"id": "AA"}, *({**browser.make(options), "response": one} for one in broken), [], "x"):
        people.options()
        assert code(people.complete, credential)[0] == "InvalidParameterException"
    plain = make_pool(kumoi, {})
    plain.user()
    token = plain.sign_in()["AccessToken"]
    assert code(plain.public.start_web_authn_registration, AccessToken=token)[0] == "WebAuthnNotEnabledException"


def test_what_does_not_sign_in(people: People) -> None:
    people.enable()
    browser = Authenticator()
    people.register(browser)
    other = Authenticator()
    other.id = browser.id
    asked = people.begin()
    assert code(people.respond, asked, other.sign(wanted(asked)))[0] == "NotAuthorizedException"
    asked = people.begin()
    assert code(people.respond, asked, {"id": 5})[0] == "NotAuthorizedException"
    asked = people.begin()
    assert (
        code(people.respond, asked, browser.sign({**wanted(asked), "challenge": "AAAA"}))[0] == "NotAuthorizedException"
    )
    asked = people.begin()
    people.respond(asked, browser.sign(wanted(asked)))
    asked, browser.verifies = people.begin(), False  # who is at it was not asked to show that they may
    assert code(people.respond, asked, browser.sign(wanted(asked)))[0] == "NotAuthorizedException"
    browser.verifies = True
    browser.count = 0  # a copy of it, from before
    asked = people.begin()
    assert code(people.respond, asked, browser.sign(wanted(asked))) == (
        "NotAuthorizedException", "Passkey sign-in failed: the authenticator was copied."
    )  # fmt: skip
