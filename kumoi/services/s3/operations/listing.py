"""ListObjects, ListObjectsV2 and ListObjectVersions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

from kumoi.doorway import Call
from kumoi.services.s3 import archive, s3, walk
from kumoi.services.s3.list_tokens import item_of, token
from kumoi.services.s3.lookup import canonical_id, find_bucket, home
from kumoi.services.s3.records import Bucket, ListedVersion, row_text
from kumoi.services.s3.version_ids import NULL, id_of, version_id
from kumoi.services.s3.versions import find, sequence
from kumoi.services.s3.walk import Page
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_KEYS = 1000

_SAFE = re.compile(r"[A-Za-z0-9_.*~/-]*").fullmatch


def encoder(encoding: str | None) -> Callable[[str], str]:
    """How an answer writes keys; raises InvalidArgument for an encoding-type other than url."""
    if encoding is None:
        return str
    if encoding != "url":
        raise aws_error(
            "InvalidArgument",
            "Invalid Encoding Method specified in Request",
            ArgumentName="encoding-type",
            ArgumentValue=encoding,
        )
    return _encoded


def _encoded(text: str) -> str:
    return text if _SAFE(text) else quote_plus(text, safe="/*~", errors="surrogatepass")


def page_size(asked: int | None, name: str = "max-keys") -> int:
    """How many items a page may have; raises InvalidArgument."""
    if asked is None:
        return MAX_KEYS
    if not 0 <= asked <= 2**31 - 1:
        raise aws_error(
            "InvalidArgument",
            f"Provided {name} not an integer or within integer range",
            ArgumentName=name,
            ArgumentValue=asked,
        )
    return min(asked, MAX_KEYS)


@lru_cache(4096)
def instant(modified: int) -> str:
    """Whole seconds as listings write them."""
    return datetime.fromtimestamp(modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@lru_cache(64)
def _kind(algorithm: str, composite: bool) -> tuple[tuple[str], str]:
    """(ChecksumAlgorithm, ChecksumType) of a checksum."""
    return (algorithm.upper(),), "COMPOSITE" if composite else "FULL_OBJECT"


def _entry(
    version: ListedVersion, encode: Callable[[str], str], owner: dict[str, str] | None, restored: float | None
) -> dict[str, Any]:
    """A key's entry; `restored` is the time at which its restoration is told of, None where nobody asks."""
    entry: dict[str, Any] = {
        "Key": encode(version.key),
        "LastModified": instant(version.modified),
        "ETag": f'"{version.etag}"',
        "Size": version.size,
        "StorageClass": version.storage_class,
    }
    checksum = version.checksum
    if checksum is not None:
        entry["ChecksumAlgorithm"], entry["ChecksumType"] = _kind(checksum.algorithm, checksum.composite)
    if owner is not None:
        entry["Owner"] = owner
    if restored is not None and version.restored is not None:
        entry["RestoreStatus"] = archive.listed(version, restored)
    return entry


def _restored(call: Call, attributes: list[str] | None) -> float | None:
    """The present time, where a client asks for the optional attribute RestoreStatus."""
    return call.now if attributes and "RestoreStatus" in attributes else None


def _filled(
    answer: dict[str, Any],
    page: Page,
    encode: Callable[[str], str],
    owner: dict[str, str] | None,
    restored: float | None,
) -> dict[str, Any]:
    """An answer with a page's keys and common prefixes."""
    answer["Contents"] = [_entry(item, encode, owner, restored) for item in page.items if not isinstance(item, bytes)]
    answer["CommonPrefixes"] = [
        {"Prefix": encode(item.decode("utf-8", "replace"))} for item in page.items if isinstance(item, bytes)
    ]
    answer["IsTruncated"] = page.more
    return answer


def _last(page: Page) -> bytes:
    item = page.items[-1]
    return item if isinstance(item, bytes) else row_text(item.key)


@s3.operation
async def list_objects(
    call: Call,
    Bucket: str,
    Delimiter: str | None = None,
    EncodingType: str | None = None,
    Marker: str | None = None,
    MaxKeys: int | None = None,
    Prefix: str | None = None,
    RequestPayer: str | None = None,
    ExpectedBucketOwner: str | None = None,
    OptionalObjectAttributes: list[str] | None = None,
) -> dict[str, Any]:
    """Keys behind a marker, up to 1,000 (version 1)."""
    encode, most = encoder(EncodingType), page_size(MaxKeys)
    bucket, page = await _objects(
        call.state, Bucket, ExpectedBucketOwner, Prefix or "", Delimiter or "", Marker or "", None, most
    )
    answer: dict[str, Any] = {
        "Name": Bucket,
        "Prefix": encode(Prefix or ""),
        "Marker": encode(Marker or ""),
        "MaxKeys": most,
        "EncodingType": EncodingType,
    }
    if Delimiter:
        answer["Delimiter"] = encode(Delimiter)
        if page.more:
            answer["NextMarker"] = encode(_last(page).decode("utf-8", "replace"))
    owner = {"ID": canonical_id(bucket.account)}
    return _filled(answer, page, encode, owner, _restored(call, OptionalObjectAttributes))


