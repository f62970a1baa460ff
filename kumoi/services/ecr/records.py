"""What ECR stores: repositories."""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository. `policy` and `lifecycle` are the documents as they were sent."""

    name: str
    created: float
    mutability: str = "MUTABLE"
    scan_on_push: bool = False
    encryption: dict[str, str] = {}
    policy: str | None = None
    lifecycle: str | None = None
    tags: dict[str, str] = {}


repositories: Space[Repository] = Space("ecr.repository", Repository, lambda one: (one.name,))
