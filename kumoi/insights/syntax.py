"""What a query says, as plain values: expressions and commands. Made by `parsing`, read by `compiler`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import NamedTuple, TypeAlias

MOST_ROWS = 100_000
TOO_DEEP = "Query is nested too deeply"
DIFF_PERIODS = {"previousday": 1, "previousweek": 7, "previousmonth": 30}
"""What `diff` may be told, and how many days back that is."""


class Malformed(Exception):
    """The query is none; `start` and `end` are character offsets into its text, where they are known."""

    def __init__(self, message: str, start: int | None = None, end: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Field:
    """A name, as its parts: `a.b` is ("a", "b"), a part in backticks is taken as it stands."""

    name: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text."""

    value: str


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression between slashes."""

    source: str


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time: a count of a unit (`ms`, `s`, `m`, `h`, `d`, `w`, `mo`, `q`, `y`)."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Star:
    """The `*` of `count(*)`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; `text` is the source, which names a column without an alias."""

    function: str
    arguments: tuple[Expression, ...]
    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its operands: + - * / % ^ = != < <= > >= and or not in like neg."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a value is among those that another query answers: `in (…)` around a query."""

    subject: Expression
    query: Query


Expression: TypeAlias = Field | Number | Text | Regex | Period | Star | Call | Operation | Found


class Column(NamedTuple):
    """An expression and the name its value gets."""

    expression: Expression
    name: str
    aliased: bool


class Fields(NamedTuple):
    """`fields`: columns to show, which later commands can use."""

    columns: tuple[Column, ...]


class Display(NamedTuple):
    """`display`: the columns to show, whatever was said before."""

    columns: tuple[Column, ...]


class Filter(NamedTuple):
    """`filter` and `filterIndex` (`indexed`): keep records for which a condition holds."""

    condition: Expression
    indexed: bool = False


class Stats(NamedTuple):
    """`stats … by …`; the offset moves the borders of `bin`."""

    columns: tuple[Column, ...]
    by: tuple[Column, ...]
    offset: Period | None


class SortKey(NamedTuple):
    """What to sort by."""

    expression: Expression
    descending: bool


class Sort(NamedTuple):
    """`sort`."""

    keys: tuple[SortKey, ...]


class Limit(NamedTuple):
    """`limit`; with `any`, whichever records come first."""

    most: int
    any: bool


class Parse(NamedTuple):
    """`parse` by glob (text) or regular expression; `names` of what was captured."""

    source: Expression
    pattern: Text | Regex
    names: tuple[str, ...]


class Logfmt(NamedTuple):
    """`parse … logfmt as name`: `name.key` is the value of key=value in the source."""

    source: Expression
    name: str


class Dedup(NamedTuple):
    """`dedup`: the first record of each combination of values."""

    fields: tuple[Field, ...]


class Pattern(NamedTuple):
    """`pattern`: what texts have in common."""

    source: Expression


class Anomaly(NamedTuple):
    """`anomaly`: those patterns that are new, or come in bursts."""


class Diff(NamedTuple):
    """`diff`: patterns against those of an earlier time; `period` is None for the span just before."""

    period: str | None


class Unnest(NamedTuple):
    """`unnest`: a record for each element of a list."""

    source: Expression
    name: str


class Source(NamedTuple):
    """`SOURCE`: the log groups to read, by name or by what their names begin with, and the time (seconds from now).

    `regions` is Kumoi's own: groups of these regions (`*`: all) are read together.
    """

    groups: tuple[str, ...]
    prefixes: tuple[str, ...]
    log_class: str | None
    accounts: tuple[str, ...]
    start: int | None
    end: int | None
    every: bool
    regions: tuple[str, ...] = ()


class Join(NamedTuple):
    """`join`: records of another query whose keys are equal."""

    kind: str
    left: str
    right: str
    keys: tuple[tuple[Field, Field], ...]
    query: Query


class Lookup(NamedTuple):
    """`lookup`: columns of a lookup table for the first of its rows whose `keys` equal fields (column, field)."""

    table: str
    keys: tuple[tuple[str, Field], ...]
    columns: tuple[str, ...]


class Accum(NamedTuple):
    """`accum`: the sum of a field up to each record."""

    field: Field
    name: str


class AddTotals(NamedTuple):
    """`addtotals`: the sum of each record's numbers as a column `name`, the sum of each column as a last row."""

    name: str
    rows: bool
    columns: bool
    fields: tuple[Field, ...]


class RelevantFields(NamedTuple):
    """`relevantfields`: fields (all that there are where none is named) by how much a condition changes them."""

    fields: tuple[Field, ...]
    condition: Expression


Command: TypeAlias = (
    Fields
    | Display
    | Filter
    | Stats
    | Sort
    | Limit
    | Parse
    | Logfmt
    | Dedup
    | Pattern
    | Anomaly
    | Diff
    | Unnest
    | Join
    | Lookup
    | Accum
    | AddTotals
    | RelevantFields
)


class Query(NamedTuple):
    """A query: where from, and its commands in order."""

    source: Source | None
    commands: tuple[Command, ...]

    def indexed(self) -> set[str]:
        """The fields that groups have to be indexed on to be read: those of `filterIndex`."""
        conditions = [one.condition for one in self.commands if isinstance(one, Filter) and one.indexed]
        return {part.name for part in parts_of(tuple(conditions)) if isinstance(part, Field)}

    def all(self) -> Iterator[Query]:
        """This query, and those inside of it."""
        yield self
        for part in parts_of(self.commands):
            if isinstance(part, Query):
                yield from part.all()


def parts_of(value: object) -> Iterator[object]:
    """What a value is made of, down to the queries in it."""
    yield value
    if isinstance(value, Query):
        return
    if isinstance(value, tuple):
        inner: Iterable[object] = value
    elif is_dataclass(value) and not isinstance(value, type):
        inner = (getattr(value, one.name) for one in fields(value))
    else:
        inner = ()
    for one in inner:
        yield from parts_of(one)
