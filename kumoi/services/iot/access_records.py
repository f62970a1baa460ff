"""What is stored of custom authorizers and of role aliases. Times are epoch seconds."""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space

DEFAULT_FOR_ALL = ""
"""In place of a name: the authorizer of those that name none."""


class Authorizer(msgspec.Struct, frozen=True, kw_only=True):
    """A function that says who may connect. `keys` are public keys in PEM by their names; none where it `unsigned`."""

    name: str
    function: str
    created: float
    modified: float
    active: bool = False
    token_key: str | None = None
    keys: dict[str, str] = {}
    unsigned: bool = False
    cached: bool = False


class AuthorizerPlace(msgspec.Struct, frozen=True):
    """Where an authorizer of a name is: a client tells its name and no account. `authorizer` is the one it means."""

    name: str
    account: str
    region: str
    authorizer: str


class RoleAlias(msgspec.Struct, frozen=True, kw_only=True):
    """The name that devices know a role by, and how long their credentials last (seconds)."""

    name: str
    role: str
    created: float
    modified: float
    seconds: int = 3600


authorizers: Space[Authorizer] = Space("iot.authorizer", Authorizer, lambda one: (one.name,))
authorizer_places: Space[AuthorizerPlace] = Space(
    "iot.authorizer.place", AuthorizerPlace, lambda one: (one.name, one.account, one.region), scope="global"
)
role_aliases: Space[RoleAlias] = Space("iot.role.alias", RoleAlias, lambda one: (one.name,))
