"""IAM's common rules: policy documents, paths, tags, pages, and the errors they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from kumoi.policy import PolicyError, compile_policy
from kumoi.policy.document import Kind
from kumoi.wire.errors import AwsError, aws_error

ItemT = TypeVar("ItemT")

MAX_TRUST = 2048
MAX_TAGS = 50

MAX_ITEMS = 100


def no_such(what: str, name: str) -> AwsError:
    """NoSuchEntity as IAM words it for roles, users and policies."""
    if what == "policy":
        return aws_error("NoSuchEntity", f"Policy {name} does not exist or is not attachable.", status=404)
    return aws_error("NoSuchEntity", f"The {what} with name {name} cannot be found.", status=404)


def exists(what: str, name: str) -> AwsError:
    """EntityAlreadyExists for a role, user or policy."""
    return aws_error("EntityAlreadyExists", f"{what} with name {name} already exists.", status=409)


def check_document(document: str, kind: Kind = "identity") -> str:
    """The policy document, when it is one of its kind; MalformedPolicyDocument says what is wrong otherwise."""
    try:
        compile_policy(document, kind)
    except PolicyError as error:
        raise aws_error("MalformedPolicyDocument", str(error)) from None
    return document


def size_of(document: str) -> int:
    """The size that quotas count: characters without white space."""
    return len("".join(document.split()))


def check_size(document: str, quota: str, most: int) -> str:
    """The document; LimitExceeded when it is larger than its quota."""
    if size_of(document) > most:
        raise quota_exceeded(quota, most)
    return document


def quota_exceeded(quota: str, most: int) -> AwsError:
    """LimitExceeded as IAM words it."""
    return aws_error("LimitExceeded", f"Cannot exceed quota for {quota}: {most}", status=409)


def check_trust(document: str) -> str:
    """A role's trust policy, within its quota."""
    return check_size(check_document(document, "trust"), "ACLSizePerRole", MAX_TRUST)


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
    """Tags of a request as a mapping: each key once (whatever its case), none of AWS's, at most fifty."""
    read: dict[str, str] = {}
    for tag in tags or ():
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            raise aws_error("InvalidInput", "System tags cannot be added by users.")
        if any(key.lower() == other.lower() for other in read):
            raise aws_error("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        read[key] = tag["Value"]
    if len(read) > MAX_TAGS:
        raise quota_exceeded("TagsPerResource", MAX_TAGS)
    return read


def merged_tags(had: dict[str, str], tags: Sequence[dict[str, str]]) -> dict[str, str]:
    """Tags with others added; a key that is there already (whatever its case) is replaced."""
    added = read_tags(tags)
    lower = {key.lower() for key in added}
    merged = {key: value for key, value in had.items() if key.lower() not in lower} | added
    if len(merged) > MAX_TAGS:
        raise quota_exceeded("TagsPerResource", MAX_TAGS)
    return merged


def tag_page(tags: dict[str, str], Marker: str | None, MaxItems: int | None) -> dict[str, Any]:
    """What a List…Tags operation answers."""
    found, more = page(tag_list(tags), lambda tag: tag["Key"], Marker, MaxItems)
    return {"Tags": found, **more}


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
