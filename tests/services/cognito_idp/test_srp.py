"""SRP against a client's half written independently, after RFC 5054 and what AWS's JavaScript library sends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

import pytest

from kumoi.services.cognito_idp import srp


def pad(number: int) -> bytes:
    length = number.bit_length() // 8 + 1
    return number.to_bytes(length, "big")


def digest(*parts: bytes) -> int:
    return int(hashlib.sha256(b"".join(parts)).hexdigest(), 16)


class Client:
    """The client's half."""

    def __init__(self) -> None:
        self.a = secrets.randbits(1024)
        self.public = pow(2, self.a, srp._N)

    def sign(self, pool: str, user: str, password: str, salt: str, b: str, block: bytes, when: str) -> bytes:
        server = int(b, 16)
        u = digest(pad(self.public), pad(server))
        identity = hashlib.sha256(f"{pool}{user}:{password}".encode()).digest()
        x = digest(pad(int(salt, 16)), identity)
        k = digest(pad(srp._N), b"\x02")
        shared = pow(server - k * pow(2, x, srp._N), self.a + u * x, srp._N)
        pseudo = hmac.new(pad(u), pad(shared), hashlib.sha256).digest()
        key = hmac.new(pseudo, b"Caldera Derived Key" + bytes([1]), hashlib.sha256).digest()[:16]
        return hmac.new(key, pool.encode() + user.encode() + block + when.encode(), hashlib.sha256).digest()


@pytest.mark.parametrize("password", ["Correct-horse-1", "pässwörd ☃ 1A"])
def test_who_knows_the_password_signs_the_same(password: str) -> None:
    for _ in range(5):
        salt, verifier = srp.new_verifier("pool", "ann", password)
        client, ours = Client(), srp.offer(verifier)
        block, when = secrets.token_bytes(40), "Mon Nov 3 09:05:07 UTC 2026"
        theirs = client.sign("pool", "ann", password, salt, ours.public, block, when)
        assert srp.signature("pool", "ann", verifier, f"{client.public:x}", ours, block, when) == theirs
        wrong = client.sign("pool", "ann", password + "x", salt, ours.public, block, when)
        assert srp.signature("pool", "ann", verifier, f"{client.public:x}", ours, block, when) != wrong
    assert base64.b64encode(theirs)


def test_a_password_is_known_by_its_verifier() -> None:
    salt, verifier = srp.new_verifier("pool", "ann", "secret")
    assert srp.is_password("pool", "ann", "secret", salt, verifier)
    assert not srp.is_password("pool", "ann", "Secret", salt, verifier)
    assert not srp.is_password("pool", "bob", "secret", salt, verifier)
    assert srp.new_verifier("pool", "ann", "secret") != (salt, verifier)


@pytest.mark.parametrize("number", ["0", f"{srp._N:x}", f"{2 * srp._N:x}", "xyz", "", "f" * 900])
def test_numbers_that_give_a_session_away_are_refused(number: str) -> None:
    with pytest.raises(srp.BadNumber):
        srp.check_public(number)


def test_nobodys_verifier_looks_like_anybodys() -> None:
    made = [int(srp.nobodys_verifier(), 16) for _ in range(20)]
    assert all(0 < one < srp._N for one in made)
    assert max(made).bit_length() > 3000
