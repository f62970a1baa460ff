"""One field being resolved: whose request it belongs to, and what its programs know of it.

Source: "AppSync resolver mapping template context reference".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kumoi.doorway import Call
from kumoi.services.appsync.records import Api, ApiCache
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.siblings import Siblings

if TYPE_CHECKING:
    from kumoi.services.appsync.resolving.journal import Journal

AUTH_TYPES = {
    "API_KEY": "API Key Authorization",
    "AWS_IAM": "IAM Authorization",
    "AMAZON_COGNITO_USER_POOLS": "User Pool Authorization",
    "OPENID_CONNECT": "Open ID Connect Authorization",
    "AWS_LAMBDA": "Lambda Authorization",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request: by which way of authorization, what programs see of them, when their token expires."""

    mode: str
    identity: Mapping[str, Any] | None = None
    groups: tuple[str, ...] = ()
    denied: frozenset[str] = frozenset()
    expires: float = math.inf


@dataclass(slots=True)
class Asked:
    """The request whose fields are resolved; `appended` errors are beside values, `logs` what programs said.

    `filters` are what resolvers of a subscription set, `invalidations` what those of mutations end subscriptions by.
    `cache` is that of the API, `evicted` how many of its entries programs dropped. `response_headers` are
    what programs have the answer carry. `journal` is told what fields do, where the API logs it.
    """

    call: Call
    api: Api
    caller: Caller
    headers: Mapping[str, str]
    variables: Mapping[str, Any]
    appended: list[tuple[Field, FieldError]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    resolved: int = 0
    filters: dict[str, Any] = field(default_factory=dict)
    invalidations: list[dict[str, Any]] = field(default_factory=list)
    cache: ApiCache | None = None
    evicted: int = 0
    response_headers: dict[str, str] = field(default_factory=dict)
    journal: Journal | None = None


class Chosen(Protocol):
    """What a query asks for of a field's value."""

    @property
    def selection_list(self) -> list[str]:
        """`selectionSetList`."""

    @property
    def selection_text(self) -> str:
        """`selectionSetGraphQL`."""


class Selection(NamedTuple):
    """A selection without a query."""

    selection_list: list[str]
    selection_text: str


@dataclass(slots=True)
class Field:
    """A field: its place, what it is given, and what its programs share. `siblings` are resolved with it, if any."""

    asked: Asked
    type_name: str
    name: str
    arguments: dict[str, Any]
    source: Any
    chosen: Chosen
    path: Any = None
    siblings: Siblings | None = None
    stash: dict[str, Any] = field(default_factory=dict)
    prev: Any = None
    result: Any = None
    error: FieldError | None = None

    def info(self) -> dict[str, Any]:
        """`ctx.info`."""
        return {
            "fieldName": self.name,
            "parentTypeName": self.type_name,
            "variables": dict(self.asked.variables),
            "selectionSetList": self.chosen.selection_list,
            "selectionSetGraphQL": self.chosen.selection_text,
        }

    def request(self) -> dict[str, Any]:
        """`ctx.request`."""
        return {"headers": dict(self.asked.headers), "domainName": None}

    def context(self) -> dict[str, Any]:
        """`ctx`, as programs see it."""
        failed = None if self.error is None else {"message": self.error.message, "type": self.error.kind}
        return {
            "arguments": self.arguments,
            "identity": self.asked.caller.identity,
            "source": self.source,
            "result": self.result,
            "error": failed,
            "stash": self.stash,
            "prev": None if self.prev is None else {"result": self.prev},
            "request": self.request(),
            "info": self.info(),
            "env": self.asked.api.environment,
        }

    def append(self, error: FieldError) -> None:
        """An error beside the field's value."""
        self.asked.appended.append((self, error))
