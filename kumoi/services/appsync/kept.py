"""What AppSync keeps in memory while the platform runs: compiled schemas and templates, keys of issuers, verdicts.

Each is made at its first use, so that a platform starts without the libraries behind it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kumoi.http_api.jwt import IssuerKeys
    from kumoi.services.appsync.caching import Cache
    from kumoi.services.appsync.execution.bound import Bounds
    from kumoi.services.appsync.resolving.templates import Templates
    from kumoi.services.appsync.schema.compiled import Schemas
    from kumoi.wire.sigv4 import Verifier


class Kept:
    """The memory of one platform. `verdicts` are what functions said of (API, token), and until when."""

    def __init__(self) -> None:
        self.verdicts: dict[tuple[str, str], tuple[float, Any]] = {}

    @cached_property
    def cache(self) -> Cache:
        """What the caches of APIs hold."""
        from kumoi.services.appsync.caching import Cache

        return Cache()

    @cached_property
    def schemas(self) -> Schemas:
        """Schemas in use."""
        from kumoi.services.appsync.schema.compiled import Schemas

        return Schemas()

    @cached_property
    def bounds(self) -> Bounds:
        """APIs in use."""
        from kumoi.services.appsync.execution.bound import Bounds

        return Bounds(self.schemas)

    @cached_property
    def templates(self) -> Templates:
        """Templates in use."""
        from kumoi.services.appsync.resolving.templates import Templates

        return Templates()

    @cached_property
    def verifier(self) -> Verifier:
        """Verifies signatures in messages."""
        from kumoi.wire.sigv4 import Verifier

        return Verifier()

    @cached_property
    def issuer_keys(self) -> IssuerKeys:
        """The keys of those who issue tokens."""
        from kumoi.http_api.jwt import IssuerKeys

        return IssuerKeys()
