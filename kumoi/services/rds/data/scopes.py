"""What a name stands for within a statement: the columns that tables have, and those of subqueries beside them. Pure.

What is known of tables comes from the database, where it decides about how a statement runs: `Known`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlglot import exp

from kumoi.services.rds.data.declarations import cast_type
from kumoi.services.rds.data.parsing import Engine, Tree
from kumoi.services.rds.data.result_types import type_of


class KnownColumn(NamedTuple):
    """A column of a table: its type as declared, and what it has by default, as SQLite writes that."""

    table: str
    name: str
    type: str
    default: str | None


Known = tuple[KnownColumn, ...]
_OF_JSON_EACH = frozenset(["key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root"])
_BLOCKS = (exp.Select, exp.Update, exp.Delete, exp.Insert)


def block_of(node: Tree) -> Tree:
    """The innermost statement or subquery that a node stands in."""
    return node.find_ancestor(*_BLOCKS)


def sources(block: Tree) -> Iterator[Tree]:
    """The tables, subqueries and laterals that a statement takes its columns from."""
    first = block.args.get("from_")
    yield from [] if first is None else [first.this]
    yield from (join.this for join in block.args.get("joins") or ())
    target = None if isinstance(block, exp.Select) else block.this
    if target is not None:
        yield target.this if isinstance(target, exp.Schema) else target


def owner(name: str, block: Tree) -> tuple[Tree, Tree] | None:
    """The source of that alias, and the statement that has it, from the inside out."""
    while block is not None:
        for source in sources(block):
            if source.alias_or_name == name:
                return source, block
        block = block_of(block)
    return None


def columns_of(source: Tree, known: Known) -> list[str]:
    """The names of a source's columns; none where they are not known."""
    query = _query(source)
    if query is None:
        return [one.name for one in known if one.table == source.name]
    if isinstance(query, exp.SetOperation):
        query = query.left
    names: list[str] = []
    for one in query.selects:
        if one.is_star:
            named = [one.table] if isinstance(one, exp.Column) else []
            for inner in sources(query):
                if not named or inner.alias_or_name in named:
                    names += columns_of(inner, known)
        else:
            names.append(one.alias_or_name)
    return names


def qualify(select: exp.Select, beside: Tree, known: Known) -> None:
    """Say of which table the columns are that are called as some of json_each's, which is to stand for `beside`."""
    labels = {one.alias for one in select.selects if one.alias}
    others = [one for one in sources(select) if one is not beside]
    for column in select.find_all(exp.Column):
        name = column.name
        if column.table or column.is_star or name not in _OF_JSON_EACH:
            continue
        if name in labels and column.find_ancestor(exp.Order, exp.Group):
            continue
        block, place = block_of(column), None
        while block is not None and place is None:
            within = (one for one in sources(block) if one is not beside)
            place = next((one for one in within if name in columns_of(one, known)), None)
            block = block_of(block)
        place = place or (others[0] if len(others) == 1 else None)
        if place is not None:
            column.set("table", exp.to_identifier(place.alias_or_name, quoted=True))


def column_type(name: str, table: str, block: Tree, known: Known, engine: Engine) -> str:
    """The type of a column by its name and its table's alias, empty for any; empty where nothing tells."""
    while block is not None:
        for source in sources(block):
            if table in ("", source.alias_or_name):
                found = _type_within(name, source, known, engine)
                if found:
                    return found
        block = block_of(block)
    return ""


def expression_type(node: Tree, known: Known, engine: Engine) -> str:
    """The type of an expression where it stands; empty where nothing tells."""
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select) and len(node.this.selects) == 1:
        return expression_type(node.this.selects[0], known, engine)
    block = block_of(node)
    try:
        return type_of(node, engine, lambda table, name: column_type(name, table, block, known, engine), cast_type)
    except RecursionError:
        return ""


def _type_within(name: str, source: Tree, known: Known, engine: Engine) -> str:
    query = _query(source)
    if query is None:
        return next((one.type for one in known if one.table == source.name and one.name == name), "")
    if isinstance(query, exp.SetOperation):
        query = query.left
    for one in query.selects:
        if one.alias_or_name == name and not one.is_star:
            return expression_type(one, known, engine)
    starred = any(one.is_star for one in query.selects)
    return next(filter(None, (_type_within(name, one, known, engine) for one in sources(query))), "") if starred else ""


def _query(source: Tree) -> Tree:
    """The query that a source is; None for a table."""
    if isinstance(source, exp.Lateral):
        return source.this.this
    if isinstance(source, exp.Subquery):
        return source.this
    for around in _ancestors(source):
        for named in around.ctes if isinstance(around, exp.Query) else ():
            if named.alias_or_name == source.name and source not in named.find_all(exp.Table):
                return named.this
    return None


def _ancestors(node: Tree) -> Iterator[Tree]:
    while node.parent is not None:
        node = node.parent
        yield node
