"""What IAM stores, by account: roles, users, groups, managed policies, instance profiles, identity providers.

What the authoriser reads at every call is remembered decoded.
"""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role: who may assume it (`trust`, JSON), its inline policies (name to JSON) and attached policies (ARNs).

    `service` is the service that a service-linked role belongs to.
    """

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
    service: str = ""


class LoginProfile(msgspec.Struct, frozen=True):
    """A user's password, as a salted hash (scrypt)."""

    created: float
    salt: bytes
    digest: bytes
    reset_required: bool


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
    boundary: str | None = None
    groups: tuple[str, ...] = ()
    login: LoginProfile | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group: the policies that its users have. Who is in it stands with the users."""

    name: str
    id: str
    path: str
    created: float
    inline: dict[str, str] = {}
    attached: tuple[str, ...] = ()


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


class InstanceProfile(msgspec.Struct, frozen=True, kw_only=True):
    """An instance profile, with its one role."""

    name: str
    id: str
    path: str
    created: float
    role: str | None = None
    tags: dict[str, str] = {}


class OidcProvider(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenID Connect provider whose tokens roles may trust; `url` has no scheme."""

    arn: str
    url: str
    clients: tuple[str, ...]
    thumbprints: tuple[str, ...]
    created: float
    tags: dict[str, str] = {}


class SamlProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A SAML 2.0 provider and its metadata document."""

    arn: str
    id: str
    metadata: str
    created: float
    tags: dict[str, str] = {}


class Deletion(msgspec.Struct, frozen=True):
    """The task that deleted a service-linked role, and when."""

    id: str
    time: float


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has one of: its alias and its password policy."""

    alias: str | None = None
    password_policy: dict[str, int | bool] | None = None


Holder = Role | User | Group
"""What policies hang on."""

roles: Space[Role] = Space("iam.role", Role, lambda role: (role.name,), scope="account", remembered=True)
users: Space[User] = Space("iam.user", User, lambda user: (user.name,), scope="account", remembered=True)
groups: Space[Group] = Space("iam.group", Group, lambda group: (group.name,), scope="account", remembered=True)
policies: Space[ManagedPolicy] = Space(
    "iam.policy", ManagedPolicy, lambda policy: (policy.arn,), scope="account", remembered=True
)
profiles: Space[InstanceProfile] = Space(
    "iam.profile", InstanceProfile, lambda profile: (profile.name,), scope="account"
)
oidc_providers: Space[OidcProvider] = Space("iam.oidc", OidcProvider, lambda one: (one.arn,), scope="account")
saml_providers: Space[SamlProvider] = Space("iam.saml", SamlProvider, lambda one: (one.arn,), scope="account")
deletions: Space[Deletion] = Space("iam.deletion", Deletion, lambda one: (one.id,), scope="account")
settings: Space[AccountSettings] = Space("iam.account", AccountSettings, lambda _: (), scope="account")
