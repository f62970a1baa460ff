"""Which resources a request means: by their ARNs, types and tags; pure.

Source: "GetResources" of the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.names import Arn

_BARE = {"s3": "bucket", "sqs": "queue", "sns": "topic"}
"""How resources are called whose ARN does not say what they are."""


def is_of_type(arn: str, wanted: str) -> bool:
    """Whether a resource is of a type: `lambda`, or `lambda:function`."""
    service, _, kind = wanted.partition(":")
    found = Arn.parse(arn)
    if found.service != service:
        return False
    resource = found.resource.removeprefix("/")
    return not kind or kind == _BARE.get(service) or resource.startswith((f"{kind}/", f"{kind}:"))


def has_tags(tags: Mapping[str, str], filters: Sequence[Mapping[str, Any]]) -> bool:
    """Whether tags pass every filter: a key, and one of its values where some are stated."""
    return all(
        one.get("Key") in tags and (not one.get("Values") or tags[one["Key"]] in one["Values"]) for one in filters
    )
