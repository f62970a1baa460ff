"""How deep a message may be nested: far deeper ones can be read, but not written. Pure."""

from __future__ import annotations

from typing import Any

MOST = 100
SHALLOW = 2 * MOST
"""Bytes of JSON that cannot be nested too deeply."""


def may_be_deep(text: bytes) -> bool:
    """Whether JSON has so many brackets that it can be nested too deeply."""
    return len(text) > SHALLOW and text.count(b"{") + text.count(b"[") > MOST


def too_deep(text: bytes, value: Any) -> bool:
    """Whether JSON, and the value that it means, is nested too deeply."""
    if not may_be_deep(text):
        return False
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        if depth > MOST:
            return True
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return False
