"""Container actions: a function stands for the image, and gets what the container would find in its `params` file.

The tag `kumoi:function` of the data set names the function, else it is the name of the image's repository: that of
`123456789012.dkr.ecr.us-east-1.amazonaws.com/reports:v2` is `reports`. It is invoked in the action's role, so it has
the isolation, the log, the memory and the time limit that functions have. What it has written to the URIs of outputs
becomes the content, a file each. Source: the user guide, "Automating your workflow": "Input/output variables".
"""

from __future__ import annotations

import asyncio
import mimetypes
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.presto.refusals import QueryRefused
from kumoi.services.iotanalytics.activities.calling import content_of, pieces_of
from kumoi.services.iotanalytics.records import Content, DatasetRecord, Entry
from kumoi.wire.errors import AwsError

FUNCTION_TAG = "kumoi:function"
NOTEBOOK_OUTPUTS = {"html": "output.html", "ipynb": "output.ipynb"}
"""The outputs that every container has, by their names in the context."""
VersionOf = Callable[[str], Awaitable[str | None]]


class Containers:
    """Runs container actions."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def run(
        self, account: str, region: str, dataset: DatasetRecord, content: Content, version_of: VersionOf, folder: Path
    ) -> list[Entry]:
        """Run a data set's container action; its outputs, written into `folder`. QueryRefused when it fails.

        `version_of` tells the newest content of a data set that succeeded.
        """
        action = dataset.actions[0]["containerAction"]
        role, source = action["executionRoleArn"], f"iotanalytics:{dataset.name}"
        caller = Principal.of_role(account, role, "iotanalytics", source)
        bucket, prefix = bucket_of(account, region), f"results/{dataset.id}/{content.version}/"
        try:
            owner = Principal.root(account)
            await self._make(bucket, region, owner)
            variables = await _variables(action.get("variables", []), f"s3://{bucket}/{prefix}", version_of)
            outputs = {key: f"s3://{bucket}/{prefix}{name}" for key, name in NOTEBOOK_OUTPUTS.items()}
            params = {"Context": {"OutputUris": outputs}, "Variables": variables}
            await self._invoke(function_of(dataset), params, caller, region)
            names = [*NOTEBOOK_OUTPUTS.values(), *output_names(action)]
            found = [await self._fetch(bucket, prefix, name, owner, region, folder) for name in dict.fromkeys(names)]
        except (AwsError, CallDropped) as error:
            raise QueryRefused(f"The container action failed: {error}") from None
        return [entry for entry in found if entry is not None]

    async def _make(self, bucket: str, region: str, owner: Principal) -> None:
        try:
            await self._doorway.ask("s3", "CreateBucket", {"Bucket": bucket}, owner, region)
        except AwsError as error:
            if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    async def _invoke(self, function: str, params: Mapping[str, Any], caller: Principal, region: str) -> None:
        asked = {"FunctionName": function, "InvocationType": "RequestResponse", "Payload": orjson.dumps(params)}
        answer = await self._doorway.ask("lambda", "Invoke", asked, caller, region)
        told = await content_of(answer.get("Payload", b""))
        if answer.get("FunctionError"):
            reason = told[:500].decode(errors="replace")
            raise QueryRefused(f"The function {function}, which stands for the image, failed: {reason}")

    async def _fetch(
        self, bucket: str, prefix: str, name: str, owner: Principal, region: str, folder: Path
    ) -> Entry | None:
        """An output as a file of the content; None when it was not written."""
        place = {"Bucket": bucket, "Key": prefix + name}
        try:
            answer = await self._doorway.ask("s3", "GetObject", place, owner, region)
        except AwsError as error:
            if error.code == "NoSuchKey":
                return None
            raise
        await _write(answer["Body"], folder, name)
        await self._doorway.ask("s3", "DeleteObject", place, owner, region)
        return Entry(name, name, mimetypes.guess_type(name)[0] or "application/octet-stream")


async def _write(body: Any, folder: Path, name: str) -> None:
    """Write a body to a file as it comes: outputs may be large."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
    with await asyncio.to_thread((folder / name).open, "wb") as out:
        async for piece in pieces_of(body):
            await asyncio.to_thread(out.write, piece)


def function_of(dataset: DatasetRecord) -> str:
    """The function that stands for the image of a data set's container action."""
    if (named := dataset.tags.get(FUNCTION_TAG)) is not None:
        return named
    repository = re.split(r"[:@]", dataset.actions[0]["containerAction"]["image"].rpartition("/")[2])[0]
    if not repository:
        raise QueryRefused(f"The image names no repository: name a function by the tag {FUNCTION_TAG}.")
    return repository


def output_names(action: Mapping[str, Any]) -> list[str]:
    """The names of the files that an action's variables ask for."""
    return [one["outputFileUriValue"]["fileName"] for one in action.get("variables", []) if "outputFileUriValue" in one]


def bucket_of(account: str, region: str) -> str:
    """The bucket that outputs are written to, until they are fetched."""
    return f"kumoi-iotanalytics-{account}-{region}".lower()


async def _variables(given: list[dict[str, Any]], outputs: str, version_of: VersionOf) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        name = one["name"]
        if "outputFileUriValue" in one:
            found[name] = outputs + one["outputFileUriValue"]["fileName"]
        elif "datasetContentVersionValue" in one:
            wanted = one["datasetContentVersionValue"]["datasetName"]
            version = await version_of(wanted)
            if version is None:
                raise QueryRefused(f"The data set {wanted}, which variable {name} names, has no content yet.")
            found[name] = version
        else:
            found[name] = one["stringValue"] if "stringValue" in one else one["doubleValue"]
    return found
