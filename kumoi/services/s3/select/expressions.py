"""Expressions of S3 Select, said anew in DuckDB's SQL: nodes that are known have a row here, all others are refused.

Names mean columns or members of the record; `Columns` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from sqlglot import exp

from kumoi.services.s3.select import functions
from kumoi.services.s3.select.errors import select_error
from kumoi.services.s3.select.values import (
    NULL,
    Kind,
    Value,
    as_bool,
    as_kind,
    as_number,
    as_text,
    as_time,
    compared,
    quoted,
    together,
)

DEEPEST = 100

Step = tuple[str, bool] | int
"""A name (and whether it was quoted), or a place in an array."""


class Columns(Protocol):
    """What names mean in a kind of file."""

    def value(self, path: Sequence[Step]) -> Value:
        """The value that a path leads to; raises S3 Select's errors."""

    def missing(self, path: Sequence[Step]) -> str:
        """The condition that nothing lies at a path."""


class _Cast(NamedTuple):
    kind: Kind
    type: str


_CASTS = {
    "INT": _Cast("number", "BIGINT"),
    "BIGINT": _Cast("number", "BIGINT"),
    "SMALLINT": _Cast("number", "BIGINT"),
    "FLOAT": _Cast("number", "DOUBLE"),
    "DOUBLE": _Cast("number", "DOUBLE"),
    "DECIMAL": _Cast("number", "DOUBLE"),
    "BOOLEAN": _Cast("bool", "BOOLEAN"),
    "TEXT": _Cast("text", "VARCHAR"),
    "VARCHAR": _Cast("text", "VARCHAR"),
    "CHAR": _Cast("text", "VARCHAR"),
    "TIMESTAMP": _Cast("time", "TIMESTAMP"),
}
_COMPARISONS: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type[exp.Expression], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}


