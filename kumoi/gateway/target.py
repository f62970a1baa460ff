"""What a request is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from kumoi.wire.credential import Credential

UNSIGNED = "unsigned"
"""An attribute of targets that are reached by a link, whoever visits it."""


class Target(msgspec.Struct, frozen=True):
    """What a request is for.

    `service` is botocore's name for kind `api` (a service that Kumoi has no entry for: its signing name, target prefix
    or query version as sent), the data plane's name for `data-plane`. `path` is set where the request's path must be
    read as another one: a bucket moved from the host into it, a path form without its prefix. `attributes` is what
    host or path said: `id`, `stage`, `bucket`, `host`.
    """

    kind: Literal["internal", "api", "data-plane"]
    service: str
    region: str
    credential: Credential | None = None
    attributes: Mapping[str, str] = {}
    path: str | None = None

    @property
    def access_key(self) -> str | None:
        """The access key the request is signed with, if it is."""
        return (self.credential.access_key or None) if self.credential else None
