"""Which resources a request means, by their tags; pure.

Source: "GetResources" of the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def has_tags(tags: Mapping[str, str], filters: Sequence[Mapping[str, Any]]) -> bool:
    """Whether tags pass every filter: a key, and one of its values where some are stated."""
    return all(
        one.get("Key") in tags and (not one.get("Values") or tags[one["Key"]] in one["Values"]) for one in filters
    )
