"""What Secrets Manager keeps: secrets and their versions. Times are epoch seconds."""

from __future__ import annotations

import msgspec

from kumoi.names import arn
from kumoi.state.space import Space


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """How a secret is rotated: by which function, and when. `last` and `next` are when it was and will be."""

    function: str
    enabled: bool = True
    days: int | None = None
    expression: str | None = None
    duration: str | None = None
    last: float | None = None
    next: float | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A rotation under way: the version it makes, how many runs of it failed; `trial`: only testSecret is run."""

    version: str
    failures: int = 0
    trial: bool = False


class Replica(msgspec.Struct, frozen=True, kw_only=True):
    """A secret's copy in another region, or why there is none."""

    region: str
    kms_key: str | None = None
    failure: str | None = None


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret. `stages` says which version each staging label is on; `suffix` ends its ARN.

    `deleted` is when its deletion was asked for, `deletes` when it takes place. `primary` is the region of the secret
    that this one is a replica of.
    """

    name: str
    suffix: str
    account: str
    region: str
    created: float
    changed: float
    accessed: float | None = None
    description: str | None = None
    kms_key: str | None = None
    stages: dict[str, str] = {}
    tags: dict[str, str] = {}
    policy: str | None = None
    rotation: Rotation | None = None
    attempt: Attempt | None = None
    deleted: float | None = None
    deletes: float | None = None
    primary: str | None = None
    replicas: dict[str, Replica] = {}

    @property
    def arn(self) -> str:
        """The ARN."""
        return arn("secretsmanager", self.region, self.account, f"secret:{self.name}-{self.suffix}")

    def labels_of(self, version: str) -> list[str]:
        """The staging labels on a version."""
        return sorted(label for label, holder in self.stages.items() if holder == version)


class SecretVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `value` is sealed, None while a rotation has yet to make it; `binary` says what it is."""

    secret: str
    id: str
    created: float
    value: bytes | None = None
    binary: bool = False
    accessed: float | None = None


secrets: Space[Secret] = Space("secretsmanager.secret", Secret, lambda one: (one.name,))
versions: Space[SecretVersion] = Space("secretsmanager.version", SecretVersion, lambda one: (one.secret, one.id))
