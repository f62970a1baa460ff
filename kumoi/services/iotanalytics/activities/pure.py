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


def _math(settings: Mapping[str, Any], name: str) -> Step:
    attribute, expression = settings["attribute"], settings["math"]
    evaluate = compiled(parse_expression(expression))

    def apply(message: Message, wrong: list[str]) -> Message | None:
        value = rendered(evaluate(Scope(message)))
        if value is UNDEFINED:
            wrong.append(f"{name}: {expression} has no value for this message, {attribute} is not set.")
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
