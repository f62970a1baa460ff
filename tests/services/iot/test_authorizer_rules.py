"""What clients show to custom authorizers, and what their functions may answer: tables over pure functions."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kumoi.services.iot.authorizer_rules import (
    NotAnswered,
    Presented,
    Verdict,
    event,
    is_key,
    signed,
    verdict,
)

POLICY = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
ANSWER: dict[str, Any] = {
    "isAuthenticated": True,
    "principalId": "pump1",
    "disconnectAfterInSeconds": 86_400,
    "refreshAfterInSeconds": 300,
    "policyDocuments": [POLICY],
}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)


def pem(key: Any) -> str:
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (Presented(("mqtt",), username="pump"), None),
        (Presented(("mqtt",), username="pump?token=a%2Bb+c"), "a+b+c"),
        (Presented(("mqtt",), username="?x=1&Token=t&token"), ""),
        (Presented(("http",), headers={"token": "head"}, query="token=query"), "head"),
        (Presented(("http",), headers={}, query="a&token=query"), "query"),
        (Presented(("http", "mqtt"), username="u?token=user", headers={}, query=""), "user"),
    ],
)
def test_what_a_client_says_is_found_wherever_it_says_it(shown: Presented, found: str | None) -> None:
    assert shown.given("TOKEN") == found


def test_a_token_counts_with_its_signature_alone(key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(65_537, 2048)
    right = base64.b64encode(key.sign(b"token", padding.PKCS1v15(), hashes.SHA256())).decode()
    keys = {"old": pem(other), "new": pem(key)}
    assert signed(keys, "token", right)
    assert not signed(keys, "token2", right)
    assert not signed({"old": pem(other)}, "token", right)
    assert not signed({}, "token", right)
    for garbage in ("", "%%%", "AAAA", right[:-4], right.replace("A", "-")):
        assert not signed(keys, "token", garbage) or garbage == right


def test_only_rsa_keys_that_are_long_enough_are_keys(key: rsa.RSAPrivateKey) -> None:
    short = rsa.generate_private_key(65_537, 1024)
    assert is_key(pem(key))
    for other in (pem(short), pem(ec.generate_private_key(ec.SECP256R1())), "", "-----BEGIN PUBLIC KEY-----"):
        assert not is_key(other)


def test_a_function_is_told_what_the_client_has_shown() -> None:
    shown = Presented(("tls", "http", "mqtt"), "u?a=1", b"\xff\x00", "c", {"host": "h"}, "q=1", "broker.example")
    assert event(shown, "t", "id", verified=True) == {
        "token": "t",
        "signatureVerified": True,
        "protocols": ["tls", "http", "mqtt"],
        "protocolData": {
            "tls": {"serverName": "broker.example"},
            "http": {"headers": {"host": "h"}, "queryString": "?q=1"},
            "mqtt": {"username": "u?a=1", "password": "/wA=", "clientId": "c"},
        },
        "connectionMetadata": {"id": "id"},
    }
    assert event(Presented(("mqtt",)), None, "id", verified=False) == {
        "signatureVerified": False,
        "protocols": ["mqtt"],
        "protocolData": {"mqtt": {}},
        "connectionMetadata": {"id": "id"},
    }


def test_a_verdict_is_read() -> None:
    assert verdict(ANSWER) == Verdict("pump1", (POLICY,), 86_400, 300)
    given_as_object = {**ANSWER, "policyDocuments": [json.loads(POLICY)]}
    found = verdict(given_as_object)
    assert found is not None
    assert json.loads(found.policies[0]) == json.loads(POLICY)
    assert verdict({"isAuthenticated": False}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"isAuthenticated": "true"},
        {"principalId": ""},
        {"principalId": "a b"},
        {"principalId": "ä"},
        {"principalId": "x" * 129},
        {"principalId": 7},
        {"disconnectAfterInSeconds": 299},
        {"disconnectAfterInSeconds": 86_401},
        {"disconnectAfterInSeconds": "300"},
        {"refreshAfterInSeconds": None},
        {"refreshAfterInSeconds": True},
        {"refreshAfterInSeconds": 300.5},
        {"policyDocuments": None},
        {"policyDocuments": []},
        {"policyDocuments": POLICY},
        {"policyDocuments": [POLICY] * 11},
        {"policyDocuments": ["{}"]},
        {"policyDocuments": ["no JSON"]},
        {"policyDocuments": [POLICY + " " * 2048]},
        {"policyDocuments": [7]},
    ],
    ids=str,
)
def test_what_is_no_verdict_is_told_so(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotAnswered, match=next(iter(wrong)).replace("policyDocuments", "polic")):
        verdict({**ANSWER, **wrong})


@pytest.mark.parametrize("answer", [None, [], "yes", 7, {}])
def test_an_answer_of_another_kind_is_none(answer: object) -> None:
    with pytest.raises(NotAnswered, match="isAuthenticated"):
        verdict(answer)
