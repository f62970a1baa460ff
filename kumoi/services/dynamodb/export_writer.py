"""Writes an export to its bucket: data files, the manifest of them, and the summary, as DynamoDB lays them out.

An export that a crash interrupted is written anew, under the same names. Source: "DynamoDB table export output format"
of the developer guide.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from kumoi.doorway import CallDropped, Doorway
from kumoi.services.dynamodb.describe import table_arn
from kumoi.services.dynamodb.exports import Export, exports
from kumoi.services.dynamodb.storage import ITEMS, Row
from kumoi.services.dynamodb.upkeep import erase_rows_later
from kumoi.state import Key, State, Timer, Transaction, transactional
from kumoi.wire.errors import AwsError

PAGE = 50
"""Items read and written down at once: a few milliseconds where they are small, and 20 MB at most."""
FILE_BYTES = 32 << 20
"""Bytes of items, before compression, that a data file holds."""

Files = list[dict[str, Any]]


async def write_export(doorway: Doorway, timer: Timer) -> None:
    """Write an export whose copy is there; what S3 refuses is the export's failure."""
    state = doorway.state.at(timer.account, timer.region)
    export = await _find(state, timer.key)
    if export is None or export.status != "IN_PROGRESS":
        return
    writer = _Writer(doorway, state, timer.region, export)
    try:
        await writer.write()
    except (AwsError, CallDropped) as error:
        code = f"S3{error.code}" if isinstance(error, AwsError) else "InternalServerError"
        await _end(state, export, doorway.clock.now(), {"failure_code": code, "failure_message": str(error)})
        return
    done = {"items": writer.items, "bytes": writer.bytes, "manifest": writer.key("manifest-summary.json")}
    await _end(state, export, writer.ended, done)


class _Writer:
    """One export under way."""

    def __init__(self, doorway: Doorway, state: State, region: str, export: Export) -> None:
        self._doorway = doorway
        self._state = state
        self._region = region
        self._export = export
        self._caller = msgspec.structs.replace(export.caller, source=f"dynamodb:{export.source.name}")
        self.items = self.bytes = 0
        self.ended = 0.0

    def key(self, name: str) -> str:
        """The key of one of the export's objects."""
        prefix = self._export.prefix.strip("/")
        return f"{prefix}/" * bool(prefix) + f"AWSDynamoDB/{self._export.id}/{name}"

    async def write(self) -> None:
        """Write all there is to write."""
        await self._put("_started", b"")
        files = await self._data()
        await self._with_checksum("manifest-files.json", b"".join(msgspec.json.encode(one) + b"\n" for one in files))
        self.ended = self._doorway.clock.now()
        await self._with_checksum("manifest-summary.json", msgspec.json.encode(self._summary()))

    async def _data(self) -> Files:
        files: Files = []
        lines: list[bytes] = []
        size, count, after = 0, 0, None
        while True:
            rows = await _read(self._state, self._export.rows, after)
            for key, row in rows:
                lines.append(msgspec.json.encode({"Item": row.item}))
                size += len(lines[-1])
                self.bytes += row.size
                after = key
            count += len(rows)
            last = len(rows) < PAGE
            if last or size >= FILE_BYTES:
                files.append(await self._file(len(files), lines))
                lines, size = [], 0
            if last:
                self.items = count
                return files

    async def _file(self, number: int, lines: list[bytes]) -> dict[str, Any]:
        body = await asyncio.to_thread(lambda: gzip.compress(b"".join(one + b"\n" for one in lines), 6, mtime=0))
        name = hashlib.md5(f"{self._export.id}/{number}".encode(), usedforsecurity=False).hexdigest()[:26]
        answer = await self._put(f"data/{name}.json.gz", body)
        return {
            "itemCount": len(lines),
            "md5Checksum": _md5(body),
            "etag": str(answer["ETag"]).strip('"'),
            "dataFileS3Key": self.key(f"data/{name}.json.gz"),
        }

    def _summary(self) -> dict[str, Any]:
        export = self._export
        arn = table_arn(self._state.account, self._state.region, export.source.name)
        return {
            "version": "2020-06-30",
            "exportArn": f"{arn}/export/{export.id}",
            "startTime": _time(export.begun),
            "endTime": _time(self.ended),
            "tableArn": arn,
            "tableId": export.source.uuid,
            "exportTime": _time(export.moment),
            "s3Bucket": export.bucket,
            "s3Prefix": export.prefix or None,
            "s3SseAlgorithm": export.asked.get("S3SseAlgorithm", "AES256"),
            "s3SseKmsKeyId": export.asked.get("S3SseKmsKeyId"),
            "manifestFilesS3Key": self.key("manifest-files.json"),
            "billedSizeBytes": self.bytes,
            "itemCount": self.items,
            "outputFormat": "DYNAMODB_JSON",
            "exportType": "FULL_EXPORT",
        }

    async def _with_checksum(self, name: str, body: bytes) -> None:
        await self._put(name, body)
        await self._put(name.replace(".json", ".checksum"), _md5(body).encode())

    async def _put(self, name: str, body: bytes) -> Any:
        params: dict[str, Any] = {"Bucket": self._export.bucket, "Key": self.key(name), "Body": body}
        algorithm = self._export.asked.get("S3SseAlgorithm")
        if algorithm is not None:
            params["ServerSideEncryption"] = "aws:kms" if algorithm == "KMS" else algorithm
        for member, name in (("S3SseKmsKeyId", "SSEKMSKeyId"), ("S3BucketOwner", "ExpectedBucketOwner")):
            if member in self._export.asked:
                params[name] = self._export.asked[member]
        return await self._doorway.ask("s3", "PutObject", params, self._caller, self._region)


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S}.{int(moment % 1 * 1000):03d}Z"


@transactional
async def _find(tx: Transaction, id: str) -> Export | None:
    return await exports.get(tx, id)


@transactional
async def _read(tx: Transaction, id: int, after: Key | None) -> list[tuple[Key, Row]]:
    return [(row.key, Row(row.value)) for row in await tx.range((ITEMS, id), after=after, limit=PAGE)]


@transactional
async def _end(tx: Transaction, export: Export, ended: float, result: dict[str, Any]) -> None:
    status = "FAILED" if "failure_code" in result else "COMPLETED"
    await exports.put(tx, msgspec.structs.replace(export, status=status, ended=ended, **result))
    await erase_rows_later(tx, export.rows)
