"""Data sets: made, changed, described, listed and deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.content_maker import ContentMaker
from kumoi.services.iotanalytics.dataset_rules import MOST_DEPENDENT, check_dataset, triggered_by
from kumoi.services.iotanalytics.dataset_schedules import cancel_timers, set_timers
from kumoi.services.iotanalytics.lookup import find_dataset
from kumoi.services.iotanalytics.naming import exists, given, invalid, page, read_tags
from kumoi.services.iotanalytics.records import Content, DatasetRecord, Place, contents, datasets, places
from kumoi.state import Transaction, transactional

DEFAULT_DAYS = 90


@iotanalytics.operation
async def create_dataset(
    call: Call,
    datasetName: str,
    actions: list[dict[str, Any]],
    triggers: list[dict[str, Any]] | None = None,
    contentDeliveryRules: list[dict[str, Any]] | None = None,
    retentionPeriod: dict[str, Any] | None = None,
    versioningConfiguration: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
    lateDataRules: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Make a data set; its schedules run from now on."""
    dataset = DatasetRecord(
        name=datasetName,
        id=uuid(),
        created=call.now,
        updated=call.now,
        tags=read_tags(tags),
        actions=actions,
        triggers=triggers or [],
        delivery=contentDeliveryRules or [],
        retention=retentionPeriod,
        versioning=versioningConfiguration,
        late=lateDataRules or [],
    )
    await asyncio.to_thread(check_dataset, dataset)
    await _create(call.state, call, dataset)
    return {
        "datasetName": datasetName,
        "datasetArn": call.arn("iotanalytics", f"dataset/{datasetName}"),
        "retentionPeriod": _retention(dataset),
    }


@iotanalytics.operation
async def update_dataset(
    call: Call,
    datasetName: str,
    actions: list[dict[str, Any]],
    triggers: list[dict[str, Any]] | None = None,
    contentDeliveryRules: list[dict[str, Any]] | None = None,
    retentionPeriod: dict[str, Any] | None = None,
    versioningConfiguration: dict[str, Any] | None = None,
    lateDataRules: list[dict[str, Any]] | None = None,
) -> None:
    """Change a data set: what is not given is as if it never was."""
    changed = {
        "actions": actions,
        "triggers": triggers or [],
        "delivery": contentDeliveryRules or [],
        "retention": retentionPeriod,
        "versioning": versioningConfiguration,
        "late": lateDataRules or [],
    }
    before = await find_dataset(call.state, datasetName)
    await asyncio.to_thread(check_dataset, msgspec.structs.replace(before, **changed))
    await _update(call.state, datasetName, changed)


@iotanalytics.operation
async def describe_dataset(call: Call, datasetName: str) -> dict[str, Any]:
    """A data set."""
    dataset = await find_dataset(call.state, datasetName)
    return {
        "dataset": {
            "name": dataset.name,
            "arn": call.arn("iotanalytics", f"dataset/{dataset.name}"),
            "actions": dataset.actions,
            "triggers": dataset.triggers,
            "contentDeliveryRules": dataset.delivery,
            "status": "ACTIVE",
            "creationTime": dataset.created,
            "lastUpdateTime": dataset.updated,
            "retentionPeriod": _retention(dataset),
            **given(versioningConfiguration=dataset.versioning, lateDataRules=dataset.late or None),
        }
    }


@iotanalytics.operation
async def list_datasets(call: Call, nextToken: str | None = None, maxResults: int | None = None) -> dict[str, Any]:
    """Data sets in the order of their names."""
    found, more = page(await _list(call.state), nextToken, maxResults)
    summaries = [
        {
            "datasetName": dataset.name,
            "status": "ACTIVE",
            "creationTime": dataset.created,
            "lastUpdateTime": dataset.updated,
            "triggers": dataset.triggers,
            "actions": [
                {
                    **given(actionName=action.get("actionName")),
                    "actionType": "QUERY" if "queryAction" in action else "CONTAINER",
                }
                for action in dataset.actions
            ],
        }
        for dataset in found
    ]
    return {"datasetSummaries": summaries, **more}


@iotanalytics.operation
async def delete_dataset(call: Call, datasetName: str) -> None:
    """Delete a data set and its contents; what was delivered stays where it is."""
    dropped = await _delete(call.state, datasetName)
    await call.part(ContentMaker).drop(call.account, call.region, datasetName, dropped)


def _retention(dataset: DatasetRecord) -> dict[str, Any]:
    return dataset.retention or {"unlimited": False, "numberOfDays": DEFAULT_DAYS}


@transactional
async def _create(tx: Transaction, call: Call, dataset: DatasetRecord) -> None:
    if await datasets.get(tx, dataset.name) is not None:
        raise exists(call, "dataset", dataset.name)
    await _check_trigger(tx, dataset)
    await datasets.put(tx, dataset)
    await places.put(tx, Place(tx.account, tx.region))
    set_timers(tx, dataset, None)


@transactional
async def _update(tx: Transaction, name: str, changed: dict[str, Any]) -> None:
    before = await find_dataset(tx, name)
    dataset = msgspec.structs.replace(before, updated=tx.now, **changed)
    await _check_trigger(tx, dataset)
    await datasets.put(tx, dataset)
    if dataset.triggers != before.triggers:
        set_timers(tx, dataset, before)


async def _check_trigger(tx: Transaction, dataset: DatasetRecord) -> None:
    name = triggered_by(dataset)
    if name is None:
        return
    triggering = await find_dataset(tx, name)
    if triggering.query is None:
        raise invalid(f"The triggering data set {name} cannot be triggered by a container dataset")
    dependent = [one.name for one in await datasets.list(tx) if triggered_by(one) == name and one.name != dataset.name]
    if len(dependent) >= MOST_DEPENDENT:
        raise invalid(f"{len(dependent)} datasets are already dependent on {name} dataset")


@transactional
async def _delete(tx: Transaction, name: str) -> list[Content]:
    dataset = await find_dataset(tx, name)
    listed = await contents.list(tx, dataset.id)
    await contents.delete_all(tx, dataset.id)
    await datasets.delete(tx, name)
    cancel_timers(tx, dataset)
    return listed


@transactional
async def _list(tx: Transaction) -> list[DatasetRecord]:
    return await datasets.list(tx)
