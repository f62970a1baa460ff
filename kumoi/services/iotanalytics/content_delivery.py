"""Contents on their way out: objects in S3, an event, and the data sets that a content triggers.

A delivery that fails does not fail the content; it is logged. Source: the user guide, "Content delivery rules".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.names import arn
from kumoi.presto.outputs import Written
from kumoi.services.iotanalytics.key_template import Template, filled, read_template
from kumoi.services.iotanalytics.records import Content, DatasetRecord
from kumoi.services.iotanalytics.reports import Reports
from kumoi.wire.errors import AwsError
from kumoi.wire.http import HeaderList

logger = logging.getLogger(__name__)

MOST_KEY = 1024
SIDE_BY_SIDE = 8
_PIECE = 1 << 20


class FileUpload:
    """A file as the body of an upload."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.trailers: HeaderList = []

    async def read(self, limit: int | None = None) -> bytes:
        """The whole file."""
        return await asyncio.to_thread(self._path.read_bytes)

    async def stream(self) -> AsyncIterator[bytes]:
        """The file piece by piece."""
        source = await asyncio.to_thread(self._path.open, "rb")
        try:
            while piece := await asyncio.to_thread(source.read, _PIECE):
                yield piece
        finally:
            source.close()


class Deliverer:
    """Delivers contents."""

    def __init__(self, doorway: Doorway, reports: Reports) -> None:
        self._doorway = doorway
        self._reports = reports

    def to_s3(self, dataset: DatasetRecord) -> list[dict[str, Any]]:
        """The S3 destinations of a data set, in the order of its rules."""
        found = [rule["destination"].get("s3DestinationConfiguration") for rule in dataset.delivery]
        return [one for one in found if one is not None]

    async def deliver(
        self,
        account: str,
        region: str,
        dataset: DatasetRecord,
        content: Content,
        written: Callable[[Mapping[str, Any], Template], Sequence[Written]],
    ) -> None:
        """Deliver a content as the data set's rules say; `written` tells the files that a rule means."""
        for rule in dataset.delivery:
            destination = rule["destination"]
            if (s3 := destination.get("s3DestinationConfiguration")) is not None:
                template = read_template(s3["key"])
                caller = Principal.of_role(account, s3["roleArn"], "iotanalytics", f"iotanalytics:{dataset.name}")
                wrong = await self._upload(caller, region, s3["bucket"], template, content, written(rule, template))
            else:
                wrong = ["Kumoi does not serve IoT Events: the content was not sent to an input."]
            await self._reports.errors(account, region, f"datasets/{dataset.name}/{content.version}", wrong)

    async def _upload(
        self,
        caller: Principal,
        region: str,
        bucket: str,
        template: Template,
        content: Content,
        written: Sequence[Written],
    ) -> list[str]:
        slots = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(file: Written) -> str | None:
            key = filled(template, content, dict(zip(template.columns, file.key, strict=True)))
            if len(key.encode()) > MOST_KEY:
                return f"The key {key[:80]}… is longer than {MOST_KEY} bytes."
            size = file.path.stat().st_size
            params = {"Bucket": bucket, "Key": key, "Body": FileUpload(file.path), "ContentLength": size}
            async with slots:
                try:
                    await self._doorway.ask("s3", "PutObject", params, caller, region)
                except (AwsError, CallDropped) as error:
                    return f"{bucket}/{key} could not be written: {error}"
            return None

        found = await asyncio.gather(*map(one, written))
        return [reason for reason in found if reason is not None]

    async def tell(self, account: str, region: str, name: str, content: Content) -> None:
        """Send an event that a content has ended."""
        detail = {
            "event-detail-version": "1.0",
            "dataset-name": name,
            "dataset-arn": arn("iotanalytics", region, account, f"dataset/{name}"),
            "version-id": content.version,
            "state": content.state,
            "message": content.reason or "",
        }
        entry = {
            "Source": "aws.iotanalytics",
            "DetailType": "IoT Analytics Dataset Lifecycle Notification",
            "Detail": orjson.dumps(detail).decode(),
            "Resources": [detail["dataset-arn"]],
        }
        try:
            await self._doorway.ask("events", "PutEvents", {"Entries": [entry]}, self._caller(account, name), region)
        except (AwsError, CallDropped) as error:
            logger.warning("the event of data set %s could not be sent: %s", name, error)

    async def trigger(self, account: str, region: str, name: str) -> None:
        """Have the content of a data set made that depends on another's."""
        params = {"datasetName": name}
        try:
            await self._doorway.ask("iotanalytics", "CreateDatasetContent", params, self._caller(account, name), region)
        except (AwsError, CallDropped) as error:
            logger.warning("data set %s could not be triggered: %s", name, error)

    def _caller(self, account: str, name: str) -> Principal:
        return Principal.of_service(account, "iotanalytics.amazonaws.com", f"iotanalytics:{name}")
