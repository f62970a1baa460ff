"""What a schema says, as values: models, their fields, keys, relations and rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TEXTS = frozenset(
    ("ID", "String", "AWSDate", "AWSTime", "AWSDateTime", "AWSEmail", "AWSURL", "AWSPhone", "AWSIPAddress", "AWSJSON")
)
NUMBERS = {"Int": "Int", "Float": "Float", "AWSTimestamp": "Int"}
SCALARS = TEXTS | NUMBERS.keys() | {"Boolean"}


class Strangers(NamedTuple):
    """Who vouches for callers that the API's own user pool does not know: an OpenID Connect issuer, a function.

    `clients` is a pattern that the `aud` or `azp` of a token has to match, None for any.
    """

    issuer: str | None = None
    clients: str | None = None
    authorizer: str | None = None


NO_STRANGERS = Strangers()


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as it is written: a name, or a list of something."""

    name: str
    required: bool = False
    item: TypeRef | None = None

    @property
    def many(self) -> bool:
        """Whether it is a list."""
        return self.item is not None

    def written(self, rename: Callable[[str], str] = str, *, required: bool | None = None) -> str:
        """As SDL; `required` overrides what the outermost says."""
        text = self.name if self.item is None else f"[{self.item.written(rename)}]"
        if self.item is None:
            text = rename(self.name)
        return f"{text}!" if (self.required if required is None else required) else text


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do what. `field` holds the owners or groups of an item, `many` in a list; `claim` says who one is."""

    allow: str
    provider: str
    operations: frozenset[str]
    groups: tuple[str, ...] | None = None
    field: str | None = None
    claim: str = ""

    @property
    def is_owner(self) -> bool:
        """Whether it is for the owners of an item."""
        return self.allow == "owner"


@dataclass(frozen=True, slots=True)
class Key:
    """A partition key and the sort keys; of the table, or of an index with a name and perhaps a query."""

    partition: str
    sorts: tuple[str, ...] = ()
    name: str | None = None
    query: str | None = None

    @property
    def sort(self) -> str | None:
        """The attribute that sorts; of several, they are one, joined."""
        return "#".join(self.sorts) or None

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of the key."""
        return (self.partition, *self.sorts)


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation as written: its kind, the other model, and what the directive says."""

    kind: str
    model: str
    fields: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    index: str | None = None
    limit: int = 100
    name: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A relation resolved: the other's table or index is asked with these fields of the one at hand."""

    model: str
    key: Key
    fields: tuple[str, ...]
    many: bool
    limit: int = 100


@dataclass(slots=True)
class Field:
    """A field. `added` are those that nobody wrote."""

    name: str
    type: TypeRef
    line: int = 0
    description: str = ""
    arguments: str = ""
    directives: str = ""
    default: str | None = None
    relation: Relation | None = None
    link: Link | None = None
    rules: tuple[Rule, ...] | None = None
    functions: tuple[str, ...] = ()
    added: bool = False


@dataclass(slots=True)
class Model:
    """A type with a table. `queries`, `mutations` and `subscriptions` are names by what they do; None for none."""

    name: str
    fields: dict[str, Field]
    line: int
    description: str = ""
    key: Key = field(default_factory=lambda: Key("id"))
    indexes: list[Key] = field(default_factory=list)
    rules: tuple[Rule, ...] = ()
    queries: dict[str, str | None] = field(default_factory=dict)
    mutations: dict[str, str | None] = field(default_factory=dict)
    subscriptions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    created: str | None = "createdAt"
    updated: str | None = "updatedAt"
    join: bool = False

    def stored(self) -> list[Field]:
        """The fields that the table holds."""
        return [one for one in self.fields.values() if one.relation is None and not one.functions]

    def index(self, name: str) -> Key | None:
        """The index of that name."""
        return next((one for one in self.indexes if one.name == name), None)


@dataclass(slots=True)
class Schema:
    """All that a text says: models, the fields of Query and the like, and every other definition as it is."""

    models: dict[str, Model]
    roots: dict[str, list[Field]]
    objects: dict[str, list[Field]]
    enums: frozenset[str]
    others: list[Any]
    notes: list[str] = field(default_factory=list)

    def fields(self) -> Iterator[Field]:
        """All fields: of models, of Query and the like, and of the other types."""
        for model in self.models.values():
            yield from model.fields.values()
        for listed in (*self.roots.values(), *self.objects.values()):
            yield from listed

    def rules(self) -> Iterator[Rule]:
        """All rules: of models, and of fields that have their own."""
        for model in self.models.values():
            yield from model.rules
        for one in self.fields():
            yield from one.rules or ()