class Compiler:
    """Compiles the expressions of one statement. `now` is an ISO 8601 time without a zone, for UTCNOW."""

    def __init__(self, columns: Columns, aliases: frozenset[str], now: str) -> None:
        self._columns = columns
        self._aliases = aliases
        self._now = now
        self._depth = 0
        self.aggregates = 0

    def value(self, node: exp.Expression) -> Value:
        """An expression's value."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise select_error("UnsupportedSqlStructure", "an expression is too deep")
        try:
            return self._value(node)
        finally:
            self._depth -= 1

    def _value(self, node: exp.Expression) -> Value:
        kind = type(node)
        if kind in _COMPARISONS:
            return compared(self.value(node.this), _COMPARISONS[kind], self.value(node.expression))
        if kind in _ARITHMETIC:
            left, right = as_number(self.value(node.this)), as_number(self.value(node.expression))
            return Value(f"({left} {_ARITHMETIC[kind]} {right})", "number")
        known = _NODES.get(kind)
        if known is None:
            raise select_error("UnsupportedSqlOperation", node.key)
        return known(self, node)

    def path(self, node: exp.Expression) -> list[Step]:
        """The path that a name, with members and places behind it, is; the alias before it aside."""
        steps = _steps(node)
        if len(steps) > 1 and isinstance(steps[0], tuple) and steps[0][0].lower() in self._aliases:
            return steps[1:]
        return steps

    def column(self, node: exp.Expression) -> Value:
        """A name."""
        return self._columns.value(self.path(node))

    def literal(self, node: exp.Expression) -> Value:
        """A literal."""
        if node.is_string:
            return Value(quoted(node.this), "text")
        try:
            float(node.this)
        except ValueError:
            raise select_error("ParseUnexpectedToken", str(node.this)) from None
        return Value(node.this, "number")

    def is_(self, node: exp.Expression) -> Value:
        """IS NULL, IS MISSING, IS TRUE."""
        what = node.expression
        if isinstance(what, exp.Column) and what.name.lower() == "missing" and not what.args.get("table"):
            return Value(self._columns.missing(self.path(node.this)), "bool")
        value = self.value(node.this)
        if isinstance(what, exp.Boolean):
            return Value(f"({as_bool(value)} IS {'TRUE' if what.this else 'FALSE'})", "bool")
        if not isinstance(what, exp.Null):
            raise select_error("UnsupportedSqlOperation", "IS")
        return Value(f"({as_text(value) if value.kind == 'json' else value.sql} IS NULL)", "bool")

    def like(self, node: exp.Expression, escape: str = "") -> Value:
        """LIKE."""
        left, right = as_text(self.value(node.this)), as_text(self.value(node.expression))
        return Value(f"({left} LIKE {right}{escape})", "bool")

    def escape(self, node: exp.Expression) -> Value:
        """LIKE with an escape character."""
        if not isinstance(node.this, exp.Like):
            raise select_error("UnsupportedSqlOperation", "ESCAPE")
        return self.like(node.this, f" ESCAPE {as_text(self.value(node.expression))}")

    def in_(self, node: exp.Expression) -> Value:
        """IN a list."""
        if not node.expressions or node.args.get("query") is not None:
            raise select_error("UnsupportedSqlStructure", "IN takes a list of values")
        left = self.value(node.this)
        found = " OR ".join(compared(left, "=", self.value(one)).sql for one in node.expressions)
        return Value(f"({found})", "bool")

    def between(self, node: exp.Expression) -> Value:
        """BETWEEN."""
        value, low, high = self.value(node.this), self.value(node.args["low"]), self.value(node.args["high"])
        return Value(f"({compared(value, '>=', low).sql} AND {compared(value, '<=', high).sql})", "bool")

    def case(self, node: exp.Expression) -> Value:
        """CASE, with a value to compare or with conditions."""
        subject = None if node.this is None else self.value(node.this)
        whens = []
        for one in node.args["ifs"]:
            given = self.value(one.this)
            condition = as_bool(given) if subject is None else compared(subject, "=", given).sql
            whens.append((condition, self.value(one.args["true"])))
        default = node.args.get("default")
        otherwise = NULL if default is None else self.value(default)
        kind = together(otherwise, *(value for _, value in whens))
        kind = "text" if kind == "json" else kind
        told = " ".join(f"WHEN {condition} THEN {as_kind(value, kind)}" for condition, value in whens)
        return Value(f"(CASE {told} ELSE {as_kind(otherwise, kind)} END)", kind)

    def cast(self, node: exp.Expression) -> Value:
        """CAST to one of S3 Select's types."""
        to = node.args["to"]
        found = _CASTS.get(to.this.name if isinstance(to, exp.DataType) else "")
        if found is None:
            raise select_error("ParseInvalidTypeParam", str(to))
        value = self.value(node.this)
        if found.kind == "time":
            return Value(as_time(value), "time")
        if found.kind == "text":
            return Value(as_text(value), "text")
        given = value.sql if value.kind in ("number", "bool") else as_text(value)
        sizes = [str(one.name) for one in to.expressions]
        if not all(size.isdigit() and int(size) <= 38 for size in sizes) or len(sizes) > 2:
            raise select_error("ParseInvalidTypeParam", str(to))
        kind = f"DECIMAL({', '.join(sizes)})" if to.this.name == "DECIMAL" and sizes else found.type
        if kind == "BIGINT" and value.kind != "bool":
            return Value(_whole(given, number=value.kind == "number"), "number")
        return Value(f"CAST({given} AS {kind})", found.kind)

    def trim(self, node: exp.Expression) -> Value:
        """TRIM of characters at one or both ends."""
        position, characters = str(node.args.get("position") or "BOTH").upper(), node.args.get("expression")
        function = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(position, "trim")
        beside = "" if characters is None else f", {as_text(self.value(characters))}"
        return Value(f"{function}({as_text(self.value(node.this))}{beside})", "text")

    def substring(self, node: exp.Expression) -> Value:
        """SUBSTRING, in either way to write it."""
        given = [node.this, node.args.get("start"), node.args.get("length")]
        return functions.substring([self.value(one) for one in given if one is not None])

    def function(self, node: exp.Expression) -> Value:
        """A function by its name."""
        called, given = str(node.this).lower(), node.expressions
        if called == "utcnow" and not given:
            return Value(f"TIMESTAMP {quoted(self._now)}", "time")
        if called in ("date_add", "date_diff") and len(given) == 3:
            first, second = self.value(given[1]), self.value(given[2])
            part = given[0].name.lower()
            return (
                functions.date_add(part, first, second)
                if called == "date_add"
                else functions.date_diff(part, first, second)
            )
        known = functions.FUNCTIONS.get(called)
        if known is None:
            raise select_error("UnsupportedFunction", str(node.this))
        if called in functions.AGGREGATES:
            self.aggregates += 1
            if called == "count" and len(given) == 1 and isinstance(given[0], exp.Star):
                return Value("count(*)", "number")
        return known([self.value(one) for one in given])


