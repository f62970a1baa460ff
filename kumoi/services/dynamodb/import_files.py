"""The items of a file that is imported: DynamoDB JSON or CSV, plain or compressed with gzip; pure.

A file is fed in pieces, and answers the items that are complete, some at a time: little may unpack to much.
Source: "Amazon S3 import formats for DynamoDB" of the developer guide.
"""

from __future__ import annotations

import base64
import binascii
import csv
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from kumoi.services.dynamodb.keys import Item
from kumoi.services.dynamodb.language.values import normalise
from kumoi.wire.errors import AwsError

LONGEST_LINE = 8 << 20
UNPACKED = 1 << 20
"""Bytes of a compressed file that are unpacked at once."""


class Unreadable(Exception):
    """A file is not what it was said to be."""


class ItemFile:
    """One file. `types` are those of the key attributes, which CSV's columns take."""

    def __init__(self, kind: str, compression: str, types: Mapping[str, str], csv_options: Mapping[str, Any]) -> None:
        self._json = kind == "DYNAMODB_JSON"
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if compression == "GZIP" else None
        self._types = types
        self._delimiter: str = csv_options.get("Delimiter") or ","
        self._header: Sequence[str] | None = csv_options.get("HeaderList") or None
        self._rest = b""
        self._quoted: list[bytes] = []
        self._held = 0

    def feed(self, piece: bytes) -> Iterator[list[Item | str]]:
        """The items of the lines that end in a piece; a text for each line that is none, saying why."""
        for part in self._unpacked(piece):
            lines = (self._rest + part).split(b"\n")
            self._rest = lines.pop()
            found = list(self._items(lines))
            if len(self._rest) + self._held > LONGEST_LINE:
                raise Unreadable(f"it has a line or a quoted field of more than {LONGEST_LINE} bytes")
            yield found

    def end(self) -> list[Item | str]:
        """The item of the last line, where it is not ended."""
        rest, self._rest = self._rest, b""
        return list(self._items([rest], last=True))

    def _unpacked(self, piece: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            yield piece
            return
        try:
            while piece:
                yield self._inflate.decompress(piece, UNPACKED)
                piece = self._inflate.unconsumed_tail or self._inflate.unused_data
                if self._inflate.eof:
                    self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        except zlib.error as error:
            raise Unreadable(f"it is not compressed with gzip: {error}") from None

    def _items(self, lines: list[bytes], *, last: bool = False) -> Iterator[Item | str]:
        if self._json:
            yield from (_json_item(line) for line in lines if line.strip())
            return
        for line in lines:
            odd = line.count(b'"') % 2 == 1
            if not self._quoted and not odd:
                record = line
            else:  # a quoted field holds the ends of lines
                self._quoted.append(line)
                self._held += len(line) + 1
                if len(self._quoted) == 1 or not odd:
                    continue
                record = b"\n".join(self._quoted)
                self._quoted, self._held = [], 0
            if record.strip():
                yield from self._csv_item(record)
        if last and self._quoted:
            yield "a quoted field is not closed"

    def _csv_item(self, record: bytes) -> Iterator[Item | str]:
        try:
            (row,) = csv.reader([record.decode("utf-8-sig").rstrip("\r")], delimiter=self._delimiter, strict=True)
        except (UnicodeDecodeError, csv.Error, ValueError) as error:
            yield f"it is no line of CSV: {error}"
            return
        if self._header is None:
            self._header = row
        elif len(row) != len(self._header):
            yield f"it has {len(row)} fields, the header {len(self._header)}"
        else:
            yield _checked(
                {name: self._value(name, text) for name, text in zip(self._header, row, strict=True) if text}
            )

    def _value(self, name: str, text: str) -> dict[str, Any]:
        kind = self._types.get(name, "S")
        return {kind: text}


def _json_item(line: bytes) -> Item | str:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"it is no JSON: {error}"
    item = found.get("Item") if isinstance(found, dict) else None
    return _checked(item) if isinstance(item, dict) else "it has no Item"


def _checked(item: Mapping[str, Any]) -> Item | str:
    try:
        return {name: normalise(from_json(value)) for name, value in item.items()}
    except AwsError as error:
        return error.message
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, binascii.Error):
        return "it has an attribute that is no value of DynamoDB's"


def from_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """A value of DynamoDB JSON, where binaries are texts in base64; ValueError for what is none."""
    ((kind, content),) = value.items()
    if kind in ("S", "N"):
        return {kind: _text(content)}
    if kind == "B":
        return {kind: base64.b64decode(_text(content), validate=True)}
    if kind in ("SS", "NS"):
        return {kind: [_text(one) for one in content]}
    if kind == "BS":
        return {kind: [base64.b64decode(_text(one), validate=True) for one in content]}
    if kind == "L":
        return {kind: [from_json(one) for one in content]}
    if kind == "M":
        return {kind: {name: from_json(one) for name, one in content.items()}}
    if kind in ("BOOL", "NULL") and isinstance(content, bool):
        return {kind: content}
    raise ValueError(kind)


def _text(content: Any) -> str:
    if not isinstance(content, str):
        raise TypeError(type(content).__name__)
    return content
