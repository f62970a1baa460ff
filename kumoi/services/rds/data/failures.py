"""SQLite's refusals in PostgreSQL's words: clients match on them and on the SQLState."""

from __future__ import annotations

import re
from collections.abc import Callable

from kumoi.wire.errors import AwsError, aws_error

_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"UNIQUE constraint failed: index '(.+)'"),
        lambda found: f'duplicate key value violates unique constraint "{found[1]}"; SQLState: 23505',
    ),
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
        re.compile(r"no such savepoint: (\S+)"),
        lambda found: f'savepoint "{found[1]}" does not exist; SQLState: 3B001',
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


def refusal(text: str) -> AwsError:
    """What is refused before SQLite sees it: in PostgreSQL's words, or because it is not built."""
    return database_error(text) if text.startswith("ERROR:") else bad_request(text)


def unique_columns(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The table and the columns whose values were there already, where that is what SQLite said."""
    found = None if "index '" in text else _UNIQUE.search(text)
    if found is None:
        return None
    names = [column.strip().rpartition(".") for column in found[1].split(",")]
    return names[0][0], tuple(name for _, _, name in names)


def database_error(text: str, *, constraint: str = "") -> AwsError:
    """DatabaseErrorException of what SQLite said; `constraint` is the name of a unique one that was broken."""
    if constraint:
        text = f'ERROR: duplicate key value violates unique constraint "{constraint}"; SQLState: 23505'
    for pattern, words in _RULES:
        found = pattern.search(text)
        if found is not None:
            return aws_error("DatabaseErrorException", f"ERROR: {words(found)}")
    return aws_error("DatabaseErrorException", text if text.startswith(("ERROR:", "FATAL:")) else f"ERROR: {text}")


def bad_request(text: str) -> AwsError:
    """BadRequestException."""
    return aws_error("BadRequestException", text)
