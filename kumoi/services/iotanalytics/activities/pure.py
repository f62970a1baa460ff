"""Activities that need nothing but the message: attributes added, removed and selected, filter, math. Pure.

Each compiles to a function from a message to a message, or to None for one that is dropped. Source: the user guide,
"Pipeline activities".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kumoi.iot_sql import UNDEFINED, Scope, compiled, parse_expression, rendered
from kumoi.services.iotanalytics.activities.paths import MISSING, get, last_name, without
from kumoi.services.iotanalytics.chain import Activity

Message = dict[str, Any]
Step = Callable[[Message, list[str]], Message | None]
"""What an activity does: a message in, a message out; what went wrong is added to the list."""

PURE = frozenset(("addAttributes", "removeAttributes", "selectAttributes", "filter", "math"))


def step(activity: Activity) -> Step:
    """An activity as a function; SqlError for a function in an expression that there is not."""
    return _STEPS[activity.kind](activity.settings, activity.name)


def _add(settings: Mapping[str, Any], _name: str) -> Step:
    attributes = list(settings["attributes"].items())

    def apply(message: Message, _wrong: list[str]) -> Message | None:
        added = {name: value for path, name in attributes if (value := get(message, path)) is not MISSING}
        return {**message, **added}

    return apply


def _remove(settings: Mapping[str, Any], _name: str) -> Step:
    paths = settings["attributes"]

    def apply(message: Message, _wrong: list[str]) -> Message | None:
        for path in paths:
            message = without(message, path)
        return message or None

    return apply


def _select(settings: Mapping[str, Any], _name: str) -> Step:
    paths = [(path, last_name(path)) for path in settings["attributes"]]

    def apply(message: Message, _wrong: list[str]) -> Message | None:
        found = {name: value for path, name in paths if (value := get(message, path)) is not MISSING}
        return found or None

    return apply


def _filter(settings: Mapping[str, Any], _name: str) -> Step:
    evaluate = compiled(parse_expression(settings["filter"]))
    return lambda message, _wrong: message if evaluate(Scope(message)) is True else None


def told(activity: Activity) -> str:
    """What is told of a message for which a math activity has no value."""
    return _told(activity.settings, activity.name)


def _told(settings: Mapping[str, Any], name: str) -> str:
    return f"{name}: {settings['math']} has no value for this message, {settings['attribute']} is not set."


def _math(settings: Mapping[str, Any], name: str) -> Step:
    attribute, wrong_is = settings["attribute"], _told(settings, name)
    evaluate = compiled(parse_expression(settings["math"]))

    def apply(message: Message, wrong: list[str]) -> Message | None:
        value = rendered(evaluate(Scope(message)))
        if value is UNDEFINED:
            wrong.append(wrong_is)
            return message
        return {**message, attribute: value}

    return apply


_STEPS: Mapping[str, Callable[[Mapping[str, Any], str], Step]] = {
    "addAttributes": _add,
    "filter": _filter,
    "math": _math,
    "removeAttributes": _remove,
    "selectAttributes": _select,
}
