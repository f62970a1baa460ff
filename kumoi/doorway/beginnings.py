"""Who began what: of each trace, what declared faults ask about the request that it began with.

A tenant is known by a header, a claim or a tag of the request that comes in; calls far behind it belong to its trace.
It is noted only while some fault asks, and of the latest traces.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from kumoi.doorway.call import Call

MOST = 10_000
"""Traces of which the beginning is known."""
_LONGEST, _LONGEST_VALUE = 16_384, 1_024
"""Characters of a token that is looked into, and of what is noted of a value."""

_NONE: Mapping[str, str] = {}


class Beginnings:
    """What is known of the beginnings of traces, by trace. `asked` are the names that faults ask for."""

    def __init__(self, most: int = MOST) -> None:
        self.asked: frozenset[str] = frozenset()
        self._most = most
        self._known: OrderedDict[str, Mapping[str, str]] = OrderedDict()

    def ask(self, names: frozenset[str]) -> None:
        """Note these from now on."""
        if names != self.asked:
            self.asked = names
            self._known.clear()

    def of(self, call: Call) -> Mapping[str, str]:
        """What the request had that a call's trace began with; its own, where it is the first of its trace."""
        root = call.trace.root
        known = self._known.get(root)
        if known is None:
            known = self._known[root] = _NONE if call.http is None else dict(_read(call, self.asked))
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return known


def _read(call: Call, names: frozenset[str]) -> Mapping[str, str]:
    request = call.http
    assert request is not None
    found: dict[str, str] = {}
    for name in names:
        kind, _, key = name.partition(".")
        value: str | None = None
        if kind == "header":
            value = request.headers.get(key.lower())
        elif kind == "query":
            value = dict(parse_qsl(request.query, keep_blank_values=True)).get(key)
        elif kind == "claim":
            value = claims(request.headers.get("authorization") or "").get(key)
        elif kind == "tag":
            value = dict(call.caller.session.tags).get(key) if call.caller.session is not None else None
        elif kind == "caller":
            value = call.caller.arn
        if value is not None:
            found[name] = value[:_LONGEST_VALUE]
    return found


def claims(authorization: str) -> dict[str, str]:
    """The claims of a JWT in an Authorization header, as texts; none where there is no such token.

    Nothing is verified: whether the token is good is for the authorizer to say, which comes behind.
    """
    parts = authorization.removeprefix("Bearer ").strip().split(".")
    if len(parts) != 3 or len(authorization) > _LONGEST:
        return {}
    try:
        content: Any = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in content.items()}
