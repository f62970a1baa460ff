"""Contents of data sets: made, listed, got and deleted; and their files, by links that are valid for some hours."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from kumoi.doorway import Call
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.content_maker import ContentMaker, Job
from kumoi.services.iotanalytics.dataset_schedules import begin
from kumoi.services.iotanalytics.lookup import find_dataset
from kumoi.services.iotanalytics.naming import PAGE, given, make_token, read_token
from kumoi.services.iotanalytics.records import Content, DatasetRecord, contents
from kumoi.services.iotanalytics.windows import order
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error
from kumoi.wire.http import FileBody, Response

LATEST, LATEST_SUCCEEDED = "$LATEST", "$LATEST_SUCCEEDED"
LINK_SECONDS = 6 * 3600
MOST_ENTRIES = 1000
WAIT_HEADER = "x-kumoi-wait"
_PREFIX = "/_kumoi/iotanalytics-content/"


@iotanalytics.operation
async def create_dataset_content(call: Call, datasetName: str, versionId: str | None = None) -> dict[str, Any]:
    """Have content made. Answers at once, or with the header x-kumoi-wait after so many seconds at most."""
    content = await _begin(call.state, datasetName, versionId)
    maker, job = call.part(ContentMaker), Job(call.account, call.region, datasetName, content.version)
    maker.start(job)
    wait = call.http.headers.get(WAIT_HEADER) if call.http is not None else None
    if wait is not None and wait.isascii() and wait.isdecimal():
        await maker.made(job, min(int(wait), 300))
    return {"versionId": content.version}


@iotanalytics.operation
async def get_dataset_content(call: Call, datasetName: str, versionId: str = LATEST_SUCCEEDED) -> dict[str, Any]:
    """A version's status, and links to its files."""
    content = await _find(call.state, datasetName, versionId)
    entries = [
        {**given(entryName=entry.name or None), "dataURI": _link(call, content, entry.path)}
        for entry in content.entries[:MOST_ENTRIES]
    ]
    return {"entries": entries, "timestamp": content.created, "status": _status(content)}


@iotanalytics.operation
async def list_dataset_contents(
    call: Call,
    datasetName: str,
    nextToken: str | None = None,
    maxResults: int | None = None,
    scheduledOnOrAfter: datetime | None = None,
    scheduledBefore: datetime | None = None,
) -> dict[str, Any]:
    """Versions, the newest first."""
    _, listed = await _list(call.state, datasetName)
    if scheduledOnOrAfter is not None:
        since = scheduledOnOrAfter.timestamp()
        listed = [one for one in listed if one.scheduled is not None and one.scheduled >= since]
    if scheduledBefore is not None:
        until = scheduledBefore.timestamp()
        listed = [one for one in listed if one.scheduled is not None and one.scheduled < until]
    if nextToken is not None:
        version = read_token(nextToken)
        place = next((number for number, one in enumerate(listed) if one.version == version), len(listed))
        listed = listed[place + 1 :]
    found = listed[: maxResults or PAGE]
    more = {"nextToken": make_token(found[-1].version)} if len(found) < len(listed) else {}
    summaries = [
        {
            "version": one.version,
            "status": _status(one),
            "creationTime": one.created,
            **given(scheduleTime=one.scheduled, completionTime=one.completed),
        }
        for one in found
    ]
    return {"datasetContentSummaries": summaries, **more}


@iotanalytics.operation
async def delete_dataset_content(call: Call, datasetName: str, versionId: str = LATEST_SUCCEEDED) -> None:
    """Delete a version and its files."""
    content = await _find(call.state, datasetName, versionId)
    await _delete(call.state, content)
    await call.part(ContentMaker).drop(call.account, call.region, datasetName, [content])


@iotanalytics.data_plane("iotanalytics-content")
async def content_file(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer a link: `/_kumoi/iotanalytics-content/<ticket>/<account>/<data set's id>/<version>/<file>`."""
    ticket, _, what = unquote(path.removeprefix(_PREFIX)).partition("/")
    if not call.doorway.identity.honours(ticket, what):
        raise aws_error("AccessDenied", "Request has expired, or it was never signed.")
    file = call.part(ContentMaker).root / what
    if not file.is_file():
        raise aws_error("NoSuchKey", "The content was deleted.", status=404)
    media = "text/csv" if file.name.endswith(".csv") else "application/octet-stream"
    headers = [("Content-Type", media), ("Content-Disposition", f'attachment; filename="{file.name}"')]
    return Response(200, headers, FileBody(file, 0, file.stat().st_size))


def _link(call: Call, content: Content, path: str) -> str:
    what = f"{call.account}/{content.dataset_id}/{content.version}/{path}"
    ticket = call.doorway.identity.ticket(what, call.now + LINK_SECONDS)
    return f"{call.doorway.endpoint}{_PREFIX}{ticket}/{quote(what)}"


def _status(content: Content) -> dict[str, Any]:
    return {"state": content.state, **given(reason=content.reason)}


@transactional
async def _begin(tx: Transaction, name: str, version: str | None) -> Content:
    return await begin(tx, await find_dataset(tx, name), version)


@transactional
async def _list(tx: Transaction, name: str) -> tuple[DatasetRecord, list[Content]]:
    dataset = await find_dataset(tx, name)
    return dataset, sorted(await contents.list(tx, dataset.id), key=order, reverse=True)


@transactional
async def _find(tx: Transaction, name: str, version: str) -> Content:
    _, listed = await _list(tx, name)
    for one in listed:
        succeeded = version == LATEST_SUCCEEDED and one.state == "SUCCEEDED"
        if one.version == version or version == LATEST or succeeded:
            return one
    raise aws_error("ResourceNotFoundException", f"Dataset {name} has no content of version {version}.")


@transactional
async def _delete(tx: Transaction, content: Content) -> None:
    await contents.delete(tx, content.dataset_id, content.version)
