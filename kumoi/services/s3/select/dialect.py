"""S3 Select's SQL, read: what is selected from which part of the records, under which condition, how many.

sqlglot parses the statement; what stands between FROM and the alias (`S3Object[*].a[*].b`), which is no SQL, is taken
out before. Functions are left by name for `functions.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlglot import exp, parser
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from kumoi.services.s3.select.errors import select_error

MAX_BYTES = 262_144


class Each(NamedTuple):
    """The step to every element of an array."""


class Query(NamedTuple):
    """A statement. `steps` lead from a record to the values selected from; `aliases` name those in lower case."""

    selected: tuple[exp.Expression, ...]
    steps: tuple[str | int | Each, ...]
    aliases: frozenset[str]
    where: exp.Expression | None
    limit: int | None


class S3Select(Dialect):
    """The SQL that is left: no function has a meaning of its own."""

    class Parser(parser.Parser):
        """Reads every function as its name and arguments."""

        FUNCTIONS = {}  # noqa: RUF012  (sqlglot's way of saying it)


def read(text: str) -> Query:
    """Read a statement; raises S3 Select's errors for what is none, or is more than it does."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise select_error("ExpressionTooLong")
    try:
        plain, steps = _without_path(text)
        parsed = S3Select().parse(plain)
    except (SqlglotError, RecursionError, ValueError):
        raise select_error("ParseUnexpectedToken") from None
    statement = parsed[0] if len(parsed) == 1 else None
    if not isinstance(statement, exp.Select):
        raise select_error("UnsupportedSqlStructure", "a single SELECT is what there may be")
    used = {name for name, value in statement.args.items() if value}
    beyond = used - {"expressions", "from_", "where", "limit", "kind"}
    if beyond or "from_" not in used:
        raise select_error("UnsupportedSqlStructure", f"of a SELECT, {', '.join(sorted(beyond)) or 'no FROM'}")
    table = statement.args["from_"].this
    named = isinstance(table, exp.Table) and isinstance(table.this, exp.Identifier) and table.name.lower() == "s3object"
    if not named or {name for name, value in table.args.items() if value} - {"this", "alias"}:
        raise select_error("UnsupportedSqlStructure", "FROM takes S3Object")
    where = statement.args.get("where")
    return Query(
        tuple(statement.expressions),
        steps,
        frozenset({"s3object", table.alias.lower()} - {""}),
        None if where is None else where.this,
        _limit(statement.args.get("limit")),
    )


def _limit(limit: exp.Expression | None) -> int | None:
    if limit is None:
        return None
    count = limit.expression
    if not isinstance(count, exp.Literal) or count.is_string or not count.this.isdigit() or len(count.this) > 15:
        raise select_error("ParseUnexpectedToken", "LIMIT takes a number")
    return int(count.this)


def _without_path(text: str) -> tuple[str, tuple[str | int | Each, ...]]:
    """(the statement with `S3Object` alone behind FROM, the path that stood there)."""
    tokens = S3Select().tokenize(text)
    for place, token in enumerate(tokens[:-1]):
        following = tokens[place + 1]
        if token.token_type is TokenType.FROM and following.text.lower() == "s3object":
            steps, behind = _path(tokens, place + 2)
            if behind == place + 2:
                return text, ()
            return text[: following.end + 1] + " " + text[tokens[behind - 1].end + 1 :], steps
    return text, ()


def _path(tokens: list[Token], place: int) -> tuple[tuple[str | int | Each, ...], int]:
    """(the steps of the path that begins at a place, the place behind it)."""
    steps: list[str | int | Each] = []
    while place < len(tokens):
        kind = tokens[place].token_type
        if kind is TokenType.L_BRACKET and place + 2 < len(tokens):
            inside, closing = tokens[place + 1], tokens[place + 2]
            if closing.token_type is not TokenType.R_BRACKET:
                break
            if inside.token_type is TokenType.STAR:
                steps.append(Each())
            elif inside.text.isdigit():
                steps.append(int(inside.text))
            else:
                steps.append(inside.text)
            place += 3
        elif kind is TokenType.DOT and place + 1 < len(tokens) and tokens[place + 1].token_type is not TokenType.STAR:
            steps.append(tokens[place + 1].text)
            place += 2
        else:
            break
    # The first `[*]` is every record, which there is no way around.
    return tuple(steps[1:] if steps and isinstance(steps[0], Each) else steps), place
