"""Key material on its way in: wrapped for a key pair that is made for it, and unwrapped; pure.

The import token holds the pair's private key, sealed: nothing is kept between the two requests. RSA takes long: to be
called on a thread. Source: "Importing key material" of the developer guide.
"""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from kumoi.doorway.sealing import Sealer
from kumoi.services.kms.errors import bad_ciphertext, invalid, unsupported
from kumoi.services.kms.key_pairs import new_pair, oaep, private_key, read_pair
from kumoi.services.kms.material import Content
from kumoi.services.kms.records import Key
from kumoi.services.kms.specs import HMAC_IMPORTS, SPECS, is_pair
from kumoi.wire.errors import aws_error

VALID = 86_400.0
"""Seconds that an import token is valid."""
_SEALED_FOR = "kms/import token"
_OAEP_OF = {"SHA_1": "RSAES_OAEP_SHA_1", "SHA_256": "RSAES_OAEP_SHA_256"}
_DIRECT = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
_WRAPPED = ("RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")


class Token(msgspec.Struct, frozen=True):
    """What an import token says; `expires` in epoch seconds, `private` DER."""

    key_arn: str
    algorithm: str
    expires: float
    private: bytes


class Parameters(msgspec.Struct, frozen=True):
    """What GetParametersForImport hands out."""

    public: bytes
    token: bytes
    expires: float


def parameters(sealer: Sealer, key: Key, algorithm: str, spec: str, now: float) -> Parameters:
    """A new pair to wrap material with; UnsupportedOperationException for algorithms that a key's material has not."""
    if algorithm not in _DIRECT + _WRAPPED or spec not in SPECS:
        raise unsupported(f"Kumoi does not wrap key material with {algorithm} and {spec}.")
    if key.spec.startswith("RSA_") and algorithm in _DIRECT:
        raise unsupported(f"RSA key material is wrapped with one of {', '.join(_WRAPPED)}.")
    pair = new_pair(spec)
    token = Token(key.arn, algorithm, now + VALID, pair.private)
    return Parameters(pair.public, sealer.seal(msgspec.msgpack.encode(token), _SEALED_FOR), token.expires)


def read_token(sealer: Sealer, key: Key, token: bytes, now: float) -> Token:
    """Read an import token; InvalidImportTokenException, ExpiredImportTokenException."""
    try:
        found = msgspec.msgpack.decode(sealer.open(token, _SEALED_FOR), type=Token)
    except (ValueError, msgspec.MsgspecError):
        found = None
    if found is None or found.key_arn != key.arn:
        raise aws_error("InvalidImportTokenException", "The import token is invalid or is associated with another key.")
    if found.expires < now:
        raise aws_error("ExpiredImportTokenException", "The import token has expired.")
    return found


def unwrap(token: Token, wrapped: bytes) -> bytes:
    """The material that was wrapped for a token's pair; InvalidCiphertextException."""
    private = private_key(token.private)
    assert isinstance(private, rsa.RSAPrivateKey)
    if token.algorithm in _DIRECT:
        return _decrypt(private, oaep(token.algorithm), wrapped)
    size = private.key_size // 8
    wrapping = _decrypt(private, oaep(_OAEP_OF[token.algorithm.removeprefix("RSA_AES_KEY_WRAP_")]), wrapped[:size])
    try:
        return aes_key_unwrap_with_padding(wrapping, wrapped[size:])
    except (InvalidUnwrap, ValueError):
        raise bad_ciphertext() from None


def _decrypt(private: rsa.RSAPrivateKey, how: padding.OAEP, wrapped: bytes) -> bytes:
    try:
        return private.decrypt(wrapped, how)
    except ValueError:
        raise bad_ciphertext() from None


def content_of(key: Key, secret: bytes) -> Content:
    """Imported material as a key has it; ValidationException where it is not of the key's spec."""
    if is_pair(key.spec):
        try:
            return Content(*read_pair(secret, key.spec))
        except ValueError as error:
            raise invalid(f"The key material is {error}.") from None
    least, most = HMAC_IMPORTS.get(key.spec, (SPECS[key.spec].size, SPECS[key.spec].size))
    if not least <= len(secret) <= most:
        raise invalid(f"Key material of a {key.spec} key has {least} to {most} bytes, this has {len(secret)}.")
    return Content(secret)
