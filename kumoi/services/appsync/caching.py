"""What an API's cache holds: results of resolvers or answers to whole queries, until they are too old.

The entries are in memory, up to so many bytes for the platform, and not on disk: a cache may be empty at any time.
Each change of an API's cache, flushing too, gives it a new `version`, which is part of every entry's key. Time is the
platform's. Source: "Configuring server-side caching" of the developer guide.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from kumoi.services.appsync.records import ApiCache

MAX_BYTES = 64 * 1024 * 1024
MAX_ANSWER = 15 * 1024 * 1024
"""Bytes of the largest answer that is kept whole."""
_OVERHEAD = 500
"""What an entry takes beside its content and the text in its key."""
EVERYTHING = ("context.arguments", "context.source", "context.identity")
"""The keys of a resolver that names none."""
RESERVED = frozenset(
    (
        *("authorization", "content-length", "host", "priority", "via", "x-forwarded-for"),
        *("cloudfront-forwarded-proto", "cloudfront-is-desktop-viewer", "cloudfront-is-mobile-viewer"),
        *("cloudfront-is-smarttv-viewer", "cloudfront-is-tablet-viewer", "cloudfront-viewer-asn"),
        *("cloudfront-viewer-country", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"),
        *("x-amz-cf-id", "x-amz-date", "x-amz-security-token", "x-amzn-appsync-is-vpce-request"),
        *("x-amzn-remote-ip", "x-amzn-requestid", "x-amzn-trace-id"),
    )
)
"""Headers that have no part in the key of an answer."""
_KEY = re.compile(r"\$?(?:context|ctx)\.(arguments|args|source|identity)((?:\.\w[\w:-]*)*)")

Key = tuple[Any, ...]


class Cache:
    """The entries of all APIs of one platform; those used least recently go first."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._entries: OrderedDict[Key, tuple[float, bytes]] = OrderedDict()

    def get(self, key: Key, now: float) -> bytes | None:
        """What is held under a key."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        if entry[0] <= now:
            self._bytes -= _size(key, entry[1])
            return None
        self._entries[key] = entry
        return entry[1]

    def put(self, key: Key, content: bytes, until: float) -> None:
        """Hold something until a moment."""
        self.evict(key, 0)
        self._entries[key] = (until, content)
        self._bytes += _size(key, content)
        while self._bytes > self._most:
            oldest, (_until, left) = self._entries.popitem(last=False)
            self._bytes -= _size(oldest, left)

    def evict(self, key: Key, now: float) -> bool:
        """Drop what is held under a key; whether there was anything."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._bytes -= _size(key, entry[1])
        return entry[0] > now


def _size(key: Key, content: bytes) -> int:
    """What an entry takes: a key has what was asked with, which may be more than the answer."""
    return len(content) + len(key[-1]) + _OVERHEAD


def usable_key(text: str) -> bool:
    """Whether a resolver may be cached by this key."""
    return _KEY.fullmatch(text) is not None


def named(text: str) -> str:
    """A key by its one name: `ctx.args.id` is `context.arguments.id`."""
    match = _KEY.fullmatch(text.strip())
    if match is None:
        return text
    return f"context.{'arguments' if match[1] == 'args' else match[1]}{match[2]}"


def values(keys: Sequence[str], context: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What each key stands for in a context of `arguments`, `source` and `identity`."""
    found = []
    for key in map(named, keys):
        value: Any = context
        for step in key.split(".")[1:]:
            value = value.get(step) if isinstance(value, Mapping) else None
        found.append((key, value))
    return found


def entry(cache: ApiCache, type_name: str, field: str, given: Sequence[tuple[str, Any]]) -> Key:
    """The key of a resolver's result."""
    told = orjson.dumps(list(given), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return (cache.api, cache.version, type_name, field, told)


def answer_key(
    cache: ApiCache,
    request: Mapping[str, Any],
    mode: str,
    identity: Mapping[str, Any] | None,
    denied: frozenset[str],
    headers: Mapping[str, str],
) -> Key:
    """The key of the answer to a whole query."""
    who = {name: value for name, value in (identity or {}).items() if name != "sourceIp"}
    sent = {name: value for name, value in headers.items() if name not in RESERVED}
    asked = [request.get(name) for name in ("query", "operationName", "variables")]
    told = orjson.dumps([*asked, mode, who, sorted(denied), sent], option=orjson.OPT_SORT_KEYS)
    return (cache.api, cache.version, told)
