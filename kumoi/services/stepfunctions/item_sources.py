"""Where a Distributed Map's items come from in S3: a file, the files a manifest names, or a listing of a bucket.

A manifest is S3's inventory of a bucket (its CSV or Parquet files are the items) or the list of files that Athena's
UNLOAD writes. A listing is the items itself, or names the files they are in (`LOAD_AND_FLATTEN`). Sources: "ItemReader"
of the Step Functions developer guide, "Locating your inventory list" of S3's and "UNLOAD" of Athena's user guide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import orjson

from kumoi.services.stepfunctions import item_files
from kumoi.services.stepfunctions.integrations.shapes import read_body
from kumoi.services.stepfunctions.item_files import LARGEST, failed
from kumoi.wire import AwsError, timestamps

Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""Makes a call to S3: the operation and its parameters."""


class ItemSource:
    """What one ItemReader reads, its arguments evaluated."""

    def __init__(self, ask: Ask, reader: dict[str, Any]) -> None:
        self._ask = ask
        self._config: dict[str, Any] = reader["config"]
        self._arguments: dict[str, Any] = reader["arguments"]
        self._lists: bool = reader["resource"].endswith(":listObjectsV2")

    async def items(self) -> list[Any]:
        """The items, MaxItems of them at most; StateError."""
        item_files.most_of(self._config)
        try:
            return item_files.limited(await self._items(), self._config)
        except AwsError as error:
            raise failed(f"{error.message} (Error Code: {error.code})") from None

    async def _items(self) -> list[Any]:
        config, arguments = self._config, self._arguments
        if self._lists:
            listed = await self._listed()
            if config.get("Transformation", "NONE") != "LOAD_AND_FLATTEN":
                return listed
            keys = [one["Key"] for one in listed if not one["Key"].endswith("/")]
            return await self._together([(arguments.get("Bucket"), key) for key in keys], config)
        if config.get("InputType") != "MANIFEST" and "ManifestType" not in config:
            return await self._read(arguments, config)
        content = await self._content(arguments)
        if config.get("ManifestType", "S3_INVENTORY") == "ATHENA_DATA":
            return await self._together(_places(content), config)
        return await self._inventory(content)

    async def _inventory(self, content: bytes) -> list[Any]:
        """The rows of an inventory: of each object what its fileSchema says."""
        try:
            manifest = orjson.loads(content)
            bucket = str(manifest["destinationBucket"]).rpartition(":")[2]
            kind = str(manifest["fileFormat"]).upper()
            names = [name.strip() for name in str(manifest["fileSchema"]).split(",")]
            places = [(bucket, file["key"]) for file in manifest["files"]]
        except (ValueError, LookupError, TypeError):
            raise failed("The file is not the manifest of an S3 inventory.") from None
        if kind == "CSV":
            return await self._together(places, {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": names})
        return await self._together(places, {"InputType": kind})

    async def _together(self, places: list[tuple[Any, str]], config: dict[str, Any]) -> list[Any]:
        """The items of several files, one behind the other, until there are enough."""
        most = item_files.most_of(self._config)
        found: list[Any] = []
        for bucket, key in places:
            if most is not None and len(found) >= most:
                break
            found += await self._read({**self._arguments, "Bucket": bucket, "Key": key}, config)
        return found

    async def _read(self, arguments: dict[str, Any], config: dict[str, Any]) -> list[Any]:
        content = await self._content(arguments)
        return await asyncio.to_thread(item_files.items_of, content, config)

    async def _content(self, arguments: dict[str, Any]) -> bytes:
        known = ("Bucket", "Key", "VersionId", "ExpectedBucketOwner")
        answer = await self._ask("GetObject", {name: arguments[name] for name in known if name in arguments})
        content = await read_body(answer["Body"], LARGEST + 1)
        if len(content) > LARGEST:
            raise failed(f"The file is larger than {LARGEST} bytes.")
        return content

    async def _listed(self) -> list[dict[str, Any]]:
        given, found = dict(self._arguments), []
        while True:
            page = await self._ask("ListObjectsV2", given)
            found += [
                {
                    "Etag": one["ETag"],
                    "Key": one["Key"],
                    "LastModified": int(_epoch(one["LastModified"])),
                    "Size": one["Size"],
                    "StorageClass": one.get("StorageClass", "STANDARD"),
                }
                for one in page.get("Contents", ())
            ]
            if not page.get("IsTruncated"):
                return found
            given["ContinuationToken"] = page["NextContinuationToken"]


def _places(content: bytes) -> list[tuple[str, str]]:
    """The buckets and keys in a list of S3 addresses, one a line."""
    found = []
    for line in content.decode("utf-8", "replace").splitlines():
        text = line.strip().strip('"')
        if not text:
            continue
        address = urlsplit(text, allow_fragments=False)
        if address.scheme != "s3" or not address.netloc:
            raise failed(f"The manifest names '{text[:200]}', which is no address in S3.")
        found.append((address.netloc, text.removeprefix(f"s3://{address.netloc}/")))
    return found


def _epoch(moment: Any) -> float:
    if isinstance(moment, str):
        moment = timestamps.decode(moment)
    return float(moment if isinstance(moment, int | float) else moment.timestamp())
