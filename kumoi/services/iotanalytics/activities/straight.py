"""A run of pure activities as one Python function over many messages, written and compiled once.

A call for each activity, and for each part of its expressions, costs more than what they do. What comes out is what the
steps of `pure.py`, one after the other, make of each message; messages are changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import orjson

from kumoi.iot_sql import Scope, compiled, nodes, parse_expression
from kumoi.iot_sql.straight import NAMES, NotStraight, Reference, Writer, function
from kumoi.services.iotanalytics.activities.pure import Message, step, told
from kumoi.services.iotanalytics.chain import Activity

Walk = Callable[[list[Message], list[str]], list[Message]]
"""Messages in, those that are kept out; what went wrong is added to the list."""


def walk(activities: Sequence[Activity]) -> Walk:
    """The function of activities; SqlError for a function in an expression that there is not."""
    return _walk(orjson.dumps([(activity.kind, activity.settings) for activity in activities]))


@lru_cache(maxsize=256)
def _walk(told: bytes) -> Walk:
    writing = _Writing()
    for kind, settings in orjson.loads(told):
        writing.activity(Activity(kind, settings))
    return writing.finished()


class _Writing:
    def __init__(self) -> None:
        self._constants: dict[str, Any] = {**NAMES, "Scope": Scope}
        self._numbers = count()
        self._lines: list[str] = []
        self._renew()

    def activity(self, activity: Activity) -> None:
        """Write what an activity does with `message`."""
        expression = activity.settings.get(activity.kind) if activity.kind in ("filter", "math") else None
        before = len(self._lines)
        try:
            if expression is None:
                raise NotStraight
            node = parse_expression(expression)
            compiled(node)
            if activity.kind == "filter":
                self._lines.append(f"if not {self._writer.is_true(node)}: continue")
            else:
                self._math(activity, node)
        except NotStraight:
            del self._lines[before:]
            apply = self._writer.constant(step(activity))
            self._lines += [f"message = {apply}(message, wrong)", "if message is None: continue", "get = message.get"]
            self._renew()

    def finished(self) -> Walk:
        """The function that was written."""
        body = "\n".join(f"        {line}" for line in self._lines)
        source = (
            "def walk(messages, wrong):\n    kept = []\n    add = kept.append\n    for message in messages:\n"
            f"        get = message.get\n{body}\n        add(message)\n    return kept\n"
        )
        return function("walk", source, self._constants)

    def _math(self, activity: Activity, node: nodes.Node) -> None:
        value = self._writer.rendered(node)
        attribute, wrong = (self._writer.constant(one) for one in (activity.settings["attribute"], told(activity)))
        self._lines += [
            f"value = {value}",
            f"if value is U: wrong.append({wrong})",
            f"else: message[{attribute}] = value",
        ]
        self._renew()

    def _renew(self) -> None:
        """From here on attributes may have other values."""
        self._writer = Writer(self._refer, self._constants)

    def _refer(self, node: nodes.Node) -> Reference:
        found = Reference(f"v{next(self._numbers)}")
        constant = self._writer.constant
        if isinstance(node, nodes.Attribute):
            value = f"get({constant(node.name)}, U)"
        elif isinstance(node, nodes.Quoted):
            value = "get({0}, {0})".format(constant(node.text))
        elif isinstance(node, nodes.Member):
            of = self._writer.reference(node.of).variable
            value = f"{of}.get({constant(node.name)}, U) if type({of}) is dict else U"
        else:
            value = f"{constant(compiled(node))}(Scope(message))"
        self._lines.append(f"{found.variable} = {value}")
        return found
