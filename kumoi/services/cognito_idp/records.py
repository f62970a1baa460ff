"""What Cognito stores: pools, clients, users, groups, refresh tokens. Times are epoch seconds.

Callers that do not sign name a client or bring a token: `places` tells in which account and region a pool or client is.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kumoi.state.space import Space

Status = Literal["UNCONFIRMED", "CONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED", "EXTERNAL_PROVIDER"]


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A user pool. `definition` is as the client gave it.

    `keys` are sealed private keys in pairs, the oldest first, made when they were needed, at `keys_made`.
    """

    id: str
    name: str
    created: float
    modified: float
    definition: dict[str, Any]
    keys: tuple[bytes, ...] = ()
    keys_made: tuple[float, ...] = ()
    tags: dict[str, str] = {}

    @property
    def short_name(self) -> str:
        """What stands behind the region in the id: the SRP protocol knows the pool by it."""
        return self.id.partition("_")[2]

    @property
    def case_sensitive(self) -> bool:
        """Whether `Ann` and `ann` are two users."""
        return bool((self.definition.get("UsernameConfiguration") or {}).get("CaseSensitive", False))

    @property
    def signs_in_with(self) -> tuple[str, ...]:
        """The attributes that stand in for user names (`email`), or beside them."""
        given = self.definition
        return tuple(given.get("UsernameAttributes") or given.get("AliasAttributes") or ())


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """An app client of a pool; `secret` is empty for public ones."""

    id: str
    pool: str
    name: str
    secret: str
    created: float
    modified: float
    definition: dict[str, Any]


class Code(msgspec.Struct, frozen=True):
    """A code that a user was sent, good until `expires`; `wrong` counts the guesses since `guessed`, the first one.

    The count outlives the code: another one has no more guesses than were left.
    """

    value: str
    expires: float
    wrong: int = 0
    guessed: float = 0.0


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey: `content` is WebAuthn's attested credential data, `count` what its counter last said."""

    id: str
    created: float
    content: bytes
    count: int
    party: str
    transports: tuple[str, ...] = ()
    attachment: str = ""


class Identity(msgspec.Struct, frozen=True):
    """Who a user is at an identity provider: there, `attribute` has this value.

    `own` is that of a user whom signing in there made; others were linked by an administrator.
    """

    provider: str
    kind: str
    attribute: str
    value: str
    created: float
    own: bool = False
    issuer: str | None = None


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user: `key` is the name as it is looked up, `salt` and `verifier` (hexadecimal) stand for the password.

    `codes` are by purpose (`sign-up`, `password`, `verify:email`); tokens from before `signed_out` count no more;
    `failures` counts wrong passwords in a row, `locked` says until when none is tried. `answered`: custom challenges
    that were answered, and until when their sessions would be good. `factors` are the second factors in use,
    `app_secret` is the sealed secret of an authenticator app, `app_code_used` the last period whose code was used.
    `registering` is the state of a passkey that is being made, and until when it counts. `identities` are who they are
    at identity providers.
    """

    pool: str
    key: str
    name: str
    sub: str
    created: float
    modified: float
    status: Status
    enabled: bool = True
    attributes: dict[str, str] = {}
    salt: str = ""
    verifier: str = ""
    groups: tuple[str, ...] = ()
    codes: dict[str, Code] = {}
    signed_out: float = 0.0
    failures: int = 0
    locked: float = 0.0
    password_expires: float | None = None
    answered: dict[str, float] = {}
    factors: tuple[str, ...] = ()
    preferred: str = ""
    app_secret: bytes = b""
    app_secret_offered: bytes = b""
    app_code_used: int = 0
    device: str = ""
    passkeys: dict[str, Passkey] = {}
    registering: str = ""
    registering_until: float = 0.0
    identities: tuple[Identity, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of a pool's users."""

    pool: str
    name: str
    created: float
    modified: float
    description: str | None = None
    role: str | None = None
    precedence: int | None = None


class Alias(msgspec.Struct, frozen=True):
    """Who signs in with a value of an attribute."""

    pool: str
    attribute: str
    value: str
    user: str


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token, by its user's sub and its digest; one that was rotated counts until `rotated`."""

    pool: str
    sub: str
    digest: str
    user: str
    client: str
    origin: str
    signed_in: float
    expires: float
    scopes: tuple[str, ...] | None = None
    device: str = ""
    rotated: float | None = None


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """That the access tokens of one sign-in count no more; the last of them ends at `until`."""

    pool: str
    sub: str
    origin: str
    until: float


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device that a user signs in with; `salt` and `verifier` (hexadecimal) stand for the secret that it keeps.

    Until `proved`, it may be asked for the secret: its user's password was right.
    """

    pool: str
    sub: str
    key: str
    created: float
    modified: float
    authenticated: float
    name: str = ""
    salt: str = ""
    verifier: str = ""
    remembered: bool = False
    address: str = ""
    proved: float = 0.0


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """The address of a pool's sign-in page: a prefix of AWS's domain, or a name of the customer's own (with dots)."""

    name: str
    account: str
    region: str
    pool: str
    definition: dict[str, Any] = {}


