"""Tags as requests give them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kumoi.services.secretsmanager.errors import bad_parameter

MOST_TAGS = 50


def tags_of(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags by their keys; InvalidParameterException for one without a key or a value."""
    tags = {}
    for one in given:
        if "Key" not in one or "Value" not in one:
            raise bad_parameter("A tag must have a Key and a Value.")
        tags[one["Key"]] = one["Value"]
    return tags


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise InvalidParameterException for more tags than a secret may have."""
    if len(tags) > MOST_TAGS:
        raise bad_parameter(f"A secret can have at most {MOST_TAGS} tags.")
