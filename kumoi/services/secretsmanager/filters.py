"""Filters of ListSecrets and BatchGetSecretValue, and the order of lists; pure. Source: the API reference's Filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kumoi.services.secretsmanager.records import Secret

Test = Callable[[Secret], bool]


def read_filters(given: Sequence[Mapping[str, Any]]) -> list[Test]:
    """Tests that all have to hold. A value that begins with `!` holds where the rest does not."""
    return [_test(one.get("Key", "all"), one.get("Values", [])) for one in given]


def _test(key: str, values: Sequence[str]) -> Test:
    def holds(secret: Secret) -> bool:
        texts = list(_TEXTS[key](secret))
        return any(_matches(key, texts, value) for value in values)

    return holds


def _matches(key: str, texts: list[str], value: str) -> bool:
    if value.startswith("!"):
        return not _matches(key, texts, value[1:])
    if key == "all":
        return all(any(word in text.lower() for text in texts) for word in value.lower().split())
    if key == "description":
        return any(
            word.startswith(value.lower()) or text.lower().startswith(value.lower())
            for text in texts
            for word in text.lower().split()
        )
    return any(text.startswith(value) for text in texts)


def _everything(secret: Secret) -> Iterable[str]:
    yield secret.name
    yield secret.description or ""
    for key, value in secret.tags.items():
        yield key
        yield value


_TEXTS: Mapping[str, Callable[[Secret], Iterable[str]]] = {
    "all": _everything,
    "description": lambda one: [one.description or ""],
    "name": lambda one: [one.name],
    "owning-service": lambda one: [],
    "primary-region": lambda one: [one.primary or (one.region if one.replicas else "")],
    "tag-key": lambda one: one.tags.keys(),
    "tag-value": lambda one: one.tags.values(),
}

ORDERS: Mapping[str, Callable[[Secret], float | str]] = {
    "created-date": lambda one: one.created,
    "last-accessed-date": lambda one: one.accessed or 0.0,
    "last-changed-date": lambda one: one.changed,
    "name": lambda one: one.name,
}
