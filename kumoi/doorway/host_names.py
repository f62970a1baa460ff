"""Host names that a service answers beside those the platform knows: custom domains, aliases of distributions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple


class Meaning(NamedTuple):
    """What a host name leads to: a data plane, or `s3` for a bucket's own name."""

    plane: str
    region: str
    attributes: Mapping[str, str]


class HostNames(ABC):
    """Where host names are claimed for data planes; the gateway's known hosts are.

    `changes` counts claims and releases: what was concluded from a name holds while it stays.
    """

    changes = 0

    @abstractmethod
    def claim(self, host: str, plane: str, region: str, attributes: Mapping[str, str]) -> None:
        """Have requests for `host` go to a data plane, which gets `attributes`; `*.x.com` claims all below."""

    @abstractmethod
    def release(self, host: str) -> None:
        """Give a host name back; nothing when nobody claimed it."""

    @abstractmethod
    def point(self, host: str, target: str | None) -> None:
        """Have requests for `host` go where its DNS record leads, the name `target`; None for a record that is gone.

        `*.x.com` is the record of all names below that have none. What is claimed counts before what is pointed.
        """

    @abstractmethod
    def is_here(self, host: str) -> bool:
        """Whether a host name is one of this platform's, AWS's own among them."""

    @abstractmethod
    def meaning(self, host: str) -> Meaning | None:
        """What a host name leads to on this platform; None for names of the world outside."""
