"""SQLite's refusals in PostgreSQL's words: clients match on them and on the SQLState."""

from __future__ import annotations

import re
from collections.abc import Callable

from kumoi.wire.errors import AwsError, aws_error

_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        _UNIQUE,
        lambda found: f'duplicate key value violates unique constraint "{_constraint(found[1])}"; SQLState: 23505',
    ),
    (
        re.compile(r"NOT NULL constraint failed: (\w+)\.(\w+)"),
        lambda found: (
            f'null value in column "{found[2]}" of relation "{found[1]}" violates not-null constraint; SQLState: 23502'
        ),
    ),
    (re.compile(r"FOREIGN KEY constraint failed"), lambda _found: "violates foreign key constraint; SQLState: 23503"),
    (
        re.compile(r"CHECK constraint failed: (.+)"),
        lambda found: f'new row violates check constraint "{found[1]}"; SQLState: 23514',
    ),
    (
        re.compile(r"no such table: (?:main\.)?(\S+)"),
        lambda found: f'relation "{found[1]}" does not exist; SQLState: 42P01',
    ),
    (
        re.compile(r"no such column: (\S+)"),
        lambda found: f'column "{found[1].strip(chr(34))}" does not exist; SQLState: 42703',
    ),
    (
        re.compile(r"table (\S+) has no column named (\S+)"),
        lambda found: f'column "{found[2]}" of relation "{found[1]}" does not exist; SQLState: 42703',
    ),
    (
        re.compile(r"no such function: (\S+)"),
        lambda found: f"function {found[1].lower()} does not exist; SQLState: 42883",
    ),
    (
        re.compile(r"(?:table|view|index) (\S+) already exists"),
        lambda found: f'relation "{found[1]}" already exists; SQLState: 42P07',
    ),
)


def _constraint(columns: str) -> str:
    """What PostgreSQL calls the constraint of `table.a, table.b`."""
    names = [column.strip().rpartition(".") for column in columns.split(",")]
    return "_".join([names[0][0], *(name for _, _, name in names), "key"])


def database_error(text: str, *, primary: bool = False) -> AwsError:
    """DatabaseErrorException of what SQLite said; `primary`: of a primary key."""
    found = _UNIQUE.search(text) if primary else None
    if found is not None:
        table = found[1].partition(".")[0]
        text = f'ERROR: duplicate key value violates unique constraint "{table}_pkey"; SQLState: 23505'
    for pattern, words in _RULES:
        found = pattern.search(text)
        if found is not None:
            return aws_error("DatabaseErrorException", f"ERROR: {words(found)}")
    return aws_error("DatabaseErrorException", text if text.startswith(("ERROR:", "FATAL:")) else f"ERROR: {text}")


def bad_request(text: str) -> AwsError:
    """BadRequestException."""
    return aws_error("BadRequestException", text)
