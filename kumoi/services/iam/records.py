"""What IAM stores, by account: roles, users, managed policies."""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role: who may assume it (`trust`, JSON), its inline policies (name to JSON) and attached policies (ARNs)."""

    name: str
    id: str
    path: str
    trust: str
    description: str | None
    max_session: int
    created: float
    boundary: str | None = None
    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()
    tags: dict[str, str] = {}


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user with inline and attached policies, and the ids of the access keys."""

    name: str
    id: str
    path: str
    created: float
    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    keys: tuple[tuple[str, float], ...] = ()


class PolicyVersion(msgspec.Struct, frozen=True):
    """One version of a managed policy's document (JSON)."""

    id: str
    document: str
    created: float


class ManagedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A managed policy of the account's own; `versions` holds at most five, the newest last."""

    arn: str
    name: str
    id: str
    path: str
    description: str | None
    created: float
    updated: float
    default_version: str
    next_version: int
    versions: tuple[PolicyVersion, ...]
    tags: dict[str, str] = {}


roles: Space[Role] = Space("iam.role", Role, lambda role: (role.name,), scope="account")
users: Space[User] = Space("iam.user", User, lambda user: (user.name,), scope="account")
policies: Space[ManagedPolicy] = Space("iam.policy", ManagedPolicy, lambda policy: (policy.arn,), scope="account")
