"""Activities that need nothing but the message, as one SQL statement over a batch: much faster than one by one.

What comes out is exactly what `activities/pure.py` makes of the same messages. Where that is not certain, for the
expressions, the types of the attributes or the numbers of this batch, `NotVectorised` is raised, and the messages pass
one by one. Arithmetic is done in whole numbers that a double holds exactly: a decimal is such a number over a power of
ten, and only the last step divides.
"""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from kumoi.iot_sql import SqlError, nodes, parse_expression
from kumoi.presto.column_types import Type, inferred, quoted, type_text
from kumoi.presto.database import text_literal
from kumoi.presto.json_columns import structure_of
from kumoi.services.iotanalytics.activities.nesting import may_be_deep
from kumoi.services.iotanalytics.activities.paths import last_name, steps
from kumoi.services.iotanalytics.activities.pure import PURE
from kumoi.services.iotanalytics.chain import Activity

if TYPE_CHECKING:
    import duckdb

EXACT = float(2**53)
MOST_DECIMALS = 6
_NUMBERS = ("BIGINT", "DOUBLE")
_UNUSUAL = tuple(space + end for space in (b" ", b"\t", b"\r", b",") for end in (b"}", b"]"))
"""What a comma too many looks like, or may hide behind."""
_NO_NUMBER = re.compile(rb"[:,\[]\s*-?(?:nan|inf)")


class NotVectorised(Exception):
    """These activities or messages have to pass one by one."""


class Column(NamedTuple):
    """An attribute: SQL for its value (NULL where a message lacks it), and its type."""

    sql: str
    kind: Type


class Exact(NamedTuple):
    """A number as `top / below / 10**scale`, both whole: SQL, and bounds of their absolute values."""

    top: str
    below: str | None
    scale: int
    most_top: float
    most_below: float


@dataclass(slots=True)
class Outcome:
    """The columns of what came out (in the temporary table `typed`), how many messages went in, and what went wrong."""

    types: dict[str, Type]
    wrong: list[str]


def joined(payloads: Sequence[bytes]) -> bytes:
    """Payloads as JSON lines; NotVectorised when they may not be read alike."""
    lines = b"\n".join(payloads)
    if lines.count(b"\n") != len(payloads) - 1 or b"null" in lines or any(one in lines for one in _UNUSUAL):
        raise NotVectorised
    if any(map(may_be_deep, payloads)):
        raise NotVectorised
    lower = lines.lower()
    if (b"nan" in lower or b"inf" in lower) and _NO_NUMBER.search(lower):
        raise NotVectorised
    return lines + b"\n"


def may_be(activities: Sequence[Activity]) -> bool:
    """Whether activities can be vectorised at all."""
    return bool(activities) and all(activity.kind in PURE for activity in activities)


