"""The items in a file that a Distributed Map reads: CSV, JSON, JSON Lines, Parquet; gzipped or not. Bytes to values.

Source: "ItemReader" of the developer guide and recorded errors.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable
from tempfile import NamedTemporaryFile
from typing import Any

import orjson

from kumoi.services.stepfunctions.language.errors import ITEM_READER_FAILED, StateError
from kumoi.services.stepfunctions.naming import small_number

LARGEST = 1 << 30
"""The most bytes that a file may have once it is unpacked."""
_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}


def failed(why: str) -> StateError:
    """States.ItemReaderFailed."""
    return StateError(ITEM_READER_FAILED, why)


def items_of(content: bytes, config: dict[str, Any]) -> list[Any]:
    """The items in a file, as its ReaderConfig says."""
    kind = config.get("InputType", "JSON")
    if kind == "PARQUET":
        return _parquet(content)
    content = _unpacked(content)
    try:
        if kind == "CSV":
            return list(_rows(content.decode("utf-8-sig"), config))
        if kind == "JSONL":
            return [orjson.loads(line) for line in content.splitlines() if line.strip()]
        if kind == "JSON":
            return _json(orjson.loads(content), config.get("ItemsPointer"))
    except UnicodeDecodeError:
        raise failed("The file is not encoded in UTF-8.") from None
    except orjson.JSONDecodeError as error:
        raise failed(f"The file is not valid {kind}: {error}") from None
    raise failed(f"Kumoi does not read items of the type {kind}: CSV, JSON, JSONL and PARQUET it does.")


def _unpacked(content: bytes) -> bytes:
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        raise failed("Kumoi does not read files compressed by Zstandard; gzip it does.")
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise failed(f"The file is not valid gzip: {error}") from None
    if len(unpacked) > LARGEST:
        raise failed(f"The file is larger than {LARGEST} bytes unpacked.")
    return unpacked


def _parquet(content: bytes) -> list[Any]:
    """The rows as objects: what JSON has no type for (times, decimals) as text."""
    import duckdb

    with NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect() as database:
        file.write(content)
        file.flush()
        try:
            rows = database.execute(
                "SELECT CAST(to_json(one) AS VARCHAR) FROM read_parquet(?) AS one", [file.name]
            ).fetchall()
        except duckdb.Error as error:
            raise failed(f"The file is not valid Parquet: {str(error).partition(chr(10))[0]}") from None
    return [orjson.loads(text) for (text,) in rows]


def _json(document: Any, pointer: str | None) -> list[Any]:
    for part in (pointer or "").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and (place := small_number(key)) is not None and place < len(document):
            document = document[place]
        else:
            raise failed(f"ItemsPointer {pointer} points at nothing in the file.")
    if isinstance(document, dict):
        return [{"Key": key, "Value": value} for key, value in document.items()]
    if not isinstance(document, list):
        raise failed("Attempting to map over non-iterable node.")
    return document


def _rows(text: str, config: dict[str, Any]) -> Iterable[dict[str, str]]:
    delimiter = _DELIMITERS.get(config.get("CSVDelimiter", "COMMA"))
    if delimiter is None:
        raise failed(f"CSVDelimiter must be one of {', '.join(_DELIMITERS)}.")
    rows = (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row)
    try:
        given = config.get("CSVHeaderLocation", "FIRST_ROW") == "GIVEN"
        headers = [one.strip() for one in (config.get("CSVHeaders", ()) if given else next(rows, ()))]
        if len(set(headers)) != len(headers):
            raise failed("CSV headers cannot contain duplicates.")
        for row in rows:
            cells = [*row, *[""] * (len(headers) - len(row))]
            yield dict(zip(headers, cells, strict=False))
    except csv.Error as error:
        raise failed(f"The file is not valid CSV: {error}") from None


def most_of(config: dict[str, Any]) -> int | None:
    """MaxItems; None where all are wanted."""
    most = config.get("MaxItems")
    if most is None:
        return None
    if isinstance(most, bool) or not isinstance(most, int | float) or most <= 0:
        raise failed("field MaxItems must be positive")
    return int(most)


def limited(items: list[Any], config: dict[str, Any]) -> list[Any]:
    """The first MaxItems items."""
    most = most_of(config)
    return items if most is None else items[:most]


def batches(items: list[Any], config: dict[str, Any], size_of: Any) -> list[list[Any]]:
    """Items in batches of at most MaxItemsPerBatch, and of MaxInputBytesPerBatch by `size_of`."""
    most, longest = config.get("MaxItemsPerBatch"), config.get("MaxInputBytesPerBatch")
    found: list[list[Any]] = []
    size = 0
    for item in items:
        width = size_of(item) if longest is not None else 0
        full = not found or (most is not None and len(found[-1]) >= most)
        if full or (longest is not None and size + width > longest):
            found.append([])
            size = 0
        found[-1].append(item)
        size += width
    return found