def _whole(given: str, *, number: bool) -> str:
    """The cast to a whole number, towards zero; digits are read as they are, however many."""
    truncated = f"CAST(trunc(CAST({given} AS DOUBLE)) AS BIGINT)"
    if number:
        return truncated
    return f"(CASE WHEN regexp_full_match({given}, '[+-]?[0-9]+') THEN CAST({given} AS BIGINT) ELSE {truncated} END)"


def _steps(node: exp.Expression) -> list[Step]:
    if isinstance(node, exp.Column):
        if not all(isinstance(part, exp.Identifier) for part in node.parts):
            raise select_error("UnsupportedSqlStructure", "a path that ends in *")
        return [(part.name, bool(part.args.get("quoted"))) for part in node.parts]
    if isinstance(node, exp.Identifier):
        return [(node.name, bool(node.args.get("quoted")))]
    if isinstance(node, exp.Dot):
        return [*_steps(node.this), *_steps(node.expression)]
    if isinstance(node, exp.Bracket) and len(node.expressions) == 1:
        place = node.expressions[0]
        if isinstance(place, exp.Literal):
            return [*_steps(node.this), (place.this, True) if place.is_string else _place(place.this)]
    raise select_error("UnsupportedSqlOperation", node.key)


def _place(text: str) -> int:
    if not text.isdigit() or len(text) > 9:
        raise select_error("ParseUnexpectedToken", text)
    return int(text)


def _and(compiler: Compiler, node: exp.Expression) -> Value:
    left, right = as_bool(compiler.value(node.this)), as_bool(compiler.value(node.expression))
    return Value(f"({left} {'AND' if isinstance(node, exp.And) else 'OR'} {right})", "bool")


_NODES: dict[type[exp.Expression], Callable[[Compiler, exp.Expression], Value]] = {
    exp.Column: Compiler.column,
    exp.Dot: Compiler.column,
    exp.Bracket: Compiler.column,
    exp.Literal: Compiler.literal,
    exp.Boolean: lambda _, node: Value("TRUE" if node.this else "FALSE", "bool"),
    exp.Null: lambda _, __: NULL,
    exp.Paren: lambda compiler, node: compiler.value(node.this),
    exp.Neg: lambda compiler, node: Value(f"(-{as_number(compiler.value(node.this))})", "number"),
    exp.Not: lambda compiler, node: Value(f"(NOT {as_bool(compiler.value(node.this))})", "bool"),
    exp.And: _and,
    exp.Or: _and,
    exp.DPipe: lambda compiler, node: Value(
        f"({as_text(compiler.value(node.this))} || {as_text(compiler.value(node.expression))})", "text"
    ),
    exp.Is: Compiler.is_,
    exp.Like: Compiler.like,
    exp.Escape: Compiler.escape,
    exp.In: Compiler.in_,
    exp.Between: Compiler.between,
    exp.Case: Compiler.case,
    exp.Cast: Compiler.cast,
    exp.Trim: Compiler.trim,
    exp.Substring: Compiler.substring,
    exp.Extract: lambda compiler, node: functions.extract(str(node.this.name).lower(), compiler.value(node.expression)),
    exp.Anonymous: Compiler.function,
}
