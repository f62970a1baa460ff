"""Tags of buckets and objects: what they may be, and their two forms, a TagSet and the x-amz-tagging header.

Rules: "Categorizing your objects using tags" and PutBucketTagging in the S3 documentation.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

from kumoi.wire.errors import AwsError, aws_error

MAX_OBJECT_TAGS = 10
MAX_BUCKET_TAGS = 50

_TEXT = re.compile(r"[\w .:/=+@-]*")
_NOT_CREATING = (
    'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. Remove "aws:" from'
    " your tag keys and try again."
)


def bucket_tags(tag_set: list[dict[str, Any]], *, creating: bool = False) -> dict[str, str]:
    """A bucket's TagSet as a mapping; raises InvalidTag, MalformedXML or BadRequest."""
    system = _NOT_CREATING if creating else "System tags cannot be added/updated by requester"
    return _checked(tag_set, MAX_BUCKET_TAGS, "Bucket tag count cannot be greater than 50", system)


def object_tags(tag_set: list[dict[str, Any]]) -> dict[str, str]:
    """An object's TagSet as a mapping; raises InvalidTag, MalformedXML or BadRequest."""
    return _checked(
        tag_set, MAX_OBJECT_TAGS, "Object tags cannot be greater than 10", "Your TagKey cannot be prefixed with aws:"
    )


def header_tags(header: str) -> dict[str, str]:
    """The tags of an x-amz-tagging header, a URL's query; raises InvalidArgument for what is none."""
    tags: list[dict[str, str]] = []
    for pair in header.split("&") if header else []:
        key, _, value = pair.partition("=")
        try:
            tags.append({"Key": unquote_plus(key, errors="strict"), "Value": unquote_plus(value, errors="strict")})
        except UnicodeDecodeError:
            raise _bad_header(header) from None
    if any(not tag["Key"] for tag in tags) or len({tag["Key"] for tag in tags}) < len(tags):
        raise _bad_header(header)
    return object_tags(tags)


def tag_set(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as a TagSet."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _bad_header(header: str) -> AwsError:
    return aws_error(
        "InvalidArgument",
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name"
        " duplicates.",
        ArgumentName="x-amz-tagging",
        ArgumentValue=header,
    )


def _checked(tag_set: list[dict[str, Any]], most: int, too_many: str, system: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for tag in tag_set:
        key, value = tag.get("Key"), tag.get("Value")
        if key is None or value is None:
            raise aws_error(
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema",
            )
        if key.startswith("aws:"):
            raise aws_error("InvalidTag", system)
        if not 1 <= len(key) <= 128 or _TEXT.fullmatch(key) is None:
            raise aws_error("InvalidTag", "The TagKey you have provided is invalid", TagKey=key)
        if len(value) > 256 or _TEXT.fullmatch(value) is None:
            raise aws_error("InvalidTag", "The TagValue you have provided is invalid", TagKey=key, TagValue=value)
        if key in tags:
            raise aws_error("InvalidTag", "Cannot provide multiple Tags with the same key", TagKey=key)
        tags[key] = value
    if len(tags) > most:
        raise aws_error("BadRequest", too_many)
    return tags
