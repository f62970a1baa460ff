"""Durations as people write them: `90`, `500ms`, `61s`, `1h30m`, `7d`."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])?")


def parse_duration(text: str) -> float:
    """Seconds; a number without a unit counts seconds. ValueError when `text` is no duration."""
    rest, seconds = text.strip().lower(), 0.0
    if not rest:
        raise ValueError("a duration is needed, such as 90s or 1h30m")
    while rest:
        match = _PART.match(rest)
        if match is None:
            raise ValueError(f"{text!r} is not a duration such as 90s or 1h30m")
        seconds += float(match[1]) * _UNITS[match[2] or "s"]
        rest = rest[match.end() :]
    return seconds
