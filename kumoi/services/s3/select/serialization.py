"""How a request says that its object is written, and its answer is to be: checked, with S3 Select's defaults; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from kumoi.services.s3.select.errors import select_error
from kumoi.wire.errors import aws_error

COMPRESSIONS = ("NONE", "GZIP", "BZIP2")
_NEWLINES = ("\n", "\r\n", "\r")


class Input(NamedTuple):
    """The object's form. Of CSV: `header` is what its first line is, `comment` may be empty."""

    form: Literal["csv", "lines", "document", "parquet"]
    compression: str = "NONE"
    header: str = "NONE"
    delimiter: str = ","
    newline: str = "\n"
    quote: str = '"'
    escape: str = '"'
    comment: str = ""


class Output(NamedTuple):
    """The answer's form."""

    form: Literal["csv", "json"]
    newline: str = "\n"
    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    always: bool = False


def read_input(given: Mapping[str, Any] | None) -> Input:
    """The form that an InputSerialization says; raises S3 Select's errors."""
    if not given:
        raise select_error("MissingRequiredParameter", "InputSerialization")
    compression = given.get("CompressionType") or "NONE"
    if compression not in COMPRESSIONS:
        raise select_error("InvalidCompressionFormat")
    forms = [name for name in ("CSV", "JSON", "Parquet") if given.get(name) is not None]
    if len(forms) != 1:
        raise select_error("InvalidDataSource" if not forms else "ObjectSerializationConflict")
    said = given[forms[0]]
    if forms[0] == "Parquet":
        if compression != "NONE":
            raise select_error("InvalidCompressionFormat", "a Parquet file is compressed within")
        return Input("parquet")
    if forms[0] == "JSON":
        kind = said.get("Type")
        if kind not in ("LINES", "DOCUMENT"):
            raise select_error("InvalidJsonType")
        return Input("lines" if kind == "LINES" else "document", compression)
    header = said.get("FileHeaderInfo") or "NONE"
    if header not in ("NONE", "USE", "IGNORE"):
        raise select_error("InvalidFileHeaderInfo")
    newline = said.get("RecordDelimiter") or "\n"
    if newline not in _NEWLINES:
        raise aws_error(
            "NotImplemented", "Kumoi's S3 Select reads records that end with a line's end; leave RecordDelimiter out."
        )
    return Input(
        "csv",
        compression,
        header,
        _character(said, "FieldDelimiter", ",", most=4) or ",",
        newline,
        _character(said, "QuoteCharacter", '"'),
        _character(said, "QuoteEscapeCharacter", '"'),
        _character(said, "Comments", ""),
    )


def read_output(given: Mapping[str, Any] | None) -> Output:
    """The form that an OutputSerialization says; raises S3 Select's errors."""
    if given is None:
        raise select_error("MissingRequiredParameter", "OutputSerialization")
    forms = [name for name in ("CSV", "JSON") if given.get(name) is not None]
    if len(forms) != 1:
        raise select_error("ObjectSerializationConflict")
    said = given[forms[0]]
    newline = said.get("RecordDelimiter") or "\n"
    if forms[0] == "JSON":
        return Output("json", newline)
    fields = said.get("QuoteFields") or "ASNEEDED"
    if fields not in ("ASNEEDED", "ALWAYS"):
        raise select_error("InvalidQuoteFields")
    return Output(
        "csv",
        newline,
        said.get("FieldDelimiter") or ",",
        said.get("QuoteCharacter") or '"',
        said.get("QuoteEscapeCharacter") or '"',
        fields == "ALWAYS",
    )


def read_range(given: Mapping[str, Any] | None, form: Input, size: int) -> tuple[int, int] | None:
    """(first byte, byte behind the last) that a ScanRange asks for; None for all.

    Meant are the records of text that begin there, the row groups of Parquet. Raises InvalidScanRange.
    """
    if not given:
        return None
    if form.compression != "NONE" or form.form == "document":
        raise select_error("InvalidScanRange", "it is of uncompressed lines, or of Parquet")
    start, end = given.get("Start"), given.get("End")
    if start is None:
        first, behind = max(0, size - (end or 0)), size
    else:
        first, behind = start, size if end is None else end + 1
    if not 0 <= first < behind:
        raise select_error("InvalidScanRange")
    return first, min(behind, size)


def _character(said: Mapping[str, Any], member: str, default: str, *, most: int = 1) -> str:
    value = said.get(member)
    if value is None:
        return default
    if len(value) > most:
        raise aws_error(
            "InvalidRequestParameter", f"The value of a parameter in SelectRequest element is invalid. ({member})"
        )
    return str(value)
