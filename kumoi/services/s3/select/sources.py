"""An object as a relation of DuckDB's, and what names mean in it: columns of CSV and Parquet, members of JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kumoi.services.s3.select.dialect import Each
from kumoi.services.s3.select.errors import select_error
from kumoi.services.s3.select.expressions import Columns, Step
from kumoi.services.s3.select.serialization import Input
from kumoi.services.s3.select.values import NULL, Kind, Value, name, quoted

_HEAD = 1_048_576
"""Bytes of a CSV file among which its columns are counted."""
_NOT_THERE = "\x01\x02 nothing"
"""What no field is: an empty field is empty, and not NULL."""
_PLACE = re.compile(r"_([1-9][0-9]{0,4})")
_SMALLEST_BUFFER, _LARGEST_BUFFER = 16_777_216, 536_870_912


class Source(NamedTuple):
    """The relation to select from, what names mean in it, and what `*` is: names and values (or whole records)."""

    relation: str
    columns: Columns
    star: tuple[tuple[str, Value], ...]


def source(
    form: Input,
    path: Path,
    steps: Sequence[str | int | Each],
    database: Any,
    groups: tuple[int, int] | None = None,
) -> Source:
    """The relation of a file, or of Parquet's row groups that begin between two bytes.

    `database` is asked about Parquet's columns and row groups. Raises S3 Select's errors.
    """
    if form.form in ("lines", "document"):
        return _json(form, path, steps)
    if steps:
        raise select_error("UnsupportedSqlStructure", "a path behind S3Object is of JSON")
    return _csv(form, path) if form.form == "csv" else _parquet(path, database, groups)


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


class CsvColumns(NamedTuple):
    """The columns of a CSV file: by the names of its header, if that is used, and by their places."""

    header: tuple[str, ...] | None
    width: int

    def value(self, path: Sequence[Step]) -> Value:
        """The column that a name means."""
        step = path[0]
        if len(path) != 1 or not isinstance(step, tuple):
            raise select_error("UnsupportedSqlStructure", "a path is of JSON")
        asked, exactly = step
        if self.header is not None:
            places = [place for place, one in enumerate(self.header) if one == asked]
            if not places and not exactly:
                places = [place for place, one in enumerate(self.header) if one.lower() == asked.lower()]
            if places:
                return Value(f"c{places[0]}", "text")
        match = _PLACE.fullmatch(asked)
        if match is None:
            raise select_error("MissingHeaders")
        place = int(match[1]) - 1
        return Value(f"c{place}", "text") if place < self.width else NULL

    def missing(self, path: Sequence[Step]) -> str:
        """Whether a record is too short for a column."""
        return f"({self.value(path).sql} IS NULL)"


def _csv(form: Input, path: Path) -> Source:
    rows = _first_rows(form, path)
    header = tuple(rows[0]) if rows and form.header == "USE" else None
    count = max(map(len, rows), default=1) or 1
    columns = CsvColumns(header, count)
    types = ", ".join(f"c{place}: 'VARCHAR'" for place in range(count))
    options = [
        "auto_detect = false",
        "header = false",
        f"columns = {{{types}}}",
        f"delim = {quoted(form.delimiter)}",
        f"quote = {quoted(form.quote)}",
        f"escape = {quoted(form.escape if form.quote else '')}",
        f"nullstr = {quoted(_NOT_THERE)}",
        "null_padding = true",
        "strict_mode = false",
        f"skip = {0 if form.header == 'NONE' else 1}",
    ]
    relation = f"read_csv({quoted(str(path))}, {', '.join(options)})"
    if form.comment:
        relation = f"(SELECT * FROM {relation} WHERE NOT starts_with(c0, {quoted(form.comment)}))"  # noqa: S608
    names = [header[place] if header and place < len(header) else f"_{place + 1}" for place in range(count)]
    return Source(relation, columns, tuple((named, Value(f"c{place}", "text")) for place, named in enumerate(names)))


def _first_rows(form: Input, path: Path) -> list[list[str]]:
    """The records at a file's beginning."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    whole = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1]
    try:
        text = whole.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError:
        raise select_error("InvalidTextEncoding") from None
    doubled = form.escape == form.quote
    try:
        rows = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=form.delimiter[0],
            quotechar=form.quote or None,
            quoting=csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE,
            doublequote=doubled,
            escapechar=None if doubled or not form.escape else form.escape,
        )
        return [row for row in rows if row and not (form.comment and row[0].startswith(form.comment))]
    except csv.Error:
        raise select_error("CSVParsingError") from None


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class JsonColumns:
    """Members of a document."""

    def value(self, path: Sequence[Step]) -> Value:
        """The member at a path."""
        return Value(f"json_extract(j, {quoted(_pointer(path))})", "json")

    def missing(self, path: Sequence[Step]) -> str:
        """Whether there is no such member."""
        return f"({self.value(path).sql} IS NULL)"


