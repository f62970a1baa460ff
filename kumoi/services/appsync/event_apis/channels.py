"""Channels: paths such as `/chat/rooms/7`, of up to five segments; a subscription may end with `/*`. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_SEGMENTS = 5
_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?")
WILDCARD = "*"


class BadChannel(Exception):
    """The text is no channel; it says why."""


class Channel(NamedTuple):
    """A channel by its segments, the first of which is its namespace."""

    segments: tuple[str, ...]

    @property
    def path(self) -> str:
        """The channel as clients write it."""
        return "/" + "/".join(self.segments)

    @property
    def namespace(self) -> str:
        """The name of its namespace."""
        return self.segments[0]

    def covering(self) -> list[str]:
        """The paths that a subscription may have to get what is published here."""
        return [self.path, *(f"/{'/'.join(self.segments[:n])}/{WILDCARD}" for n in range(1, len(self.segments)))]


def channel(text: object, *, wildcard: bool = False) -> Channel:
    """Read a channel; `wildcard` is whether it may end with `/*`. Raises BadChannel."""
    if not isinstance(text, str):
        raise BadChannel("The channel has to be a string.")
    segments = tuple(text.removeprefix("/").removesuffix("/").split("/"))
    if len(segments) > MAX_SEGMENTS:
        raise BadChannel(f"A channel has up to {MAX_SEGMENTS} segments.")
    named = segments[:-1] if wildcard and len(segments) > 1 and segments[-1] == WILDCARD else segments
    for one in named:
        if not _SEGMENT.fullmatch(one):
            raise BadChannel(f"Invalid Channel Format: {text[:300]!r}")
    return Channel(segments)
