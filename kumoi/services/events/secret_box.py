"""Connections' secrets at rest: encrypted under a key that lies in a private file of the platform, not in its store.

So a copy of the store, a backup or a dump tells no password. Fernet (AES-128-CBC with HMAC-SHA256) of `cryptography`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class SecretBox:
    """Seals values of JSON and opens them again. The key is made when first needed."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "connections.key"
        self._fernet: Fernet | None = None

    def seal(self, value: Any) -> bytes:
        """A value, encrypted."""
        return self._key().encrypt(orjson.dumps(value))

    def open(self, sealed: bytes) -> Any:
        """What was sealed; raises `cryptography.fernet.InvalidToken` when the key is another."""
        return orjson.loads(self._key().decrypt(sealed))

    def _key(self) -> Fernet:
        if self._fernet is None:
            from cryptography.fernet import Fernet

            try:
                key = self._path.read_bytes()
            except FileNotFoundError:
                key = Fernet.generate_key()
                _write(self._path, key)
            self._fernet = Fernet(key)
        return self._fernet


def _write(path: Path, key: bytes) -> None:
    """Write the key so that it is there, whole, before anything was sealed with it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