class Statement:
    """The statement for a batch of messages in the temporary table `lines`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._columns: dict[str, Column] = {}
        self._kept: list[str] = []
        self._wrong: list[tuple[str, str]] = []
        self._exact: dict[str, Exact] = {}

    def run(self, activities: Sequence[Activity], stamp: str) -> Outcome:
        """Make the table `typed` of what comes out; `stamp` is the SQL of a last column."""
        self._read()
        for activity in activities:
            getattr(self, f"_{activity.kind}")(activity)
        names = [name.lower() for name in self._columns]
        if len(set(names)) < len(names) or "__dt" in names:
            raise NotVectorised
        where = " AND ".join(self._kept) or "true"
        columns = [f"{column.sql} AS {quoted(name.lower())}" for name, column in self._columns.items()]
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE typed AS SELECT {', '.join([*columns, stamp])} FROM read WHERE {where}"
        )
        types = {name.lower(): inferred(column.kind) for name, column in self._columns.items()}
        self._settle(types)
        wrong = [text for text, condition in self._wrong if self._any(f"({where}) AND ({condition})")]
        return Outcome(types, wrong)

    def _read(self) -> None:
        structure = structure_of(self._cursor)
        if not structure or not _plain(structure):
            raise NotVectorised
        read = ", ".join(f"s.{quoted(name)} AS {quoted(name)}" for name in structure)
        shape = text_literal(orjson.dumps(_spelled(structure)).decode())
        self._cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE read AS SELECT {read}, len(json_keys(json)) AS {quoted(' keys')}"
            f" FROM (SELECT json, json_transform(json, {shape}) AS s FROM lines)"
        )
        present = " + ".join(f"CAST({quoted(name)} IS NOT NULL AS INTEGER)" for name in structure)
        tests = [f"{quoted(' keys')} IS DISTINCT FROM {present}"]
        for name, kind in structure.items():
            tests += _infinite(quoted(name), kind)
        if self._any(" OR ".join(f"coalesce({test}, false)" for test in tests)):
            raise NotVectorised
        self._columns = {name: Column(quoted(name), inferred(kind)) for name, kind in structure.items()}

    def _any(self, condition: str) -> bool:
        found = self._cursor.execute(f"SELECT bool_or({condition}) FROM read").fetchone()
        return bool(found and found[0])

    def _settle(self, types: dict[str, Type]) -> None:
        """Columns of results become whole numbers where all are, and those that no message has go."""
        if not types:
            raise NotVectorised
        tests = [f"count({quoted(name)})" for name in types]
        tests += [
            f"bool_and({quoted(name)} = trunc({quoted(name)}) AND abs({quoted(name)}) < {EXACT!r})"
            if kind == "RESULT"
            else "false"
            for name, kind in types.items()
        ]
        row = self._cursor.execute(f"SELECT {', '.join(tests)} FROM typed").fetchone()
        assert row is not None
        for name, present, whole in zip(list(types), row[: len(types)], row[len(types) :], strict=True):
            if not present:
                del types[name]
                self._cursor.execute(f"ALTER TABLE typed DROP COLUMN {quoted(name)}")
            elif types[name] == "RESULT":
                types[name] = "BIGINT" if whole else "DOUBLE"
                if whole:
                    self._cursor.execute(f"ALTER TABLE typed ALTER {quoted(name)} TYPE BIGINT")

    # Activities

    def _filter(self, activity: Activity) -> None:
        kind, sql = self._condition(_parsed(activity.settings["filter"]))
        if kind != "BOOLEAN":
            raise NotVectorised
        self._kept.append(f"coalesce({sql}, false)")

    def _math(self, activity: Activity) -> None:
        attribute = activity.settings["attribute"]
        found = self._arithmetic(_parsed(activity.settings["math"]))
        sql = _value(found)
        if attribute in self._columns:
            before = self._columns[attribute]
            if before.kind not in (*_NUMBERS, "RESULT"):
                raise NotVectorised
            self._wrong.append((_told(activity), self._so_far(f"{sql} IS NULL")))
            sql = f"coalesce({sql}, CAST({before.sql} AS DOUBLE))"
        else:
            self._wrong.append((_told(activity), self._so_far(f"{sql} IS NULL")))
        self._columns[attribute] = Column(sql, "RESULT")

    def _addAttributes(self, activity: Activity) -> None:  # noqa: N802  (named for the kind of activity)
        added = {name: self._at(path) for path, name in activity.settings["attributes"].items()}
        if len(added) < len(activity.settings["attributes"]):
            raise NotVectorised
        for name, column in added.items():
            if column is None:
                continue
            before = self._columns.get(name)
            if before is not None:
                if before.kind != column.kind:
                    raise NotVectorised
                column = Column(f"coalesce({column.sql}, {before.sql})", column.kind)
            self._columns[name] = column

    def _removeAttributes(self, activity: Activity) -> None:  # noqa: N802  (named for the kind of activity)
        for path in activity.settings["attributes"]:
            along = steps(path)
            if len(along) > 1:
                raise NotVectorised
            self._columns.pop(str(along[0]), None)
        self._not_empty()

    def _selectAttributes(self, activity: Activity) -> None:  # noqa: N802  (named for the kind of activity)
        chosen: dict[str, Column] = {}
        for path in activity.settings["attributes"]:
            column, name = self._at(path), last_name(path)
            if name in chosen:
                raise NotVectorised
            if column is not None:
                chosen[name] = column
        self._columns = chosen
        self._not_empty()

    def _not_empty(self) -> None:
        if not self._columns:
            raise NotVectorised
        present = " OR ".join(f"({column.sql}) IS NOT NULL" for column in self._columns.values())
        self._kept.append(f"({present})")

    def _so_far(self, condition: str) -> str:
        return " AND ".join([*self._kept, f"({condition})"])

    # Expressions

    def _at(self, path: str) -> Column | None:
        """The attribute at a path; None when no message has it."""
        first, *rest = steps(path)
        column = self._columns.get(str(first))
        for step in rest:
            if column is None:
                return None
            if not isinstance(step, str) or not isinstance(column.kind, dict):
                raise NotVectorised
            column = Column(f"({column.sql}).{quoted(step)}", column.kind[step]) if step in column.kind else None
        if column is not None and column.kind == "RESULT":
            raise NotVectorised
        return column

    def _attribute(self, node: nodes.Node) -> Column | None:
        path: list[str] = []
        while isinstance(node, nodes.Member):
            path.insert(0, node.name)
            node = node.of
        if not isinstance(node, nodes.Attribute):
            raise NotVectorised
        column = self._columns.get(node.name)
        for name in path:
            if column is None:
                return None
            if not isinstance(column.kind, dict):
                raise NotVectorised
            column = Column(f"({column.sql}).{quoted(name)}", column.kind[name]) if name in column.kind else None
        return column

    def _condition(self, node: nodes.Node) -> tuple[Type, str]:
        """The type and the SQL of a part of a filter."""
        if isinstance(node, nodes.Literal):
            return _literal(node.value)
        if isinstance(node, nodes.Attribute | nodes.Member):
            column = self._attribute(node)
            if column is None:
                return "NULL", "NULL"
            return ("DOUBLE" if column.kind == "RESULT" else column.kind), column.sql
        if isinstance(node, nodes.Binary) and node.operator in ("AND", "OR"):
            left, right = self._boolean(node.left), self._boolean(node.right)
            return "BOOLEAN", f"({left} {node.operator} {right})"
        if isinstance(node, nodes.Unary) and node.operator == "NOT":
            return "BOOLEAN", f"(NOT {self._boolean(node.operand)})"
        if isinstance(node, nodes.Binary) and node.operator in ("=", "<>", "<", "<=", ">", ">="):
            return "BOOLEAN", self._compare(node)
        if isinstance(node, nodes.Between):
            low = self._compare(nodes.Binary(">=", node.operand, node.low))
            return "BOOLEAN", f"({low} AND {self._compare(nodes.Binary('<=', node.operand, node.high))})"
        if isinstance(node, nodes.In):
            tests = [self._compare(nodes.Binary("=", node.operand, one)) for one in node.among]
            return "BOOLEAN", f"({' OR '.join(tests)})"
        if isinstance(node, nodes.IsNull):
            return "BOOLEAN", f"({self._condition(node.operand)[1]} IS NULL)"
        if isinstance(node, nodes.Like):
            (kind, text), (_, pattern) = self._condition(node.operand), self._condition(node.pattern)
            if kind == "VARCHAR" and isinstance(node.pattern, nodes.Literal) and isinstance(node.pattern.value, str):
                return "BOOLEAN", f"({text} LIKE {pattern})"
        raise NotVectorised

    def _boolean(self, node: nodes.Node) -> str:
        kind, sql = self._condition(node)
        if kind not in ("BOOLEAN", "NULL"):
            raise NotVectorised
        return sql

    def _compare(self, node: nodes.Binary) -> str:
        null = [isinstance(one, nodes.Literal) and one.value is None for one in (node.left, node.right)]
        if any(null):
            other = self._condition(node.left if null[1] else node.right)[1]
            if node.operator not in ("=", "<>"):
                raise NotVectorised
            return f"({other} IS {'' if node.operator == '=' else 'NOT '}NULL)"
        (kind, left), (other_kind, right) = self._condition(node.left), self._condition(node.right)
        if "NULL" in (kind, other_kind):
            return "CAST(NULL AS BOOLEAN)"
        if kind in _NUMBERS and other_kind in _NUMBERS:
            return f"({self._as_double(kind, left)} {node.operator} {self._as_double(other_kind, right)})"
        if kind == other_kind and kind in ("VARCHAR", "BOOLEAN") and node.operator in ("=", "<>"):
            return f"({left} {node.operator} {right})"
        raise NotVectorised

    def _as_double(self, kind: Type, sql: str) -> str:
        if kind == "BIGINT" and self._most(sql) >= EXACT:
            raise NotVectorised
        return f"CAST({sql} AS DOUBLE)"

    def _most(self, sql: str) -> float:
        found = self._cursor.execute(f"SELECT max(abs(CAST({sql} AS DOUBLE))) FROM read").fetchone()
        return float(found[0] or 0.0) if found else 0.0

    def _arithmetic(self, node: nodes.Node) -> Exact:
        """A math expression in whole numbers."""
        if isinstance(node, nodes.Literal):
            return _exact_literal(node.value)
        if isinstance(node, nodes.Attribute | nodes.Member):
            column = self._attribute(node)
            if column is None or column.kind not in (*_NUMBERS, "RESULT"):
                raise NotVectorised
            return self._exact_column(column)
        if isinstance(node, nodes.Unary) and node.operator in "+-":
            one = self._arithmetic(node.operand)
            return one if node.operator == "+" else one._replace(top=f"(-{one.top})")
        if isinstance(node, nodes.Binary) and node.operator in "+-*/":
            return _checked(_combined(node.operator, self._arithmetic(node.left), self._arithmetic(node.right)))
        raise NotVectorised

    def _exact_column(self, column: Column) -> Exact:
        known = self._exact.get(column.sql)
        if known is not None:
            return known
        value = f"CAST({column.sql} AS DOUBLE)"
        fits = [f"bool_and(round({value} * 1e{digits}) / 1e{digits} = {value})" for digits in range(MOST_DECIMALS + 1)]
        row = self._cursor.execute(f"SELECT max(abs({value})), {', '.join(fits)} FROM read").fetchone()
        assert row is not None
        most = float(row[0] or 0.0)
        scale = next((digits for digits, fit in enumerate(row[1:]) if fit or fit is None), None)
        if scale is None or most * 10**scale >= EXACT:
            raise NotVectorised
        top = f"round({value} * 1e{scale})" if scale else value
        found = self._exact[column.sql] = Exact(top, None, scale, most * 10**scale, 1.0)
        return found


def _parsed(text: str) -> nodes.Node:
    try:
        return parse_expression(text)
    except SqlError as error:
        raise NotVectorised from error


def _told(activity: Activity) -> str:
    attribute, expression = activity.settings["attribute"], activity.settings["math"]
    return f"{activity.name}: {expression} has no value for this message, {attribute} is not set."


def _plain(kind: Type) -> bool:
    """Whether values of a structure are read alike by both ways: of one type, and spelled in one way."""
    if isinstance(kind, list):
        return _plain(kind[0])
    if isinstance(kind, dict):
        return len({name.lower() for name in kind}) == len(kind) and all(map(_plain, kind.values()))
    return kind in ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "VARCHAR", "BOOLEAN")


def _infinite(sql: str, kind: Type) -> list[str]:
    """Tests for numbers too large for a double."""
    if isinstance(kind, dict):
        return [test for name, inner in kind.items() for test in _infinite(f"({sql}).{quoted(name)}", inner)]
    if isinstance(kind, list):
        inner = _infinite("e", kind[0])
        return [f"len(list_filter({sql}, lambda e: {' OR '.join(inner)})) > 0"] if inner else []
    return [f"isinf({sql})"] if kind == "DOUBLE" else []


def _spelled(kind: Type) -> Any:
    if isinstance(kind, list):
        return [_spelled(kind[0])]
    if isinstance(kind, dict):
        return {name: _spelled(inner) for name, inner in kind.items()}
    return type_text(inferred(kind))


def _literal(value: Any) -> tuple[Type, str]:
    if isinstance(value, bool):
        return "BOOLEAN", "true" if value else "false"
    if isinstance(value, int | float):
        if abs(value) >= EXACT:
            raise NotVectorised
        return "DOUBLE", f"CAST({value!r} AS DOUBLE)"
    if isinstance(value, str):
        return "VARCHAR", text_literal(value)
    return "NULL", "NULL"


def _exact_literal(value: Any) -> Exact:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotVectorised
    for scale in range(MOST_DECIMALS + 1):
        scaled = round(value * 10**scale)
        if abs(scaled) < EXACT and scaled / 10**scale == value:
            return Exact(f"CAST({scaled} AS DOUBLE)", None, scale, float(abs(scaled)), 1.0)
    raise NotVectorised


def _combined(operator: str, left: Exact, right: Exact) -> Exact:
    if operator == "*":
        below = " * ".join(one.below for one in (left, right) if one.below) or None
        return Exact(
            f"({left.top} * {right.top})",
            f"({below})" if below else None,
            left.scale + right.scale,
            left.most_top * right.most_top,
            left.most_below * right.most_below,
        )
    if operator == "/":
        top = left.top if right.below is None else f"({left.top} * {right.below})"
        below = right.top if left.below is None else f"({left.below} * {right.top})"
        return Exact(
            top,
            below,
            left.scale - right.scale,
            left.most_top * right.most_below,
            left.most_below * right.most_top,
        )
    if left.below is not None or right.below is not None:
        raise NotVectorised
    scale = max(left.scale, right.scale)
    first, second = (_scaled(one.top, scale - one.scale) for one in (left, right))
    most = left.most_top * 10 ** (scale - left.scale) + right.most_top * 10 ** (scale - right.scale)
    return Exact(f"({first} {operator} {second})", None, scale, most, 1.0)


def _scaled(sql: str, digits: int) -> str:
    return f"({sql} * 1e{digits})" if digits else sql


def _checked(one: Exact) -> Exact:
    if one.most_top * 10 ** max(-one.scale, 0) >= EXACT or one.most_below * 10 ** max(one.scale, 0) >= EXACT:
        raise NotVectorised
    return one


def _value(one: Exact) -> str:
    """The nearest double; NULL where the divisor is 0."""
    one = _checked(one)
    top = _scaled(one.top, max(-one.scale, 0))
    below = _scaled(one.below or "1.0", max(one.scale, 0))
    if one.below is None:
        return f"({top} / {below} + 0.0)" if one.scale > 0 else f"({top} + 0.0)"
    return f"(CASE WHEN {one.below} = 0 THEN NULL ELSE {top} / {below} + 0.0 END)"


def as_declared(
    cursor: duckdb.DuckDBPyConnection, types: Mapping[str, Type], declared: Mapping[str, Type]
) -> dict[str, Type]:
    """Give the table `typed` the columns of a data store that declares them; NotVectorised where types differ more."""
    columns = []
    for name, kind in declared.items():
        found = types.get(name)
        if found not in (None, kind) and (found, kind) != ("BIGINT", "DOUBLE"):
            raise NotVectorised
        value = "NULL" if found is None else quoted(name)
        columns.append(f"CAST({value} AS {type_text(kind)}) AS {quoted(name)}")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE typed AS SELECT {', '.join([*columns, quoted('__dt')])} FROM typed")
    return dict(declared)
