"""What updates make of a shadow: states merged, their times noted, and what differs. Pure.

Source: developer guide, "AWS IoT Device Shadow service documents".
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.services.iot.records import Shadow

MOST_BYTES = 8192
MOST_DEPTH = 8


class BadDocument(ValueError):
    """A document is no update of a shadow; says why."""


def merged(
    state: dict[str, Any], times: dict[str, Any], change: Any, now: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A state and its times with a change in it; null takes a member away."""
    state, times = dict(state), dict(times)
    for name, value in (change or {}).items():
        if value is None:
            state.pop(name, None)
            times.pop(name, None)
        elif isinstance(value, dict):
            before = state.get(name) if isinstance(state.get(name), dict) else {}
            at = times.get(name) if isinstance(state.get(name), dict) else {}
            state[name], times[name] = merged(before or {}, at or {}, value, now)
        else:
            state[name], times[name] = value, _noted(value, now)
    return state, times


def _noted(value: Any, now: int) -> Any:
    if isinstance(value, list):
        return [_noted(one, now) for one in value]
    if isinstance(value, dict):
        return {name: _noted(one, now) for name, one in value.items()}
    return {"timestamp": now}


def updated(shadow: Shadow, change: dict[str, Any], now: float) -> Shadow:
    """A shadow with an update in it."""
    stated = change.get("state")
    seconds = int(now)
    changed: dict[str, Any] = {}
    for part in ("desired", "reported"):
        if part in (stated or {}):
            value = (stated or {})[part]
            before, times = getattr(shadow, part), getattr(shadow, f"{part}_at")
            if value is None:
                changed[part], changed[f"{part}_at"] = {}, {}
            else:
                changed[part], changed[f"{part}_at"] = merged(before, times, value, seconds)
    return msgspec.structs.replace(shadow, version=shadow.version + 1, updated=now, deleted=False, **changed)


def delta(desired: dict[str, Any], reported: dict[str, Any]) -> dict[str, Any]:
    """What is desired and not reported so."""
    found: dict[str, Any] = {}
    for name, value in desired.items():
        other = reported.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            inner = delta(value, other)
            if inner:
                found[name] = inner
        elif name not in reported or value != other:
            found[name] = value
    return found


def chosen(times: dict[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    """The times of some members."""
    return {
        name: chosen(times.get(name, {}), value) if isinstance(value, dict) and value else times.get(name, {})
        for name, value in members.items()
    }


def document(shadow: Shadow, now: float) -> dict[str, Any]:
    """A shadow as GetThingShadow shows it."""
    state: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for part in ("desired", "reported"):
        value = getattr(shadow, part)
        if value:
            state[part], metadata[part] = value, getattr(shadow, f"{part}_at")
    differing = delta(shadow.desired, shadow.reported)
    if differing:
        state["delta"] = differing
    return {"state": state, "metadata": metadata, "version": shadow.version, "timestamp": int(now)}


def check(change: Any) -> dict[str, Any]:
    """An update's document; BadDocument when it is none."""
    if not isinstance(change, dict):
        raise BadDocument("Payload is not a JSON object")
    state = change.get("state")
    if "state" not in change:
        raise BadDocument("Missing required node: state")
    if state is not None and not isinstance(state, dict):
        raise BadDocument("State node must be an object")
    for part, value in (state or {}).items():
        if part not in ("desired", "reported"):
            raise BadDocument(f"State contains an invalid node: '{part}'")
        if value is not None and not isinstance(value, dict):
            raise BadDocument(f"{part.capitalize()} node must be an object")
        if _depth(value) > MOST_DEPTH:
            raise BadDocument(f"JSON contains too many levels of nesting; maximum is {MOST_DEPTH}")
    version = change.get("version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise BadDocument("Invalid version")
    token = change.get("clientToken")
    if token is not None and (not isinstance(token, str) or len(token) > 64):
        raise BadDocument("Invalid clientToken")
    return change


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return depth - 1
