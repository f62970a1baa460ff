"""Encryption at rest with the platform's master key: for what services keep secret (SecureString values, secrets).

AES-256-GCM under a key derived from the master key, so that no other use of it can tell anything. A sealed value is
bound to its context (which thing it belongs to): copied under another, it does not open. The master key lies in the
same data directory: this keeps secrets out of copies of the store's rows, logs and backups of them, not from whoever
has the whole directory.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORM = b"k1"
_NONCE = 12


class Sealer:
    """Seals and opens values with a key derived from `master_key`."""

    def __init__(self, master_key: bytes) -> None:
        self._key = hmac.digest(master_key, b"sealing\0", hashlib.sha256)
        self._digesting = hmac.digest(master_key, b"digesting\0", hashlib.sha256)

    def digest(self, value: bytes, context: str) -> bytes:
        """32 bytes that a value has here, the same each time, and that nobody else can tell."""
        return hmac.digest(self._digesting, context.encode() + b"\0" + value, hashlib.sha256)

    def seal(self, value: bytes, context: str) -> bytes:
        """A value encrypted for a context, differently each time."""
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._cipher.encrypt(nonce, value, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The value; ValueError when it was not sealed here, or for another context."""
        from cryptography.exceptions import InvalidTag

        nonce = sealed[len(_FORM) : len(_FORM) + _NONCE]
        if not sealed.startswith(_FORM) or len(nonce) != _NONCE:
            raise ValueError("not a sealed value")
        try:
            return self._cipher.decrypt(nonce, sealed[len(_FORM) + _NONCE :], context.encode())
        except InvalidTag:
            raise ValueError("a value that was sealed elsewhere, or for something else") from None

    @cached_property
    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)
