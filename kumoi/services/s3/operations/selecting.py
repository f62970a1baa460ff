"""SelectObjectContent: a query over one object, answered by events while it runs."""

from __future__ import annotations

import asyncio
import bz2
import tempfile
import zlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import archive, encryption, manifests, s3
from kumoi.services.s3.bodies import Readers, blobs_of, inline_body
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.queries import Queries
from kumoi.services.s3.records import Bucket, ObjectVersion
from kumoi.services.s3.select.errors import select_error
from kumoi.services.s3.select.serialization import Input, read_input, read_output, read_range
from kumoi.services.s3.topics import SELECTING
from kumoi.services.s3.versions import find_object
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

LARGEST = 32 * 1024**3
"""Bytes that an object may have once it is decompressed."""


@s3.operation
async def select_object_content(
    call: Call,
    Bucket: str,
    Key: str,
    Expression: str | None = None,
    ExpressionType: str | None = None,
    InputSerialization: dict[str, Any] | None = None,
    OutputSerialization: dict[str, Any] | None = None,
    RequestProgress: dict[str, Any] | None = None,
    ScanRange: dict[str, Any] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Begin a query; what can be told of it before any record is read is told as an error."""
    from kumoi.services.s3.select.dialect import read
    from kumoi.services.s3.select.engine import Selection

    if not Expression:
        raise select_error("MissingRequiredParameter", "Expression")
    if ExpressionType != "SQL":
        raise select_error("InvalidExpressionType")
    form, output = read_input(InputSerialization), read_output(OutputSerialization)
    query = await call.part(Queries).run(read, Expression)
    bucket, version, inline = await _find(call.state, Bucket, Key, members)
    scanned = read_range(ScanRange, form, version.size)
    directory = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=call.doorway.directory(SELECTING)))
    readers, reading = call.part(Readers), version.manifest or version.blob
    readers.reading[reading] += 1
    loop = asyncio.get_running_loop()

    def closed() -> None:
        loop.call_soon_threadsafe(readers.reading.subtract, {reading: 1})

    queries = call.part(Queries)
    selection = await queries.run(Selection, directory, closed)
    queries.add(selection)
    try:
        file = _File(call, directory, bucket, version, inline)
        path, processed = await file.ready(form, None if form.form == "parquet" else scanned)
        groups = scanned if form.form == "parquet" else None
        await queries.run(selection.start, query, form, output, path, call.now, groups)
    except BaseException:
        await asyncio.to_thread(selection.close)
        raise
    size = version.size if scanned is None else scanned[1] - scanned[0]
    progress = bool((RequestProgress or {}).get("Enabled"))
    return {"Payload": _events(queries, selection, size, processed, progress=progress)}


@transactional
async def _find(
    tx: Transaction, name: str, key: str, members: Mapping[str, Any]
) -> tuple[Bucket, ObjectVersion, bytes | None]:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx = home(tx, bucket)
    version = await find_object(tx, bucket, key)
    encryption.check_access(version.encryption, encryption.customer_key(dict(members)))
    archive.check_readable(version, tx.now)
    inline = await inline_body(tx, version) if not version.blob and not version.manifest else None
    return bucket, version, inline


async def _events(
    queries: Queries, selection: Any, scanned: int, processed: int, *, progress: bool
) -> AsyncIterator[dict[str, Any]]:
    returned = 0
    try:
        while (records := await queries.run(selection.records)) is not None:
            returned += len(records)
            yield {"Records": {"Payload": records}}
            if progress:
                yield {"Progress": {"Details": _details(scanned, processed, returned)}}
        if progress and not returned:
            yield {"Progress": {"Details": _details(scanned, processed, 0)}}
        yield {"Stats": {"Details": _details(scanned, processed, returned)}}
        yield {"End": {}}
    finally:
        await asyncio.to_thread(selection.close)


def _details(scanned: int, processed: int, returned: int) -> dict[str, int]:
    return {"BytesScanned": scanned, "BytesProcessed": processed, "BytesReturned": returned}


class _File:
    """The object's bytes as one plain file: its own where it lies in one as it is, else one written for the query."""

    def __init__(
        self, call: Call, directory: Path, bucket: Bucket, version: ObjectVersion, inline: bytes | None
    ) -> None:
        self._call = call
        self._directory = directory
        self._bucket = bucket
        self._version = version
        self._inline = inline

    async def ready(self, form: Input, scanned: tuple[int, int] | None) -> tuple[Path, int]:
        """(the file, the bytes it has); raises TruncatedInput for what cannot be decompressed."""
        version = self._version
        if version.blob and form.compression == "NONE" and scanned is None:
            path = blobs_of(self._call.doorway).path(version.blob)
            if path is not None:
                return path, version.size
        pieces = self._pieces()
        if form.compression != "NONE":
            pieces = _decompressed(pieces, form.compression)
        elif scanned is not None:
            pieces = _lines(pieces, *scanned)
        path, size = self._directory / "records", 0
        with await asyncio.to_thread(path.open, "wb") as file:
            async for piece in pieces:
                size += len(piece)
                if size > LARGEST:
                    raise aws_error("OverMaxRecordSize", f"Kumoi's S3 Select reads objects of {LARGEST} bytes at most.")
                await asyncio.to_thread(file.write, piece)
        return path, size

    def _pieces(self) -> AsyncIterator[bytes]:
        version, blobs = self._version, blobs_of(self._call.doorway)
        if version.blob:
            return blobs.stream(version.blob)
        if version.manifest:
            state = self._call.state.at(self._bucket.account, self._bucket.region)
            readers = self._call.part(Readers)
            return manifests.stream(state, blobs, readers, version.manifest, 0, version.size)
        return _once(self._inline or b"")


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _decompressed(pieces: AsyncIterator[bytes], compression: str) -> AsyncIterator[bytes]:
    """The content of a GZIP or BZIP2 file, of several members too; raises TruncatedInput."""
    running: Any = None
    try:
        async for piece in pieces:
            while piece:
                if running is None:
                    running = bz2.BZ2Decompressor() if compression == "BZIP2" else zlib.decompressobj(31)
                yield await asyncio.to_thread(running.decompress, piece)
                piece = running.unused_data
                if running.eof:
                    running = None
    except (OSError, zlib.error, EOFError):
        raise select_error("TruncatedInput") from None
    if running is not None:
        raise select_error("TruncatedInput")


async def _lines(pieces: AsyncIterator[bytes], first: int, behind: int) -> AsyncIterator[bytes]:
    """The lines that begin between two bytes of a file."""
    at = 0
    begun = first == 0
    async for piece in pieces:
        start, end = 0, len(piece)
        if not begun:
            newline = piece.find(b"\n", max(0, first - 1 - at))
            if at + end < first or newline < 0:
                at += end
                continue
            start, begun = newline + 1, True
        if at + end >= behind:
            newline = piece.find(b"\n", max(start, behind - 1 - at))
            if at + start >= behind or newline >= 0:
                yield b"" if at + start >= behind else piece[start : newline + 1]
                return
        yield piece[start:end]
        at += end