@s3.operation(name="ListObjectsV2")
async def list_objects_v2(
    call: Call,
    Bucket: str,
    Delimiter: str | None = None,
    EncodingType: str | None = None,
    MaxKeys: int | None = None,
    Prefix: str | None = None,
    ContinuationToken: str | None = None,
    FetchOwner: bool = False,
    StartAfter: str | None = None,
    RequestPayer: str | None = None,
    ExpectedBucketOwner: str | None = None,
    OptionalObjectAttributes: list[str] | None = None,
) -> dict[str, Any]:
    """Keys behind a token or a key, up to 1,000 (version 2)."""
    encode, most = encoder(EncodingType), page_size(MaxKeys)
    bucket, page = await _objects(
        call.state,
        Bucket,
        ExpectedBucketOwner,
        Prefix or "",
        Delimiter or "",
        StartAfter or "",
        ContinuationToken,
        most,
    )
    answer: dict[str, Any] = {
        "Name": Bucket,
        "Prefix": encode(Prefix or ""),
        "MaxKeys": most,
        "KeyCount": len(page.items),
        "EncodingType": EncodingType,
        "ContinuationToken": ContinuationToken,
    }
    if Delimiter:
        answer["Delimiter"] = encode(Delimiter)
    if StartAfter:
        answer["StartAfter"] = encode(StartAfter)
    if page.more:
        answer["NextContinuationToken"] = token(bucket, _last(page))
    owner = {"ID": canonical_id(bucket.account)} if FetchOwner else None
    return _filled(answer, page, encode, owner, _restored(call, OptionalObjectAttributes))


@transactional
async def _objects(
    tx: Transaction,
    name: str,
    expected_owner: str | None,
    prefix: str,
    delimiter: str,
    marker: str,
    continuation: str | None,
    most: int,
) -> tuple[Bucket, Page]:
    bucket = await find_bucket(tx, name, expected_owner)
    behind = row_text(marker) if continuation is None else item_of(bucket, continuation)
    return bucket, await walk.objects(home(tx, bucket), bucket, row_text(prefix), row_text(delimiter), behind, most)


@s3.operation
async def list_object_versions(
    call: Call,
    Bucket: str,
    Delimiter: str | None = None,
    EncodingType: str | None = None,
    KeyMarker: str | None = None,
    MaxKeys: int | None = None,
    Prefix: str | None = None,
    VersionIdMarker: str | None = None,
    ExpectedBucketOwner: str | None = None,
    RequestPayer: str | None = None,
    OptionalObjectAttributes: list[str] | None = None,
) -> dict[str, Any]:
    """Versions and delete markers by key, the newest first."""
    encode, most = encoder(EncodingType), page_size(MaxKeys)
    if VersionIdMarker and not KeyMarker:
        raise aws_error(
            "InvalidArgument",
            "A version-id marker cannot be specified without a key marker.",
            ArgumentName="version-id-marker",
            ArgumentValue=VersionIdMarker,
        )
    bucket, page, newest = await _versions(
        call.state,
        Bucket,
        ExpectedBucketOwner,
        Prefix or "",
        Delimiter or "",
        KeyMarker or "",
        VersionIdMarker or None,
        most,
    )
    answer: dict[str, Any] = {
        "Name": Bucket,
        "Prefix": encode(Prefix or ""),
        "KeyMarker": encode(KeyMarker or ""),
        "VersionIdMarker": VersionIdMarker or "",
        "MaxKeys": most,
        "EncodingType": EncodingType,
        "IsTruncated": page.more,
    }
    if Delimiter:
        answer["Delimiter"] = encode(Delimiter)
    if page.more:
        last = page.items[-1]
        answer["NextKeyMarker"] = encode(_last(page).decode("utf-8", "replace"))
        if not isinstance(last, bytes):
            # by its place: a replica's own id is forgotten with it, and a page may be removed before the next is listed
            answer["NextVersionIdMarker"] = NULL if last.null else version_id(bucket, last.seq)
    owner = {"ID": canonical_id(bucket.account)}
    found, markers, prefixes = [], [], []
    for item in page.items:
        if isinstance(item, bytes):
            prefixes.append({"Prefix": encode(item.decode("utf-8", "replace"))})
            continue
        about = {"VersionId": id_of(bucket, item), "IsLatest": newest.get(item.key) == item.seq}
        if item.marker:
            entry = {"Key": encode(item.key), "LastModified": instant(item.modified), "Owner": owner}
            markers.append(entry | about)
        else:
            found.append(_entry(item, encode, owner, _restored(call, OptionalObjectAttributes)) | about)
    return answer | {"Versions": found, "DeleteMarkers": markers, "CommonPrefixes": prefixes}


@transactional
async def _versions(
    tx: Transaction,
    name: str,
    expected_owner: str | None,
    prefix: str,
    delimiter: str,
    marker: str,
    version_marker: str | None,
    most: int,
) -> tuple[Bucket, Page, dict[str, int]]:
    """(the bucket, the page, the sequence number of the latest version of each key on it)."""
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    key, seq = row_text(marker), None
    if version_marker == NULL:
        version = await find(tx, bucket, key, NULL)
        seq = version.seq if version is not None else None
    elif version_marker is not None:
        seq = await sequence(tx, bucket, key, version_marker)
    page = await walk.versions(tx, bucket, row_text(prefix), row_text(delimiter), key, seq, most)
    newest: dict[str, int] = {}
    for item in page.items:
        if not isinstance(item, bytes):
            newest.setdefault(item.key, item.seq)
    if seq is not None and marker in newest:
        latest = await find(tx, bucket, key, None)
        newest[marker] = latest.seq if latest is not None else 0
    return bucket, page, newest