class ResourceServer(msgspec.Struct, frozen=True, kw_only=True):
    """An API that clients get access tokens for: its scopes are `IDENTIFIER/NAME`, by name their descriptions."""

    pool: str
    identifier: str
    name: str
    scopes: dict[str, str] = {}


class AuthorizationCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a client gets for a sign-in at the page, and exchanges once for tokens; `challenge` is PKCE's, if any."""

    pool: str
    digest: str
    client: str
    user: str
    redirect: str
    scopes: tuple[str, ...]
    signed_in: float
    expires: float
    nonce: str | None = None
    challenge: str | None = None


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """An identity provider of a pool. `details` and `mapping` (the pool's attribute: the provider's) are as given.

    The client's secret is sealed among `secrets`, by the name of the detail.
    """

    pool: str
    name: str
    kind: str
    created: float
    modified: float
    details: dict[str, str] = {}
    secrets: dict[str, bytes] = {}
    mapping: dict[str, str] = {}
    identifiers: tuple[str, ...] = ()


class Link(msgspec.Struct, frozen=True):
    """Which user somebody is whose `attribute` has this value at an identity provider."""

    pool: str
    provider: str
    attribute: str
    value: str
    user: str


class Said(msgspec.Struct, frozen=True):
    """What an identity provider says of somebody: its name for them (`subject`), and what else it claims."""

    subject: str
    claims: dict[str, Any]
    issuer: str | None = None


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """That a browser went to an identity provider, to come back once, until `expires`.

    `browser` is a digest of what the browser alone has, `query` what the client asked the page for, `back` where the
    provider sends the browser to; `stands_in` tells that a page of ours is in its place. `said` is what a provider said
    that could not be taken at once.
    """

    pool: str
    digest: str
    provider: str
    browser: str
    query: str
    back: str
    expires: float
    nonce: str = ""
    stands_in: bool = False
    said: Said | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """That a challenge to somebody who is no user was answered; its session would be good until then."""

    pool: str
    until: float
    id: str


class Place(msgspec.Struct, frozen=True):
    """Where a pool or a client is."""

    id: str
    account: str
    region: str
    pool: str


pools: Space[Pool] = Space("cognito.pool", Pool, lambda pool: (pool.id,), remembered=True)
clients: Space[Client] = Space("cognito.client", Client, lambda client: (client.pool, client.id), remembered=True)
users: Space[User] = Space("cognito.user", User, lambda user: (user.pool, user.key))
groups: Space[Group] = Space("cognito.group", Group, lambda group: (group.pool, group.name))
aliases: Space[Alias] = Space("cognito.alias", Alias, lambda alias: (alias.pool, alias.attribute, alias.value))
refresh_tokens: Space[RefreshToken] = Space(
    "cognito.refresh", RefreshToken, lambda token: (token.pool, token.sub, token.digest)
)
revocations: Space[Revocation] = Space("cognito.revoked", Revocation, lambda one: (one.pool, one.sub, one.origin))
devices: Space[Device] = Space("cognito.device", Device, lambda one: (one.pool, one.sub, one.key))
answered: Space[Answered] = Space("cognito.answered", Answered, lambda one: (one.pool, int(one.until * 1000), one.id))
places: Space[Place] = Space("cognito.place", Place, lambda place: (place.id,), scope="global", remembered=True)
domains: Space[Domain] = Space("cognito.domain", Domain, lambda one: (one.name,), scope="global", remembered=True)
resource_servers: Space[ResourceServer] = Space(
    "cognito.resource-server", ResourceServer, lambda one: (one.pool, one.identifier)
)
authorization_codes: Space[AuthorizationCode] = Space(
    "cognito.code", AuthorizationCode, lambda one: (one.pool, one.digest)
)
providers: Space[Provider] = Space("cognito.provider", Provider, lambda one: (one.pool, one.name))
links: Space[Link] = Space("cognito.link", Link, lambda one: (one.pool, one.provider, one.attribute, one.value))
departures: Space[Departure] = Space("cognito.departure", Departure, lambda one: (one.pool, one.digest))
