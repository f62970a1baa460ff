"""What Parameter Store keeps: parameters, each with its latest version in it, and every version kept beside them.

Times are epoch seconds. A parameter's key is its name cut at the slashes, so that a path is a range of keys.
"""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space

SECURE = "SecureString"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy of a version as it was given, when it acts, and whether it has (`Pending`, `Finished`)."""

    type: str
    text: str
    due: float
    status: str = "Pending"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a parameter. `value` is UTF-8 text, sealed where the type is SecureString."""

    name: str
    number: int
    type: str
    value: bytes
    modified: float
    user: str
    tier: str
    data_type: str = "text"
    description: str | None = None
    key_id: str | None = None
    pattern: str | None = None
    policies: tuple[Policy, ...] = ()


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter: its latest version, the number of the oldest one kept, and which version each label is on."""

    name: str
    latest: Version
    oldest: int = 1
    labels: dict[str, int] = {}
    tags: dict[str, str] = {}

    def labels_of(self, number: int) -> list[str]:
        """The labels on a version."""
        return sorted(label for label, version in self.labels.items() if version == number)


def key_of(name: str) -> tuple[str, ...]:
    """Where a name stands among the parameters."""
    return tuple(name.split("/"))


parameters: Space[Parameter] = Space("ssm.parameter", Parameter, lambda one: key_of(one.name))
versions: Space[Version] = Space("ssm.version", Version, lambda one: (one.name, one.number))
