"""Places in S3, and going there for somebody: lists, objects brought to files, files put as objects."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from kumoi.doorway import Call, Doorway, Principal
from kumoi.services.athena.errors import StatementFailed
from kumoi.wire.errors import AwsError
from kumoi.wire.http import FileBody

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""What a partition's folder is called where the value is NULL, or an empty text."""
_CHUNK = 1 << 20
_SPECIAL = re.compile(r"""[\x01-\x1f"#%'*/:=?\\\x7f{\[\]^]""")
"""Characters that Hive's `FileUtils.escapePathName` escapes."""


class Location(NamedTuple):
    """A bucket, and where in it: a prefix that ends with `/`, or nothing."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> Location:
        """Read `s3://bucket/prefix`; StatementFailed for another text."""
        scheme, _, rest = url.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme not in ("s3", "s3a", "s3n") or not bucket:
            raise StatementFailed(f"INVALID_LOCATION: {url} is no place in S3.")
        return cls(bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/")

    def key(self, name: str) -> str:
        """The key of a name at this place."""
        return f"{self.prefix}{name}"


def partition_folder(keys: Sequence[str], values: Sequence[str | None]) -> str:
    """Where a partition's files are below their table, `day=2026-01-01/kind=a%2Fb/`, as Hive spells it."""
    pairs = zip(keys, values, strict=True)
    return "".join(f"{_escaped(key)}={_escaped(value or NULL_PARTITION)}/" for key, value in pairs)


def partition_value(spelled: str) -> str:
    """The value that a part of a partition's folder stands for."""
    return unquote(spelled)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", text)


class Found(NamedTuple):
    """An object."""

    bucket: str
    key: str
    size: int


class Asker:
    """Asks other services for whoever started a statement."""

    def __init__(self, doorway: Doorway, caller: Principal, region: str) -> None:
        self._doorway = doorway
        self._caller = caller
        self._region = region

    @classmethod
    def of(cls, call: Call) -> Asker:
        """For the caller of a call."""
        return cls(call.doorway, call.caller, call.region)

    async def ask(self, service: str, operation: str, **params: Any) -> Any:
        """What an operation answers; its AwsError."""
        return await self._doorway.ask(service, operation, params, self._caller, self._region)

    async def objects(self, place: Location) -> list[Found]:
        """The objects at a place, but those whose names begin with `_` or `.`."""
        found: list[Found] = []
        more: dict[str, Any] = {}
        while True:
            page = await self._s3("ListObjectsV2", Bucket=place.bucket, Prefix=place.prefix, **more)
            for one in page.get("Contents") or ():
                name = one["Key"].rpartition("/")[2]
                if name and not name.startswith(("_", ".")) and one["Size"]:
                    found.append(Found(place.bucket, one["Key"], one["Size"]))
            if not page.get("IsTruncated"):
                return found
            more = {"ContinuationToken": page["NextContinuationToken"]}

    async def fetch(self, one: Found, path: Path) -> None:
        """Bring an object to a file."""
        body = (await self._s3("GetObject", Bucket=one.bucket, Key=one.key))["Body"]
        await save(body, path)

    async def read(self, bucket: str, key: str, first: int, last: int) -> bytes:
        """The bytes of an object from `first` to `last`, as far as there are."""
        try:
            answer = await self.ask("s3", "GetObject", Bucket=bucket, Key=key, Range=f"bytes={first}-{last}")
        except AwsError as error:
            if error.code == "InvalidRange":
                return b""
            raise
        return await _bytes(answer["Body"])

    async def put(self, bucket: str, key: str, path: Path) -> None:
        """Put a file as an object."""
        size = (await asyncio.to_thread(path.stat)).st_size
        await self._s3("PutObject", Bucket=bucket, Key=key, Body=_pieces(path), ContentLength=size)

    async def _s3(self, operation: str, **params: Any) -> Any:
        try:
            return await self.ask("s3", operation, **params)
        except AwsError as error:
            where = f"s3://{params['Bucket']}/{params.get('Key', params.get('Prefix', ''))}"
            raise StatementFailed(f"{operation} of {where} was refused: {error.message} ({error.code})") from None


async def save(body: Any, path: Path) -> None:
    """Write a body to a file."""
    if isinstance(body, FileBody):
        await asyncio.to_thread(_copy, body, path)
        return
    with path.open("wb") as file:
        if isinstance(body, bytes):
            await asyncio.to_thread(file.write, body)
            return
        assert isinstance(body, AsyncIterator)
        async for piece in body:
            await asyncio.to_thread(file.write, piece)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _CHUNK):
            yield piece


def _copy(body: FileBody, path: Path) -> None:
    with body.path.open("rb") as source, path.open("wb") as target:
        source.seek(body.offset)
        left = body.length
        while left and (piece := source.read(min(_CHUNK, left))):
            target.write(piece)
            left -= len(piece)


async def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, FileBody):
        return await asyncio.to_thread(_content, body)
    return b"".join([piece async for piece in body])


def _content(body: FileBody) -> bytes:
    with body.path.open("rb") as source:
        source.seek(body.offset)
        return source.read(body.length)
