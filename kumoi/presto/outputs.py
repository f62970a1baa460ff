"""What a query is asked for and what it answers: plain values, so that naming them loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

Format = Literal["csv", "csv.gz", "parquet", "ndjson", "ndjson.gz"]
FORMATS: tuple[Format, ...] = ("csv", "csv.gz", "parquet", "ndjson", "ndjson.gz")
MOST_FILES = 100_000
NULL_KEY = "__HIVE_DEFAULT_PARTITION__"


class Column(NamedTuple):
    """A column of an answer, and its type as DuckDB names it."""

    name: str
    kind: str


class Written(NamedTuple):
    """A file of an answer: the values it is for, where it is, and how many rows it has."""

    key: tuple[str | None, ...]
    path: Path
    rows: int


@dataclass(frozen=True, slots=True)
class Output:
    """How an answer is written: its format, the columns that it is split by, and which of those the files keep."""

    form: Format = "csv"
    split_by: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()


class Answer(NamedTuple):
    """What a query answered."""

    columns: list[Column]
    files: list[list[Written]]


class Window(NamedTuple):
    """Rows of a time: `expression` (SQL) from `start` to before `end` (epoch seconds)."""

    expression: str
    start: float
    end: float
