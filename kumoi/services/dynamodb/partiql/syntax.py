"""What PartiQL statements are parsed to: immutable, their parameters not yet known.

Conditions, paths and assignments are nodes of the expression language. Every name in them is a placeholder (`#0`, `#1`)
of the statement's `names`, every value one (`:0`, `:1`) of its `values`: so PartiQL's names, which may hold any
character, and its literals go the way of ExpressionAttributeNames and ExpressionAttributeValues.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kumoi.services.dynamodb.language.syntax import ActionNode, Node, PathNode


class Parameter(NamedTuple):
    """A `?`, by its position."""

    position: int


class Scalar(NamedTuple):
    """A literal text, number, truth value or NULL, as an attribute value whose number is as written."""

    kind: str
    content: str | bool


class ListLiteral(NamedTuple):
    """`[…]`."""

    elements: tuple[Literal, ...]


class TupleLiteral(NamedTuple):
    """`{'name': …}`."""

    members: tuple[tuple[str, Literal], ...]


class BagLiteral(NamedTuple):
    """`<<…>>`, a set."""

    members: tuple[Literal, ...]


class Missing(NamedTuple):
    """`MISSING`, no value."""


Literal = Parameter | Scalar | ListLiteral | TupleLiteral | BagLiteral | Missing


class Source(NamedTuple):
    """What a statement reads or writes: a table, or an index of it ("" for none)."""

    table: str
    index_name: str = ""


class OrderTerm(NamedTuple):
    """A key attribute to order by."""

    name: str
    descending: bool


class Select(NamedTuple):
    """SELECT; no `paths` for `*`, each with the name it has in the answer."""

    source: Source
    paths: tuple[tuple[str, PathNode], ...]
    where: Node | None
    order: tuple[OrderTerm, ...]


class Insert(NamedTuple):
    """INSERT."""

    source: Source
    item: Literal


class Update(NamedTuple):
    """UPDATE; `returning` as ReturnValues has it."""

    source: Source
    actions: tuple[ActionNode, ...]
    where: Node | None
    returning: str


class Delete(NamedTuple):
    """DELETE."""

    source: Source
    where: Node | None
    returning: str


class Exists(NamedTuple):
    """EXISTS(SELECT …), a condition of a transaction."""

    select: Select


class Statement(NamedTuple):
    """A statement with what stands for its placeholders; `parameters` is how many `?` it has."""

    body: Select | Insert | Update | Delete | Exists
    names: Mapping[str, str]
    values: Mapping[str, Literal]
    parameters: int
