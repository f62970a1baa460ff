"""Key material: made, sealed under the platform's master key for its key, opened when it is used.

Its id is a digest that only this platform can make of it: the same material, imported twice for a key, has the same.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

from kumoi.doorway.sealing import Sealer
from kumoi.services.kms.records import Key, Material
from kumoi.services.kms.specs import SPECS, is_pair


class Content(NamedTuple):
    """Key material in the clear: a secret key, or a private key and its public key (DER)."""

    secret: bytes
    public: bytes = b""


def new_content(spec: str) -> Content:
    """New material of a spec. That of RSA takes long: to be called on a thread."""
    if not is_pair(spec):
        return Content(os.urandom(SPECS[spec].size))
    from kumoi.services.kms.key_pairs import new_pair

    return Content(*new_pair(spec))


def material_id(sealer: Sealer, key: Key, content: Content) -> str:
    """The id of material of a key: 64 hexadecimal digits."""
    return sealer.digest(content.secret, f"kms/{key.account}/{key.id}").hex()


def sealed(
    sealer: Sealer,
    key: Key,
    content: Content,
    now: float,
    *,
    number: int = 0,
    rotation: Literal["", "AUTOMATIC", "ON_DEMAND"] = "",
) -> Material:
    """Material as it is kept."""
    name = material_id(sealer, key, content)
    return Material(
        key=key.id,
        id=name,
        number=number,
        created=now,
        content=sealer.seal(content.secret, _context(key, name)),
        public=content.public,
        rotation=rotation,
    )


def opened(sealer: Sealer, key: Key, material: Material) -> bytes:
    """The secret or private key of kept material."""
    return sealer.open(material.content, _context(key, material.id))


def _context(key: Key, name: str) -> str:
    return f"kms/{key.account}/{key.id}/{name}"
