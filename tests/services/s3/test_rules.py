"""S3's pure rules, as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.services.s3 import checksums, copy_source, list_tokens, metadata, tags
from kumoi.services.s3.conditions import check_copy_source, check_read
from kumoi.services.s3.ranges import copy_range, read_range
from kumoi.services.s3.records import Bucket, ObjectVersion
from kumoi.wire.errors import AwsError

BUCKET = Bucket(name="b", id=1, account="1", region="r", created=0.0, secret=b"s" * 16)
VERSION = ObjectVersion(bucket=1, key="k", seq=1, modified=1000, etag="e")


def outcome(function: Any, *arguments: Any, **named: Any) -> Any:
    """What a rule answers, or the code of what it raises."""
    try:
        return function(*arguments, **named)
    except AwsError as error:
        return error.code


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bytes=0-8", (0, 9)),
        ("bytes=1-", (1, 9)),
        ("bytes=-2", (8, 2)),
        ("bytes=-15", (0, 10)),
        ("bytes=0-100", (0, 10)),
        ("bytes=0--1", None),
        ("bytes=1-0", None),
        ("bytes=-1-", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes 0-1", None),
        ("bytes=-0", "InvalidRange"),
        ("bytes=100-200", "InvalidRange"),
        ("bytes=10-", "InvalidRange"),
    ],
)
def test_ranges_of_ten_bytes(text: str, found: Any) -> None:
    assert outcome(read_range, text, 10) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=3-3", (3, 1)),
        ("bytes=0-", "InvalidArgument"),
        ("bytes=-5", "InvalidArgument"),
        ("0-5", "InvalidArgument"),
        ("bytes=5-3", "InvalidArgument"),
        ("bytes=0-10", "InvalidArgument"),
        ("bytes=10-12", "InvalidRequest"),
    ],
)
def test_ranges_of_a_copied_part(text: str, found: Any) -> None:
    assert outcome(copy_range, text, 10) == found


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("conditions", "read", "copied"),
    [
        ({}, None, None),
        ({"if_match": "e"}, None, None),
        ({"if_match": '"e"'}, None, None),
        ({"if_match": '"x", "e"'}, None, None),
        ({"if_match": '"x"'}, "PreconditionFailed", "PreconditionFailed"),
        ({"if_none_match": '"e"'}, "NotModified", "PreconditionFailed"),
        ({"if_none_match": "*"}, "NotModified", "PreconditionFailed"),
        ({"if_none_match": '"x"'}, None, None),
        ({"if_unmodified_since": at(1000)}, None, None),
        ({"if_unmodified_since": at(999)}, "PreconditionFailed", "PreconditionFailed"),
        ({"if_unmodified_since": at(999), "if_match": "e"}, None, None),
        ({"if_modified_since": at(999)}, None, None),
        ({"if_modified_since": at(1000)}, "NotModified", "PreconditionFailed"),
        ({"if_modified_since": at(9000)}, None, None),
        ({"if_modified_since": at(1000), "if_none_match": '"x"'}, None, "PreconditionFailed"),
    ],
)
def test_conditions(conditions: dict[str, Any], read: str | None, copied: str | None) -> None:
    assert outcome(check_read, VERSION, 2000.0, **conditions) == read
    assert outcome(check_copy_source, VERSION, 2000.0, **conditions) == copied


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("b/k", ("b", "k", None)),
        ("/b/k/l", ("b", "k/l", None)),
        ("b/a%20b%2Fc+d", ("b", "a b/c+d", None)),
        ("b/k?versionId=v", ("b", "k", "v")),
        ("b%2Fk", ("b", "k", None)),
        ("b", "InvalidArgument"),
        ("b/", "InvalidArgument"),
        ("", "InvalidArgument"),
        ("b/k?version=1", "InvalidArgument"),
    ],
)
def test_sources_of_copies(text: str, found: Any) -> None:
    assert outcome(copy_source.parse, text) == found


@pytest.mark.parametrize(
    ("sent", "kept", "told"),
    [
        ("plain", "plain", "plain"),
        ("=?UTF-8?B?w6Q=?=", "ä", "=?UTF-8?Q?=C3=A4?="),
        ("=?UTF-8?Q?=C3=A4_x?=", "ä x", "=?UTF-8?Q?=C3=A4_x?="),
        ("ä_=?%", "ä_=?%", "=?UTF-8?Q?=C3=A4=5F=3D=3F%?="),
        ("a\tb", "a\tb", "=?UTF-8?B?YQli?="),
    ],
)
def test_metadata_that_headers_cannot_hold(sent: str, kept: str, told: str) -> None:
    found = metadata.user_metadata({"Name": sent})
    assert found == {"name": kept}
    assert metadata.told_metadata(found) == {"name": told}


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=10), max_size=3))
def test_any_metadata_comes_back_in_ascii(given: dict[str, str]) -> None:
    told = metadata.told_metadata(metadata.user_metadata(given))
    assert all(value.isascii() and value.isprintable() for value in told.values())


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=", {"a": ""}),
        ("a%20b=c%2Bd", {"a b": "c+d"}),
        ("a=1&a=2", "InvalidArgument"),
        ("=1", "InvalidArgument"),
        ("a=%ff", "InvalidArgument"),
        ("aws:a=1", "InvalidTag"),
        ("a=1%3F", "InvalidTag"),
    ],
)
def test_tags_in_a_header(header: str, found: Any) -> None:
    assert outcome(tags.header_tags, header) == found


@given(st.binary(min_size=1, max_size=40))
def test_tokens_go_on_behind_what_they_were_made_of(item: bytes) -> None:
    text = list_tokens.token(BUCKET, item)
    assert list_tokens.item_of(BUCKET, text) == item
    assert outcome(list_tokens.item_of, BUCKET, text[:-3] + "abc") in (item, "InvalidArgument")


@pytest.mark.parametrize(
    ("algorithm", "kind", "composite"),
    [
        ("", None, False),
        ("crc32", None, True),
        ("sha1", None, True),
        ("crc64nvme", None, False),
        ("crc32c", "FULL_OBJECT", False),
        ("sha256", "FULL_OBJECT", "InvalidRequest"),
        ("crc64nvme", "COMPOSITE", "InvalidRequest"),
        ("", "COMPOSITE", "InvalidRequest"),
    ],
)
def test_types_of_checksums(algorithm: str, kind: str | None, composite: Any) -> None:
    assert outcome(checksums.upload_type, algorithm, kind) == composite
