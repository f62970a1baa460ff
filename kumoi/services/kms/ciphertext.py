"""Symmetric ciphertexts: AES-256-GCM, the encryption context authenticated beside; pure.

A blob begins as AWS's do (some tools know them by that: `AQICAH` in base64), and names the account, the key and its
material: Decrypt needs no more. The head is authenticated, too.

    01 02 02 00 78 | account, 12 | length of the id, 1 | id | material id, 32 | nonce, 12 | ciphertext and tag
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kumoi.services.kms.errors import bad_ciphertext

_BEGINNING = bytes((1, 2, 2, 0, 0x78))
_ACCOUNT, _MATERIAL, _NONCE, _TAG = 12, 32, 12, 16


class Blob(NamedTuple):
    """A ciphertext taken apart; `head` is what comes before the nonce."""

    account: str
    key: str
    material: str
    head: bytes
    nonce: bytes
    sealed: bytes


def authenticated(context: Mapping[str, str]) -> bytes:
    """An encryption context as bytes, the same whatever its order, and different for any other."""
    parts = bytearray()
    for name, value in sorted(context.items()):
        for text in (name.encode(), value.encode()):
            parts += len(text).to_bytes(4) + text
    return bytes(parts)


def encrypt(
    secret: bytes, account: str, key: str, material: str, plaintext: bytes, context: Mapping[str, str]
) -> bytes:
    """The blob of a plaintext under 32 bytes of key material, whose id is 64 hexadecimal digits."""
    head = _BEGINNING + account.encode() + bytes((len(key),)) + key.encode() + bytes.fromhex(material)
    nonce = os.urandom(_NONCE)
    return head + nonce + AESGCM(secret).encrypt(nonce, plaintext, head + authenticated(context))


def parse(blob: bytes) -> Blob:
    """Take a blob apart; InvalidCiphertextException for what is none."""
    at = len(_BEGINNING)
    account = blob[at : at + _ACCOUNT]
    at += _ACCOUNT
    length = blob[at] if len(blob) > at else 0
    key = blob[at + 1 : at + 1 + length]
    at += 1 + length
    material, nonce, sealed = (
        blob[at : at + _MATERIAL],
        blob[at + _MATERIAL :][:_NONCE],
        blob[at + _MATERIAL + _NONCE :],
    )
    if not blob.startswith(_BEGINNING) or len(sealed) < _TAG or not account.isdigit() or not key.isascii():
        raise bad_ciphertext()
    return Blob(account.decode(), key.decode(), material.hex(), blob[: at + _MATERIAL], nonce, sealed)


def decrypt(secret: bytes, blob: Blob, context: Mapping[str, str]) -> bytes:
    """The plaintext; InvalidCiphertextException where the blob or the context is not what it was."""
    try:
        return AESGCM(secret).decrypt(blob.nonce, blob.sealed, blob.head + authenticated(context))
    except InvalidTag:
        raise bad_ciphertext() from None
