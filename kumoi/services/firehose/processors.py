"""What a processing configuration asks for, checked; and the processors that are rules alone.

Pure. The order is AWS's: decompression, log messages, de-aggregation, the function, partition keys, the delimiter.
Sources: "ProcessorParameter" of the API reference; "Apply dynamic partitioning to aggregated data" and "Decompress
CloudWatch Logs" of the developer guide.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.services.firehose import json_query
from kumoi.services.firehose.errors import invalid, unbuilt
from kumoi.services.firehose.flow import Failed, Flowing
from kumoi.services.firehose.records import MIB

_MOST_PARTS = 500
_FUNCTION_ARN = re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]{1,64}(?::[\w$-]{1,128})?", re.ASCII)
_MOST_INFLATED = 64 * MIB


class Function(NamedTuple):
    """The function that transforms records: in batches of so many bytes, tried again so often, in a role."""

    arn: str
    retries: int
    most_bytes: int
    role: str | None


class Processing(NamedTuple):
    """What is done with records: None, empty and False where it is not."""

    decompress: bool = False
    messages: bool = False
    parts: str = ""
    separator: bytes = b""
    function: Function | None = None
    query: str = ""
    delimiter: bytes = b""


NOTHING = Processing()


def processing_of(configuration: Mapping[str, Any] | None) -> Processing:
    """What a ProcessingConfiguration asks for; InvalidArgumentException where it cannot be."""
    if not configuration or not configuration.get("Enabled"):
        return NOTHING
    found = NOTHING
    kinds: set[str] = set()
    for processor in configuration.get("Processors") or ():
        kind = processor["Type"]
        if kind in kinds:
            raise invalid(f"Only one {kind} processor is allowed.")
        kinds.add(kind)
        given = {one["ParameterName"]: one["ParameterValue"] for one in processor.get("Parameters") or ()}
        found = found._replace(**_READ[kind](given))
    if found.messages and not found.decompress:
        raise invalid("CloudWatchLogProcessing needs a Decompression processor.")
    return found


def _decompression(given: Mapping[str, str]) -> dict[str, Any]:
    if given.get("CompressionFormat", "GZIP") != "GZIP":
        raise invalid("The Decompression processor's CompressionFormat is GZIP.")
    return {"decompress": True}


def _log_messages(given: Mapping[str, str]) -> dict[str, Any]:
    return {"messages": given.get("DataMessageExtraction", "").lower() == "true"}


def _parts(given: Mapping[str, str]) -> dict[str, Any]:
    kind = given.get("SubRecordType", "")
    if kind not in ("JSON", "DELIMITED"):
        raise invalid("SubRecordType of RecordDeAggregation must be JSON or DELIMITED.")
    if kind == "JSON":
        return {"parts": kind}
    try:
        separator = base64.b64decode(given.get("Delimiter", ""), validate=True)
    except (binascii.Error, ValueError):
        separator = b""
    if not separator:
        raise invalid("RecordDeAggregation of type DELIMITED needs a Delimiter in base64.")
    return {"parts": kind, "separator": separator}


def _function(given: Mapping[str, str]) -> dict[str, Any]:
    if not _FUNCTION_ARN.fullmatch(given.get("LambdaArn", "")):
        raise invalid("The Lambda processor needs the parameter LambdaArn, the ARN of a function.")
    retries = _number(given, "NumberOfRetries", 3.0, 0, 300)
    size = _number(given, "BufferSizeInMBs", 1.0, 0.2, 3)
    _number(given, "BufferIntervalInSeconds", 60.0, 0, 900)
    return {"function": Function(given["LambdaArn"], int(retries), int(size * MIB), given.get("RoleArn"))}


def _number(given: Mapping[str, str], name: str, usual: float, least: float, most: float) -> float:
    try:
        number = float(given.get(name, usual))
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise invalid(f"{name} of the Lambda processor must be from {least:g} to {most:g}.")
    return number


def _query(given: Mapping[str, str]) -> dict[str, Any]:
    query = given.get("MetadataExtractionQuery", "")
    if given.get("JsonParsingEngine", "JQ-1.6") != "JQ-1.6":
        raise invalid("JsonParsingEngine must be JQ-1.6.")
    try:
        json_query.keys_of(query)
        json_query.compiled(query)
    except json_query.QueryError as error:
        raise unbuilt(f"cannot run the MetadataExtractionQuery {query!r}: {error}") from None
    return {"query": query}


def _delimiter(given: Mapping[str, str]) -> dict[str, Any]:
    text = given.get("Delimiter", "\\n")
    return {"delimiter": text.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t").encode()}


_READ = {
    "Decompression": _decompression,
    "CloudWatchLogProcessing": _log_messages,
    "RecordDeAggregation": _parts,
    "Lambda": _function,
    "MetadataExtraction": _query,
    "AppendDelimiterToRecord": _delimiter,
}


def opened(processing: Processing, records: Iterable[Flowing], now: float) -> tuple[list[Flowing], list[Failed]]:
    """Records decompressed, reduced to messages and split, before a function gets them; and those that failed."""
    found: list[Flowing] = []
    failed: list[Failed] = []
    for record in records:
        try:
            parts = list(_opened(processing, record.content))
        except _Refused as error:
            failed.append(Failed("processing-failed", record, error.code, error.message, 1, now))
            continue
        if len(parts) == 1:
            found.append(record._replace(content=parts[0]))
        else:
            found += [record._replace(id=f"{record.id}{number:04d}", content=part) for number, part in enumerate(parts)]
    return found, failed


class _Refused(Exception):
    """A record that a processor cannot take."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _opened(processing: Processing, content: bytes) -> Iterator[bytes]:
    if processing.decompress:
        content = _inflated(content)
    if processing.messages:
        content = _messages(content)
        if not content:
            return
    if processing.parts == "JSON":
        yield from _limited(_json_parts(content))
    elif processing.parts:
        yield from _limited(part for part in content.split(processing.separator) if part)
    else:
        yield content


