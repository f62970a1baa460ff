"""IAM's common rules: policy documents, paths, tags, pages, and the errors they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")

MAX_ITEMS = 100


def no_such(what: str, name: str) -> AwsError:
    """NoSuchEntity as IAM words it for roles, users and policies."""
    if what == "policy":
        return aws_error("NoSuchEntity", f"Policy {name} does not exist or is not attachable.", status=404)
    return aws_error("NoSuchEntity", f"The {what} with name {name} cannot be found.", status=404)


def exists(what: str, name: str) -> AwsError:
    """EntityAlreadyExists for a role, user or policy."""
    return aws_error("EntityAlreadyExists", f"{what} with name {name} already exists.", status=409)


def check_document(document: str) -> str:
    """The policy document if it is one; MalformedPolicyDocument otherwise. Its grammar is not checked beyond that."""
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise aws_error("MalformedPolicyDocument", "This policy contains invalid Json") from None
    if not isinstance(parsed, dict) or "Statement" not in parsed:
        raise aws_error("MalformedPolicyDocument", "Syntax errors in policy.")
    return document


def quoted(document: str) -> str:
    """A document as IAM answers it: percent-encoded (RFC 3986)."""
    return quote(document, safe="-_.~")


def moment(when: float) -> datetime:
    """An epoch time in whole seconds, as IAM shows it."""
    return datetime.fromtimestamp(int(when), UTC)


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as the API lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def read_tags(tags: Sequence[dict[str, str]] | None) -> dict[str, str]:
    """Tags of a request as a mapping; at most fifty."""
    read = {tag["Key"]: tag["Value"] for tag in tags or ()}
    if len(read) > 50:
        raise aws_error("LimitExceeded", "The number of tags has reached the maximum limit.", status=409)
    return read


def page(
    items: Sequence[ItemT], name: Callable[[ItemT], str], Marker: str | None, MaxItems: int | None
) -> tuple[list[ItemT], dict[str, Any]]:
    """One page of items sorted by `name`, and the IsTruncated and Marker members that go with it."""
    ordered = sorted(items, key=name)
    if Marker is not None:
        ordered = [item for item in ordered if name(item) > Marker]
    size = MaxItems or MAX_ITEMS
    if len(ordered) > size:
        return ordered[:size], {"IsTruncated": True, "Marker": name(ordered[size - 1])}
    return ordered, {"IsTruncated": False}
