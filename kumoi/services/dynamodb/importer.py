"""Does imports: reads the files of a bucket in the order of their keys, and puts their items into the new table.

An import that a crash interrupted begins anew; it puts the same items. What is no item of the table is counted, told in
CloudWatch Logs and passed over. Source: "DynamoDB data import from Amazon S3: how it works" of the developer guide.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from kumoi.doorway import CallDropped, Doorway
from kumoi.services.dynamodb.changes import prepare, put_of, store
from kumoi.services.dynamodb.import_files import ItemFile, Unreadable
from kumoi.services.dynamodb.imports import Import, imports
from kumoi.services.dynamodb.keys import Item
from kumoi.services.dynamodb.records import tables
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.wire.errors import AwsError

LOG_GROUP = "/aws-dynamodb/imports"
MOST_TOLD = 100
"""Errors that are told in the log; the others are counted."""
BATCH = 50


async def run_import(doorway: Doorway, timer: Timer) -> None:
    """Do an import; what S3 refuses is its failure, and leaves the table with what was put by then."""
    state = doorway.state.at(timer.account, timer.region)
    found = await _find(state, timer.key)
    if found is None or found.status != "IN_PROGRESS":
        return
    run = _Run(doorway, state, timer.region, found)
    failure: dict[str, Any] = {}
    try:
        await run.read_all()
    except AwsError as error:
        failure = {"failure_code": f"S3{error.code}", "failure_message": error.message}
    except CallDropped as error:
        failure = {"failure_code": "InternalServerError", "failure_message": str(error)}
    except Unreadable as error:
        failure = {"failure_code": "ItemValidationError", "failure_message": str(error)}
    await run.tell_errors()
    counts = {"processed": run.processed, "imported": run.imported, "errors": run.errors, "bytes": run.bytes}
    await _end(state, found, doorway.clock.now(), counts | failure)


class _Run:
    """One import under way."""

    def __init__(self, doorway: Doorway, state: State, region: str, wanted: Import) -> None:
        self._doorway = doorway
        self._state = state
        self._region = region
        self._import = wanted
        self._caller = msgspec.structs.replace(wanted.caller, source=f"dynamodb:{wanted.table}")
        self._told: list[str] = []
        self.processed = self.imported = self.errors = self.bytes = 0

    async def read_all(self) -> None:
        """Read every file."""
        async for key, size in self._keys():
            self.bytes += size
            await self._read(key)

    async def _keys(self) -> AsyncIterator[tuple[str, int]]:
        source = self._import.asked["S3BucketSource"]
        params = {"Bucket": source["S3Bucket"], "Prefix": source.get("S3KeyPrefix") or "", **self._owner(source)}
        while True:
            page = await self._ask("ListObjectsV2", params)
            for one in page.get("Contents", ()):
                if one["Size"]:
                    yield one["Key"], one["Size"]
            if not page.get("IsTruncated"):
                return
            params["ContinuationToken"] = page["NextContinuationToken"]

    async def _read(self, key: str) -> None:
        asked, source = self._import.asked, self._import.asked["S3BucketSource"]
        answer = await self._ask("GetObject", {"Bucket": source["S3Bucket"], "Key": key, **self._owner(source)})
        types = {one["AttributeName"]: one["AttributeType"] for one in asked["Types"]}
        options = (asked.get("InputFormatOptions") or {}).get("Csv") or {}
        file = ItemFile(asked["InputFormat"], asked.get("InputCompressionType") or "NONE", types, options)
        try:
            async for piece in _pieces(answer["Body"]):
                some = file.feed(piece)
                while (found := await asyncio.to_thread(next, some, None)) is not None:
                    await self._put(key, found)
            await self._put(key, await asyncio.to_thread(file.end))
        except Unreadable as error:
            raise Unreadable(f"{key} cannot be read: {error}") from None

    async def _put(self, key: str, found: list[Item | str]) -> None:
        for start in range(0, len(found), BATCH):
            batch = found[start : start + BATCH]
            self.processed += len(batch)
            items = [one for one in batch if not isinstance(one, str)]
            refused = await _store(self._state, self._import.table, self._import.uuid, items)
            self.imported += len(items) - len(refused)
            for text in [*(one for one in batch if isinstance(one, str)), *refused]:
                self.errors += 1
                if len(self._told) < MOST_TOLD:
                    self._told.append(f"{key}: {text}")

    async def tell_errors(self) -> None:
        """Write what was passed over into the log, as the caller; a log that refuses it does not matter."""
        if not self._told:
            return
        place = {"logGroupName": LOG_GROUP, "logStreamName": self._import.id}
        at = int(self._doorway.clock.now() * 1000)
        events = [{"timestamp": at, "message": text[:10_000]} for text in self._told]
        for operation, params in (
            ("CreateLogGroup", {"logGroupName": LOG_GROUP}),
            ("CreateLogStream", place),
            ("PutLogEvents", {**place, "logEvents": events}),
        ):
            try:
                await self._doorway.ask("logs", operation, params, self._caller, self._region)
            except AwsError as error:
                if error.code != "ResourceAlreadyExistsException":
                    return
            except CallDropped:
                return

    def _owner(self, source: dict[str, str]) -> dict[str, str]:
        owner = source.get("S3BucketOwner")
        return {} if owner is None else {"ExpectedBucketOwner": owner}

    async def _ask(self, operation: str, params: dict[str, Any]) -> Any:
        return await self._doorway.ask("s3", operation, params, self._caller, self._region)


async def _pieces(body: Any) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield bytes(piece)


@transactional
async def _find(tx: Transaction, id: str) -> Import | None:
    return await imports.get(tx, id)


@transactional
async def _store(tx: Transaction, name: str, uuid: str, items: list[Item]) -> list[str]:
    """Put items; why some are refused."""
    table = await tables.get(tx, name)
    if table is None or table.uuid != uuid:
        return ["the table is no longer there"] * len(items)
    refused: list[str] = []
    for item in items:
        try:
            await store(tx, await prepare(tx, table, put_of(item)))
        except AwsError as error:
            refused.append(error.message)
    return refused


@transactional
async def _end(tx: Transaction, done: Import, ended: float, result: dict[str, Any]) -> None:
    status = "FAILED" if "failure_code" in result else "COMPLETED"
    await imports.put(tx, msgspec.structs.replace(done, status=status, ended=ended, **result))
    table = await tables.get(tx, done.table)
    if table is not None and table.uuid == done.uuid:
        await tables.put(tx, msgspec.structs.replace(table, restoring=False))