def _inflated(content: bytes) -> bytes:
    try:
        machine = zlib.decompressobj(16 + zlib.MAX_WBITS)
        made = machine.decompress(content, _MOST_INFLATED)
    except zlib.error:
        made = b""
        machine = None
    if machine is None or not machine.eof:
        raise _Refused("DecompressionFailed", "The record is not GZIP data as CloudWatch Logs sends them.")
    return made


def _messages(content: bytes) -> bytes:
    """The messages of an envelope of CloudWatch Logs, a line each; nothing of a control message."""
    try:
        envelope = orjson.loads(content)
        if envelope["messageType"] == "CONTROL_MESSAGE":
            return b""
        return b"".join(f"{one['message']}\n".encode() for one in envelope["logEvents"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise _Refused("CloudWatchLogProcessingFailed", "The record is no message of CloudWatch Logs.") from None


def _json_parts(content: bytes) -> Iterator[bytes]:
    """The objects of a record that follow one another, with nothing or white space between."""
    depth, begin, quoted, escaped = 0, 0, False, False
    for at, byte in enumerate(content):
        if quoted:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                quoted = False
        elif byte == 0x22 and depth:
            quoted = True
        elif byte == 0x7B:
            begin = at if depth == 0 else begin
            depth += 1
        elif byte == 0x7D and depth:
            depth -= 1
            if depth == 0:
                yield content[begin : at + 1]
        elif depth == 0 and byte not in b" \t\r\n":
            raise _Refused(_NOT_JSON, "The record is not a sequence of JSON objects.")
    if depth:
        raise _Refused(_NOT_JSON, "The record ends within a JSON object.")


_NOT_JSON = "RecordDeAggregation.InvalidJson"


def _limited(parts: Iterable[bytes]) -> Iterator[bytes]:
    for number, part in enumerate(parts):
        if number == _MOST_PARTS:
            raise _Refused("RecordDeAggregation.LimitExceeded", f"A record has up to {_MOST_PARTS} parts.")
        yield part


def keyed(query: str, records: Iterable[Flowing], now: float) -> tuple[list[Flowing], list[Failed]]:
    """Records with the partition keys that a query takes from them; and those that have none."""
    asked = json_query.compiled(query)
    found: list[Flowing] = []
    failed: list[Failed] = []
    for record in records:
        try:
            answer = asked(orjson.loads(record.content))
            found.append(record._replace(keys=record.keys._replace(query=_texts(answer))))
        except (json_query.QueryError, orjson.JSONDecodeError) as error:
            failed.append(Failed("processing-failed", record, EXTRACTION, str(error), 1, now))
    return found, failed


EXTRACTION = "DynamicPartitioning.MetadataExtractionFailed"


def _texts(answer: Mapping[str, Any]) -> dict[str, str]:
    empty = [name for name, value in answer.items() if value in (None, "")]
    if empty:
        raise json_query.QueryError(f"partitionKeys values must not be null or empty: {', '.join(empty)}")
    return {name: json_query.text_of(value) for name, value in answer.items()}
