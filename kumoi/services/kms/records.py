"""What KMS keeps: keys, their material, aliases and grants. Times are epoch seconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from kumoi.names import arn
from kumoi.state.space import Space

Origin = Literal["AWS_KMS", "EXTERNAL"]


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """That a key is rotated by itself: each `days`, the next time at `next`."""

    days: int
    next: float


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key. `material` is the id of the material that encrypts now, empty while there is none.

    `imported` is the material that belongs to a key of external origin, kept when it is deleted; `expires` is when.
    `window` (days) says that its deletion was asked for, `deletes` when it takes place: not known while a primary key
    has replicas. `primary` is the region of a multi-region key's primary key, `replicas` are those of its replicas;
    `on_demand` counts the rotations that were asked for.
    """

    id: str
    account: str
    region: str
    created: float
    spec: str
    usage: str
    policy: str
    description: str = ""
    origin: Origin = "AWS_KMS"
    manager: Literal["CUSTOMER", "AWS"] = "CUSTOMER"
    enabled: bool = True
    tags: dict[str, str] = {}
    material: str = ""
    imported: str = ""
    expires: float | None = None
    window: int | None = None
    deletes: float | None = None
    rotation: Rotation | None = None
    on_demand: int = 0
    primary: str = ""
    replicas: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """The ARN."""
        return arn("kms", self.region, self.account, f"key/{self.id}")

    @property
    def multi_region(self) -> bool:
        """Whether it is one of a multi-region key's."""
        return bool(self.primary)

    @property
    def is_replica(self) -> bool:
        """Whether it is a replica of a multi-region key."""
        return self.primary not in ("", self.region)

    @property
    def state(self) -> str:
        """The key state, as AWS names it."""
        if self.deletes is not None:
            return "PendingDeletion"
        if self.window is not None:
            return "PendingReplicaDeletion"
        if not self.material:
            return "PendingImport"
        return "Enabled" if self.enabled else "Disabled"


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """One key material. `content` is sealed: bytes of a secret key, or a private key (PKCS #8, DER).

    `public` is the public key (SubjectPublicKeyInfo, DER) of a pair. `rotation` says what it was made by: empty for the
    first; `number` counts them.
    """

    key: str
    id: str
    number: int
    created: float
    content: bytes
    public: bytes = b""
    rotation: Literal["", "AUTOMATIC", "ON_DEMAND"] = ""


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """An alias: `alias/…`, and the id of its key."""

    name: str
    key: str
    created: float
    updated: float


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant: what a principal (or a service) may do with a key, and with which encryption contexts."""

    key: str
    id: str
    created: float
    issuer: str
    operations: tuple[str, ...]
    grantee: str = ""
    grantee_service: str = ""
    retiring: str = ""
    retiring_service: str = ""
    name: str = ""
    subset: dict[str, str] | None = None
    equals: dict[str, str] | None = None
    source_arn: str = ""


keys: Space[Key] = Space("kms.key", Key, lambda one: (one.id,), remembered=True)
materials: Space[Material] = Space("kms.material", Material, lambda one: (one.key, one.id), remembered=True)
aliases: Space[Alias] = Space("kms.alias", Alias, lambda one: (one.name,), remembered=True)
grants: Space[Grant] = Space("kms.grant", Grant, lambda one: (one.key, one.id))
