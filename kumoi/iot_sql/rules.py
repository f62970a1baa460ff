"""Topic rules: a statement compiled, topics matched, templates filled. Pure.

Sources: AWS IoT Core developer guide, "SELECT clause", "FROM clause", "Substitution templates".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from kumoi.iot_sql import nodes
from kumoi.iot_sql.evaluation import Evaluate, Scope, compiled, name_of, selected
from kumoi.iot_sql.parsing import SqlError, parse_expression, parse_rule
from kumoi.iot_sql.rule_functions import RULES, WORLDLY, World
from kumoi.iot_sql.texts import as_text
from kumoi.iot_sql.values import UNDEFINED, Undefined, Value, rendered

_TEMPLATE = re.compile(r"\$\{([^{}]*)\}")
BASIC_INGEST = "$aws/rules/"


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled statement; `topic` is its filter, None for one that basic ingest alone reaches.

    `worldly` says that it asks where a message came from, beside what it holds; `patterns` that it may take its time.
    """

    topic: str | None
    value: Evaluate | None
    items: list[tuple[str | None, Evaluate]]
    where: Evaluate | None
    everything: bool
    worldly: bool
    patterns: bool

    def result(self, payload: bytes, world: World | None = None) -> bytes | None:
        """What the rule makes of a message; None when it drops it. Raises Pending for what has to be asked.

        Without a world for a rule that is not `worldly`.
        """
        scope = Scope(message_of(payload), world)
        if self.where is not None and self.where(scope) is not True:
            return None
        if self.everything and not isinstance(scope.message, dict):
            return payload
        if self.value is not None:
            found = self.value(scope)
        elif self.everything and self.items[0][0] is None:
            found = scope.message
        else:
            found = selected(self.items, scope)
        if found is UNDEFINED:
            return None
        if isinstance(found, bytes):
            return found
        if found is scope.message:  # straight from JSON: what is rendered otherwise are whole numbers as 1.0
            written = orjson.dumps(found)
            if b".0" in written:
                written = orjson.dumps(rendered(found))
        else:
            written = orjson.dumps(rendered(found))
        # A copy: what orjson answers keeps the kilobytes that it was written into, and many are kept at once.
        return bytes(memoryview(written))


class _Noting:
    """The functions of rules, noting whether one asks for a message's world, or looks for a pattern."""

    concatenates = RULES.concatenates

    def __init__(self) -> None:
        self.worldly = self.patterns = False

    def function(self, name: str, arguments: list[Evaluate]) -> Evaluate | None:
        """The call of a function."""
        self.worldly = self.worldly or name in WORLDLY
        self.patterns = self.patterns or name.startswith("regexp_")
        return RULES.function(name, arguments)


@lru_cache(maxsize=1024)
def compiled_rule(sql: str) -> Rule:
    """A rule's statement; SqlError when it is none."""
    select = parse_rule(sql)
    source = select.source
    topic = None
    if isinstance(source, nodes.Literal) and isinstance(source.value, str):
        topic = source.value
    elif isinstance(source, nodes.Quoted):
        topic = source.text
    elif source is not None:
        raise SqlError("FROM names a topic filter in quotes")
    if topic is not None:
        check_filter(topic)
    library = _Noting()
    items = [(name_of(item), compiled(item.expression, library)) for item in select.items]
    everything = len(select.items) == 1 and isinstance(select.items[0].expression, nodes.Root)
    where = compiled(select.where, library) if select.where is not None else None
    value = items[0][1] if select.value else None
    return Rule(topic, value, items, where, everything, library.worldly, library.patterns)


def check_filter(topic: str) -> None:
    """SqlError for a topic filter that MQTT does not allow."""
    parts = topic.split("/")
    if not topic or any(("#" in part and part != "#") or ("+" in part and part != "+") for part in parts):
        raise SqlError(f"{topic!r} is not a topic filter")
    if "#" in parts[:-1]:
        raise SqlError(f"{topic!r} is not a topic filter: # comes last")


@lru_cache(maxsize=8192)
def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic is meant by a filter; `+` and `#` at the start do not mean topics that begin with $."""
    wanted, found = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for number, part in enumerate(wanted):
        if part == "#":
            return True
        if number >= len(found) or part not in ("+", found[number]):
            return False
    return len(wanted) == len(found)


def message_of(payload: bytes) -> Value:
    """A payload as rules see it: JSON, or the bytes."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload


def filled(template: str, world: World) -> str:
    """A text with its `${…}` filled in, from the message that was published; what is Undefined is left out."""

    def value(match: re.Match[str]) -> str:
        found = compiled(parse_expression(match[1]), RULES)(Scope(message_of(world.payload), world))
        text = as_text(rendered(found))
        return "" if isinstance(text, Undefined) else text

    return _TEMPLATE.sub(value, template)


def check_templates(value: Any) -> None:
    """SqlError for a template, anywhere in an action, that is no expression."""
    if isinstance(value, str):
        for match in _TEMPLATE.finditer(value):
            compiled(parse_expression(match[1]), RULES)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            check_templates(inner)
