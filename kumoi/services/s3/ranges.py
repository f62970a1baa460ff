"""Byte ranges of a read and of a part's copy, as pure rules.

S3 serves the whole object for a Range it does not understand, and refuses one it cannot satisfy. Rules: GetObject and
UploadPartCopy in the API reference, and recorded answers of the service.
"""

from __future__ import annotations

import re

from kumoi.wire.errors import aws_error

_RANGE = re.compile(r"bytes=(\d{1,19})?-(\d{1,19})?")
_COPY_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{1,19})")


def read_range(text: str, size: int) -> tuple[int, int] | None:
    """(offset, length) of a Range header; None for the whole object. Raises InvalidRange."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or match[1] == match[2] is None:
        return None
    if match[1] is None:
        offset, end = max(0, size - int(match[2])), size
    else:
        offset = int(match[1])
        end = size if match[2] is None else min(size, int(match[2]) + 1)
        if match[2] is not None and int(match[2]) < offset:
            return None
    if offset >= end:
        raise aws_error(
            "InvalidRange",
            "The requested range is not satisfiable",
            ActualObjectSize=size,
            RangeRequested=text,
        )
    return offset, end - offset


def copy_range(text: str, size: int) -> tuple[int, int]:
    """(offset, length) of an x-amz-copy-source-range; raises InvalidArgument or InvalidRequest."""
    match = _COPY_RANGE.fullmatch(text)
    if match is None or int(match[2]) < int(match[1]):
        raise aws_error(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the"
            " zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    first, last = int(match[1]), int(match[2])
    if first >= size:
        raise aws_error("InvalidRequest", "The specified copy range is invalid for the source object size")
    if last >= size:
        raise aws_error(
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    return first, last - first + 1


def content_range(offset: int, length: int, size: int) -> str:
    """A Content-Range header."""
    return f"bytes {offset}-{offset + length - 1}/{size}"
