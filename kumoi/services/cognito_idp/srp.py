"""Secure Remote Password as Cognito speaks it: the server's half. Pure; slow enough to be run on a thread.

A pool keeps a salt and a verifier of each password, never the password. No library has Cognito's variant: the 3072-bit
group of RFC 5054, SHA-256, numbers padded as signed, and a key derived with "Caldera Derived Key".
Source: RFC 5054, and what amazon-cognito-identity-js and pycognito send.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

_N_HEX = (
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"
)
_N = int(_N_HEX, 16)
_G = 2
_EXPONENT_BITS = 256
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{1,800}")


class BadNumber(ValueError):
    """What the client sent is no number that the protocol may go on with."""


class Offer(NamedTuple):
    """The server's numbers of one attempt, in hexadecimal: `secret` stays here, `public` goes to the client."""

    secret: str
    public: str


def _padded(number: int) -> bytes:
    """A number as signed bytes: a leading zero where the first bit is set."""
    text = f"{number:x}"
    text = text if len(text) % 2 == 0 else f"0{text}"
    return bytes.fromhex(f"00{text}" if text[0] in "89abcdef" else text)


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


_K = _hash(_padded(_N), bytes([_G]))


def _secret_exponent(pool: str, user: str, password: str, salt: int) -> int:
    identity = hashlib.sha256(f"{pool}{user}:{password}".encode()).digest()
    return _hash(_padded(salt), identity)


def new_verifier(pool: str, user: str, password: str) -> tuple[str, str]:
    """A fresh salt and the verifier of a password, in hexadecimal."""
    salt = secrets.randbits(128)
    return salt_text(salt), f"{pow(_G, _secret_exponent(pool, user, password, salt), _N):x}"


def salt_text(salt: int) -> str:
    """A salt in hexadecimal."""
    return f"{salt:x}"


def nobodys_verifier() -> str:
    """A verifier of no password: as long as one, and made in no time."""
    return f"{secrets.randbelow(_N - 1) + 1:x}"


def is_password(pool: str, user: str, password: str, salt: str, verifier: str) -> bool:
    """Whether a password is the one that a verifier was made of."""
    exponent = _secret_exponent(pool, user, password, int(salt, 16))
    return hmac.compare_digest(f"{pow(_G, exponent, _N):x}", verifier)


def check_public(number: str) -> None:
    """Raise BadNumber for a client's number that would give its session away."""
    if not _HEXADECIMAL.fullmatch(number):
        raise BadNumber("SRP_A is no hexadecimal number")
    if int(number, 16) % _N == 0:
        raise BadNumber("SRP_A is not valid")


def check_verifier(verifier: str) -> None:
    """Raise BadNumber for a verifier of a client's that stands for no secret."""
    if not _HEXADECIMAL.fullmatch(verifier) or not 1 < int(verifier, 16) < _N:
        raise BadNumber("The verifier is not valid")


def offer(verifier: str) -> Offer:
    """The server's numbers for an attempt against a verifier."""
    secret = secrets.randbits(_EXPONENT_BITS)
    public = (_K * int(verifier, 16) + pow(_G, secret, _N)) % _N
    return Offer(f"{secret:x}", f"{public:x}")


def signature(pool: str, user: str, verifier: str, theirs: str, ours: Offer, block: bytes, timestamp: str) -> bytes:
    """What a client that knows the password signs."""
    public = int(theirs, 16)
    mix = _hash(_padded(public), _padded(int(ours.public, 16)))
    base = public * pow(int(verifier, 16), mix, _N) % _N
    shared = pow(base, int(ours.secret, 16), _N)
    pseudo = hmac.digest(_padded(mix), _padded(shared), hashlib.sha256)
    key = hmac.digest(pseudo, b"Caldera Derived Key\x01", hashlib.sha256)[:16]
    return hmac.digest(key, pool.encode() + user.encode() + block + timestamp.encode(), hashlib.sha256)
