"""GetPartitions' expressions, `year = '2026' AND month IN (1, 2)`: read once, asked of each partition. Pure.

sqlglot reads the text; what it may hold is Glue's list: AND, OR, NOT, comparisons, BETWEEN, IN, LIKE, IS NULL. Values
are compared as the type of the partition key says. Source: the API reference of GetPartitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from kumoi.services.glue.errors import invalid

Row = Mapping[str, str]
Test = Callable[[Row], bool]

_NUMBERS = ("tinyint", "smallint", "int", "integer", "bigint", "long", "decimal", "float", "double")
_MOST_CHARACTERS = 2048


def compiled(text: str, kinds: Mapping[str, str]) -> Test:
    """The test that an expression is, over values by key; `kinds` are the keys' types. InvalidInputException."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    from kumoi.iot_sql.evaluation import like

    if len(text) > _MOST_CHARACTERS:
        raise invalid(f"An expression has at most {_MOST_CHARACTERS} characters.")
    try:
        tree = sqlglot.parse_one(text, dialect="hive")
    except (SqlglotError, RecursionError):
        raise invalid(f"Unsupported expression '{text}'") from None

    compare: dict[type[exp.Expr], Callable[[Any, Any], bool]] = {
        exp.EQ: lambda a, b: a == b,
        exp.NEQ: lambda a, b: a != b,
        exp.GT: lambda a, b: a > b,
        exp.GTE: lambda a, b: a >= b,
        exp.LT: lambda a, b: a < b,
        exp.LTE: lambda a, b: a <= b,
    }

    def key(node: exp.Expr) -> str:
        name = node.name.lower()
        if not isinstance(node, exp.Column) or name not in kinds:
            raise invalid(f"Unsupported expression: {node.sql()} is no partition key")
        return name

    def literal(node: exp.Expr, kind: str) -> Any:
        if isinstance(node, exp.Cast | exp.Date):
            node = node.this
        negative = isinstance(node, exp.Neg)
        inner = node.this if negative else node
        if not isinstance(inner, exp.Literal):
            raise invalid(f"Unsupported expression: {node.sql()} is no value")
        return value_of(f"-{inner.name}" if negative else inner.name, kind)

    def test(node: exp.Expr) -> Test:
        if isinstance(node, exp.Paren):
            return test(node.this)
        if isinstance(node, exp.And | exp.Or):
            left, right = test(node.this), test(node.expression)
            if isinstance(node, exp.And):
                return lambda row: left(row) and right(row)
            return lambda row: left(row) or right(row)
        if isinstance(node, exp.Not):
            inner = test(node.this)
            return lambda row: not inner(row)
        if type(node) in compare:
            how, name = compare[type(node)], key(node.this)
            value = literal(node.expression, kinds[name])
            return lambda row: how(value_of(row[name], kinds[name]), value)
        if isinstance(node, exp.Between):
            name = key(node.this)
            low, high = (literal(node.args[bound], kinds[name]) for bound in ("low", "high"))
            return lambda row: low <= value_of(row[name], kinds[name]) <= high
        if isinstance(node, exp.In):
            name = key(node.this)
            values = [literal(one, kinds[name]) for one in node.expressions]
            return lambda row: value_of(row[name], kinds[name]) in values
        if isinstance(node, exp.Like):
            name = key(node.this)
            pattern = node.expression.name
            return lambda row: like(row[name], pattern)
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            name = key(node.this)
            return lambda row: row[name] == "__HIVE_DEFAULT_PARTITION__"
        raise invalid(f"Unsupported expression '{node.sql()}'")

    try:
        return test(tree)
    except RecursionError:
        raise invalid("Unsupported expression: it is nested too deeply") from None


def value_of(text: str, kind: str) -> Any:
    """A value as its type compares; InvalidInputException for a text that is none of a number's type."""
    if not kind.lower().startswith(_NUMBERS):
        return text
    try:
        return Decimal(text)
    except InvalidOperation:
        raise invalid(f"Unsupported expression: {text} is no {kind}") from None