def _pointer(path: Sequence[Step]) -> str:
    """A path as JSON Pointer (RFC 6901) has it."""
    texts = [str(step) if isinstance(step, int) else step[0] for step in path]
    return "".join("/" + text.replace("~", "~0").replace("/", "~1") for text in texts)


def _json(form: Input, path: Path, steps: Sequence[str | int | Each]) -> Source:
    layout = "newline_delimited" if form.form == "lines" else "unstructured"
    buffer = min(max(_SMALLEST_BUFFER, 2 * path.stat().st_size), _LARGEST_BUFFER)
    relation = (
        "(SELECT json AS j FROM"  # noqa: S608
        f" read_json_objects({quoted(str(path))}, format = '{layout}',"
        f" maximum_object_size = {_SMALLEST_BUFFER if form.form == 'lines' else buffer}))"
    )
    pending: list[Step] = []
    for step in steps:
        if isinstance(step, Each):
            at = f"json_extract(j, {quoted(_pointer(pending))})" if pending else "j"
            relation = f"(SELECT unnest(json_extract({at}, '$[*]')) AS j FROM {relation})"  # noqa: S608
            pending = []
        else:
            pending.append(step if isinstance(step, int) else (step, True))
    if pending:
        relation = f"(SELECT json_extract(j, {quoted(_pointer(pending))}) AS j FROM {relation})"  # noqa: S608
    last = next((step for step in reversed(steps) if isinstance(step, str)), "")
    return Source(relation, JsonColumns(), ((last, Value("j", "json")),))


# ── Parquet ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class ParquetColumns(NamedTuple):
    """The columns of a Parquet file, with their kinds; those that hold several values are read as documents."""

    kinds: dict[str, Kind]

    def value(self, path: Sequence[Step]) -> Value:
        """The column, or what lies within it."""
        step = path[0]
        if not isinstance(step, tuple):
            raise select_error("UnsupportedSqlStructure")
        asked, exactly = step
        found = asked if asked in self.kinds else None
        if found is None and not exactly:
            found = next((one for one in self.kinds if one.lower() == asked.lower()), None)
        if found is None:
            match = _PLACE.fullmatch(asked)
            if match is None or int(match[1]) > len(self.kinds):
                raise select_error("MissingHeaders")
            found = list(self.kinds)[int(match[1]) - 1]
        return self._read(found, path[1:])

    def _read(self, column: str, within: Sequence[Step]) -> Value:
        kind = self.kinds[column]
        if within:
            return Value(f"json_extract(to_json({name(column)}), {quoted(_pointer(within))})", "json")
        if kind == "json":
            return Value(f"to_json({name(column)})", "json")
        return Value(f"CAST({name(column)} AS TIMESTAMP)" if kind == "time" else name(column), kind)

    def missing(self, path: Sequence[Step]) -> str:
        """Whether nothing lies at a path."""
        return f"({self.value(path).sql} IS NULL)"


def _parquet(path: Path, database: Any, groups: tuple[int, int] | None) -> Source:
    relation = f"read_parquet({quoted(str(path))})"
    if groups is not None:
        first, behind = _rows_of_groups(path, database, groups)
        relation = (
            f"(SELECT * EXCLUDE (file_row_number) FROM read_parquet({quoted(str(path))}, file_row_number = true) "  # noqa: S608  (our own text)
            f"WHERE file_row_number >= {first} AND file_row_number < {behind})"
        )
    described = database.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608  (our own text)
    columns = ParquetColumns({row[0]: _kind(row[1]) for row in described})
    return Source(relation, columns, tuple((one, columns.value([(one, True)])) for one in columns.kinds))


def _rows_of_groups(path: Path, database: Any, between: tuple[int, int]) -> tuple[int, int]:
    """(first row, row behind the last) of the row groups that begin between two bytes of a Parquet file."""
    starts = "least(min(data_page_offset), coalesce(min(nullif(dictionary_page_offset, 0)), min(data_page_offset)))"
    rows = database.execute(
        f"SELECT {starts}, any_value(row_group_num_rows) FROM parquet_metadata({quoted(str(path))}) "  # noqa: S608
        "GROUP BY row_group_id ORDER BY row_group_id"
    ).fetchall()
    begin = sum(count for at, count in rows if at < between[0])
    return begin, begin + sum(count for at, count in rows if between[0] <= at < between[1])


def _kind(type_: str) -> Kind:
    """The kind of a type of DuckDB's."""
    if type_.endswith("]"):
        return "json"
    if type_ in ("VARCHAR", "UUID"):
        return "text"
    if type_ == "BOOLEAN":
        return "bool"
    if type_ == "DATE" or type_.startswith("TIMESTAMP"):
        return "time"
    return "number" if "INT" in type_ or type_.startswith(("FLOAT", "DOUBLE", "DECIMAL")) else "json"
