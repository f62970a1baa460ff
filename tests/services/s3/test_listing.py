"""Listings: order, prefixes, delimiters, markers and pages, by example and against a model."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

KEYS = [
    "a",
    "b/",
    "b/1",
    "b/2/x",
    "b/2/y",
    "b0",
    "folder/aSubfolder/subFile1",
    "folder/aSubfolder/subFile2",
    "folder/file1",
    "folder/file2",
    "z\U0001f600",
    "z￿",
]


@pytest.fixture
def filled(s3: Any, bucket: str) -> str:
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    return bucket


def items(page: dict[str, Any]) -> list[str]:
    """Keys and common prefixes of a page, keys first."""
    return [one["Key"] for one in page.get("Contents", [])] + [one["Prefix"] for one in page.get("CommonPrefixes", [])]


def test_keys_come_in_the_order_of_their_bytes(s3: Any, filled: str) -> None:
    assert items(s3.list_objects_v2(Bucket=filled)) == sorted(KEYS, key=lambda key: key.encode())


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(("prefix", "delimiter"), [("", ""), ("", "/"), ("b", "/"), ("folder/", "/"), ("", "2/")])
def test_pages_add_up(s3: Any, filled: str, operation: str, size: int, prefix: str, delimiter: str) -> None:
    asked = {"Bucket": filled, "Prefix": prefix} | ({"Delimiter": delimiter} if delimiter else {})
    whole = s3.list_objects_v2(**asked)
    pages = s3.get_paginator(operation).paginate(**asked, PaginationConfig={"PageSize": size})
    found = [item for page in pages for item in items(page)]
    assert sorted(found) == sorted(items(whole))
    assert len(set(found)) == len(found)


def test_a_marker_in_a_group_hides_the_group(s3: Any, filled: str) -> None:
    asked = {"Bucket": filled, "Prefix": "folder/", "Delimiter": "/"}
    page = s3.list_objects(**asked, Marker="folder/aSubfolder/subFile1")
    assert items(page) == ["folder/file1", "folder/file2"]
    page = s3.list_objects_v2(**asked, StartAfter="folder/")
    assert items(page) == ["folder/file1", "folder/file2", "folder/aSubfolder/"]


def test_what_a_page_tells(s3: Any, filled: str) -> None:
    page = s3.list_objects_v2(Bucket=filled, Delimiter="/", MaxKeys=3)
    assert (page["KeyCount"], page["IsTruncated"], page["MaxKeys"]) == (3, True, 3)
    assert items(page) == ["a", "b0", "b/"]
    assert "Owner" not in page["Contents"][0]
    rest = s3.list_objects_v2(
        Bucket=filled, Delimiter="/", ContinuationToken=page["NextContinuationToken"], FetchOwner=True, StartAfter="zz"
    )
    assert items(rest) == ["z￿", "z\U0001f600", "folder/"]
    assert len(rest["Contents"][0]["Owner"]["ID"]) == 64
    first = s3.list_objects(Bucket=filled, MaxKeys=2)
    assert (first["Marker"], first["IsTruncated"], first.get("NextMarker", "b/")) == ("", True, "b/")
    assert s3.list_objects_v2(Bucket=filled, MaxKeys=0)["IsTruncated"] is False
    for bad in ({"ContinuationToken": "bogus"}, {"MaxKeys": -1}, {"EncodingType": "gzip"}):
        with pytest.raises(ClientError) as error:
            s3.list_objects_v2(Bucket=filled, **bad)
        assert error.value.response["Error"]["Code"] == "InvalidArgument"
