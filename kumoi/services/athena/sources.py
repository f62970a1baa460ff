"""Tables brought from S3: their objects in files, text turned to Parquet, partitions as constants.

Everything is brought to a folder of the statement's, and gone with it. Parquet files are read as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kumoi import java_patterns
from kumoi.presto.column_types import ColumnTypeError, Type, hive_type
from kumoi.presto.database import connect, text_literal
from kumoi.presto.tables import Part, Relation
from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.formats import Reader, lines, reader_of, select
from kumoi.services.athena.places import NULL_PARTITION, Asker, Found, Location

_AT_ONCE = 8
_SPARED = 1 << 30
"""Bytes of the disk that no statement may take (a twentieth of a small one): the platform writes there, too."""
_PIECE = 8 << 20


class Loaded(NamedTuple):
    """A table that a query can read, and the bytes that were brought for it."""

    relation: Relation
    scanned: int


class _Source(NamedTuple):
    """Objects of one partition, and its values."""

    objects: Sequence[Found]
    values: Mapping[str, str | None]
    descriptor: Mapping[str, Any]


async def load(asker: Asker, table: Mapping[str, Any], folder: Path) -> Loaded:
    """Bring a table of the catalog; StatementFailed where it cannot be read."""
    descriptor, parameters = table.get("StorageDescriptor") or {}, table.get("Parameters") or {}
    columns = columns_of(descriptor.get("Columns") or ())
    keys = columns_of(table.get("PartitionKeys") or ())
    sources = await _sources(asker, table, descriptor, list(keys))
    scanned = sum(one.size for source in sources for one in source.objects)
    await asyncio.to_thread(folder.mkdir, parents=True, mode=0o700)
    await asyncio.to_thread(_check_room, folder, scanned)
    slots = asyncio.Semaphore(_AT_ONCE)
    parts: list[Part] = []

    async def bring(number: int, one: Found, source: _Source) -> None:
        async with slots:
            path = folder / f"{number}{_suffix(one.key)}"
            await asker.fetch(one, path)
            reader = reader_of(source.descriptor, parameters)
            part = await asyncio.to_thread(as_parquet, reader, path, columns, folder)
            parts.append(part._replace(constants=source.values))

    jobs = [(one, source) for source in sources for one in source.objects]
    try:
        async with asyncio.TaskGroup() as group:
            for number, (one, source) in enumerate(jobs):
                group.create_task(bring(number, one, source))
    except* StatementFailed as failed:
        raise StatementFailed(str(failed.exceptions[0])) from None
    return Loaded(Relation(parts, {**columns, **keys}), scanned)


def columns_of(given: Sequence[Mapping[str, str]]) -> dict[str, Type]:
    """The columns of the catalog, with their types; StatementFailed for a type that is none."""
    try:
        return {one["Name"].lower(): hive_type(one.get("Type") or "string") for one in given}
    except ColumnTypeError as error:
        raise StatementFailed(f"INVALID_TABLE: a column's type cannot be read: {error}") from None


async def _sources(
    asker: Asker, table: Mapping[str, Any], descriptor: Mapping[str, Any], keys: Sequence[str]
) -> list[_Source]:
    location = descriptor.get("Location")
    if not location:
        raise StatementFailed(f"INVALID_TABLE: the table {table['Name']} has no location.")
    parameters = table.get("Parameters") or {}
    if not keys:
        return [_Source(await asker.objects(Location.of(location)), {}, descriptor)]
    if parameters.get("projection.enabled", "").lower() == "true":
        return await _projected(asker, location, parameters, descriptor, keys)
    found: list[_Source] = []
    more: dict[str, Any] = {}
    while True:
        page = await asker.ask(
            "glue", "GetPartitions", DatabaseName=table["DatabaseName"], TableName=table["Name"], **more
        )
        for one in page["Partitions"]:
            own = {**descriptor, **(one.get("StorageDescriptor") or {})}
            values = {
                key: None if value == NULL_PARTITION else value for key, value in zip(keys, one["Values"], strict=True)
            }
            found.append(_Source(await asker.objects(Location.of(own["Location"])), values, own))
        if "NextToken" not in page:
            return found
        more = {"NextToken": page["NextToken"]}


async def _projected(
    asker: Asker, location: str, parameters: Mapping[str, str], descriptor: Mapping[str, Any], keys: Sequence[str]
) -> list[_Source]:
    """Partitions by projection: what is there, told by where it lies."""
    default = location.rstrip("/") + "/" + "/".join(f"{key}=${{{key}}}" for key in keys)
    template = parameters.get("storage.location.template") or default
    _, _, pattern = template.partition("://")[2].partition("/")
    parts = re.split(r"\$\{([^}]*)\}", pattern.rstrip("/"))
    text = "".join(re.escape(part) if at % 2 == 0 else "([^/]*)" for at, part in enumerate(parts))
    groups = await asyncio.to_thread(_placed, f"{text}/", await asker.objects(Location.of(location)))
    sources: dict[tuple[str, ...], list[Found]] = {}
    for given, found in groups.items():
        values = dict(zip((part.lower() for part in parts[1::2]), given, strict=True))
        sources.setdefault(tuple(values.get(key, "") for key in keys), []).extend(found)
    return [_Source(found, dict(zip(keys, values, strict=True)), descriptor) for values, found in sources.items()]


def _placed(template: str, objects: Sequence[Found]) -> dict[tuple[str, ...], list[Found]]:
    """Objects by what their keys have where a template has its keys. Blocks."""
    groups: dict[tuple[str, ...], list[Found]] = {}
    try:
        pattern = java_patterns.compiled(template)
        for one in objects:
            match = pattern.match(one.key, timeout=java_patterns.SECONDS)
            if match is not None:
                groups.setdefault(match.groups(), []).append(one)
    except (java_patterns.BadPattern, TimeoutError):
        raise StatementFailed("INVALID_TABLE: storage.location.template is too complex.") from None
    return groups


def _check_room(folder: Path, size: int) -> None:
    """StatementFailed where so many bytes more would leave the disk too full."""
    disk = shutil.disk_usage(folder)
    if size > disk.free - min(_SPARED, disk.total // 20):
        raise StatementFailed(
            f"EXCEEDED_LOCAL_DISK: the table's files need {size:,} bytes more of a disk that has {disk.free:,} left."
        )


def _suffix(key: str) -> str:
    return "".join(part for part in (".gz", ".zst", ".bz2", ".snappy") if key.lower().endswith(part))


def as_parquet(reader: Reader, path: Path, columns: Mapping[str, Type], folder: Path) -> Part:
    """One file as Parquet; StatementFailed. Blocks."""
    import duckdb

    path = _unpacked(path)
    with contextlib.closing(connect(folder, threads=1)) as database:
        try:
            if reader.kind == "parquet":
                described = database.execute(f"DESCRIBE FROM read_parquet({text_literal(str(path))})")
                kinds = {str(row[0]).lower(): str(row[1]) for row in described.fetchall()}
                return Part([path], kinds)
            keys: Sequence[str] = ()
            if reader.kind == "json":
                listed = f"SELECT DISTINCT unnest(json_keys(json)) FROM {lines(path)}"  # noqa: S608  (our own path)
                keys = [row[0] for row in database.execute(listed).fetchall()]
            target = path.with_name(f"{path.name}.parquet")
            content = select(reader, path, columns, keys)
            database.execute(f"COPY ({content}) TO {text_literal(str(target))} (FORMAT parquet)")
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            raise StatementFailed(f"HIVE_BAD_DATA: a file of the table cannot be read: {said}") from None
    path.unlink()
    return Part([target], columns)


def _unpacked(path: Path) -> Path:
    if path.suffix in (".bz2", ".snappy"):
        raise StatementFailed(f"NOT_SUPPORTED: Kumoi's Athena reads no files packed as {path.suffix}.")
    if path.suffix not in (".gz", ".zst"):
        return path
    plain = path.with_suffix("")
    if path.suffix == ".gz":
        try:
            with gzip.open(path) as source, plain.open("wb") as target:
                while piece := source.read(_PIECE):
                    _check_room(path.parent, len(piece))
                    target.write(piece)
        except (OSError, EOFError) as error:
            raise StatementFailed(f"HIVE_CURSOR_ERROR: a file of the table cannot be unpacked: {error}") from None
    else:
        return path  # DuckDB reads it
    path.unlink()
    return plain
