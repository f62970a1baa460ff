"""The JSON paths of rules, targets and pipes: `$`, `$.detail.items[0]`, `$.detail['a key']`, `$.resources[*]`. Pure.

Source: "Transforming target input" of the EventBridge user guide.
"""

from __future__ import annotations

import re
from typing import Any

Step = str | int | None
"""A key, an index, or None for every element."""

_STEP = re.compile(r"""\.([^.\[\]*\s'"]+)|\.(\*)|\[(\d{1,9})\]|\[(\*)\]|\['([^']+)'\]|\["([^"]+)"\]""")


class PathError(ValueError):
    """The text is no JSON path."""


class Missing(LookupError):
    """A document has nothing at a path."""


def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path; PathError when it is none."""
    if not path.startswith("$"):
        raise PathError(f"{path!r} does not begin with $")
    steps: list[Step] = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise PathError(f"{path!r} is not a JSON path at position {at}")
        key, star, index, every, quoted, double = match.groups()
        if star or every:
            steps.append(None)
        else:
            steps.append(int(index) if index else key or quoted or double)
        at = match.end()
    return tuple(steps)


def find(document: Any, steps: tuple[Step, ...]) -> Any:
    """What a document has at a path; Missing when there is nothing. A path with `*` finds a list."""
    for number, step in enumerate(steps):
        if step is None:
            values = document.values() if isinstance(document, dict) else document
            if not isinstance(document, dict | list):
                raise Missing
            return _each(values, steps[number + 1 :])
        if isinstance(step, int):
            if not isinstance(document, list) or step >= len(document):
                raise Missing
            document = document[step]
        else:
            if not isinstance(document, dict) or step not in document:
                raise Missing
            document = document[step]
    return document


def _each(values: Any, steps: tuple[Step, ...]) -> list[Any]:
    found = []
    for value in values:
        try:
            found.append(find(value, steps))
        except Missing:
            continue
    return found
