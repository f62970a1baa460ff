"""Data stores: made, changed, described, listed and deleted."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.lookup import find_datastore
from kumoi.services.iotanalytics.naming import (
    check_retention,
    exists,
    given,
    invalid,
    page,
    read_tags,
    retention_shown,
)
from kumoi.services.iotanalytics.records import DatastoreRecord, Segment, datastores, segments
from kumoi.services.iotanalytics.retention import set_sweep
from kumoi.services.iotanalytics.runner import Runner
from kumoi.services.iotanalytics.segments import SegmentFiles
from kumoi.services.iotanalytics.storage_rules import read_format, read_partitions, read_storage, service_managed
from kumoi.state import Transaction, transactional


@iotanalytics.operation
async def create_datastore(
    call: Call,
    datastoreName: str,
    datastoreStorage: dict[str, Any] | None = None,
    retentionPeriod: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
    fileFormatConfiguration: dict[str, Any] | None = None,
    datastorePartitions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a data store."""
    check_retention(retentionPeriod)
    store = DatastoreRecord(
        name=datastoreName,
        id=uuid(),
        created=call.now,
        updated=call.now,
        tags=read_tags(tags),
        storage=read_storage(datastoreStorage),
        format=read_format(fileFormatConfiguration),
        partitions=read_partitions(datastorePartitions),
        retention=retentionPeriod,
    )
    await _create(call.state, call, store)
    return {
        "datastoreName": datastoreName,
        "datastoreArn": call.arn("iotanalytics", f"datastore/{datastoreName}"),
        "retentionPeriod": retention_shown(retentionPeriod),
    }


@iotanalytics.operation
async def update_datastore(
    call: Call,
    datastoreName: str,
    retentionPeriod: dict[str, Any] | None = None,
    datastoreStorage: dict[str, Any] | None = None,
    fileFormatConfiguration: dict[str, Any] | None = None,
) -> None:
    """Change a data store's retention period, its storage for rows to come, or the columns of its Parquet."""
    check_retention(retentionPeriod)
    storage = read_storage(datastoreStorage) if datastoreStorage else None
    form = read_format(fileFormatConfiguration) if fileFormatConfiguration else None
    await _update(call.state, datastoreName, storage, form, retentionPeriod)


@iotanalytics.operation
async def describe_datastore(call: Call, datastoreName: str, includeStatistics: bool = False) -> dict[str, Any]:
    """A data store, and how large it is if asked."""
    store, listed = await _with_segments(call.state, datastoreName)
    shown = {
        "name": store.name,
        "storage": store.storage,
        "arn": call.arn("iotanalytics", f"datastore/{store.name}"),
        "status": "ACTIVE",
        "retentionPeriod": retention_shown(store.retention),
        "creationTime": store.created,
        "lastUpdateTime": store.updated,
        "fileFormatConfiguration": store.format,
        **given(lastMessageArrivalTime=_last_arrival(listed), datastorePartitions=store.partitions),
    }
    if not includeStatistics or not service_managed(store.storage):
        return {"datastore": shown}
    size = {"estimatedSizeInBytes": float(sum(one.size for one in listed)), "estimatedOn": call.now}
    return {"datastore": shown, "statistics": {"size": size}}


@iotanalytics.operation
async def list_datastores(call: Call, nextToken: str | None = None, maxResults: int | None = None) -> dict[str, Any]:
    """Data stores in the order of their names."""
    found, more = page(await _list(call.state), nextToken, maxResults)
    summaries = []
    for store in found:
        _, listed = await _with_segments(call.state, store.name)
        summaries.append(
            {
                "datastoreName": store.name,
                "datastoreStorage": store.storage,
                "status": "ACTIVE",
                "creationTime": store.created,
                "lastUpdateTime": store.updated,
                "fileFormatType": "PARQUET" if "parquetConfiguration" in store.format else "JSON",
                **given(lastMessageArrivalTime=_last_arrival(listed), datastorePartitions=store.partitions),
            }
        )
    return {"datastoreSummaries": summaries, **more}


@iotanalytics.operation
async def delete_datastore(call: Call, datastoreName: str) -> None:
    """Delete a data store and its rows; pipelines that write it stay, and wait for another of its name."""
    dropped = await _delete(call.state, datastoreName)
    await call.part(SegmentFiles).remove(dropped)


@transactional
async def _create(tx: Transaction, call: Call, store: DatastoreRecord) -> None:
    if await datastores.get(tx, store.name) is not None:
        raise exists(call, "datastore", store.name)
    await datastores.put(tx, store)
    set_sweep(tx, store.retention)
    runner = call.part(Runner)
    tx.on_commit(lambda: runner.store_made(call.account, call.region))


@transactional
async def _update(
    tx: Transaction,
    name: str,
    storage: dict[str, Any] | None,
    form: dict[str, Any] | None,
    retention: dict[str, Any] | None,
) -> None:
    store = await find_datastore(tx, name)
    if form is not None and form.keys() != store.format.keys():
        raise invalid("The file format of a data store cannot be changed.")
    changed = given(storage=storage, format=form, retention=retention)
    await datastores.put(tx, msgspec.structs.replace(store, updated=tx.now, **changed))
    set_sweep(tx, retention)


@transactional
async def _delete(tx: Transaction, name: str) -> list[Segment]:
    store = await find_datastore(tx, name)
    listed = await segments.list(tx, store.id)
    await segments.delete_all(tx, store.id)
    await datastores.delete(tx, name)
    return listed


@transactional
async def _list(tx: Transaction) -> list[DatastoreRecord]:
    return await datastores.list(tx)


@transactional
async def _with_segments(tx: Transaction, name: str) -> tuple[DatastoreRecord, list[Segment]]:
    store = await find_datastore(tx, name)
    return store, await segments.list(tx, store.id)


def _last_arrival(listed: list[Segment]) -> float | None:
    return max((one.created for one in listed), default=None)
