"""JSONPath as Step Functions reads it (Jayway's dialect): compiled once, evaluated on plain values.

`$` is the state's document, `$$` the context object, `$name` a variable. A path that names one place yields its value
and fails where there is none; any other yields an array of what it matched, but for one that ends in a single index
and matched once. Paths of names and indexes alone, nearly all there are, take a loop of their own.

Source: "Processing input and output in Step Functions" and the behaviour of Jayway JsonPath.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from kumoi.services.stepfunctions.language.errors import Invalid
from kumoi.services.stepfunctions.language.path_filter import Filter, parse_filter
from kumoi.services.stepfunctions.language.scope import Scope

_NAME = re.compile(r"[^\s.\[\]()'\",?@*$:]+")
_VARIABLE = re.compile(r"[^\W\d]\w*")
_INT = re.compile(r"-?\d+")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_FUNCTIONS = frozenset({"length", "size", "min", "max", "avg", "sum", "keys", "first", "last"})
_SPACE = re.compile(r"\s*")


class PathMissing(Exception):
    """A path that must match something matched nothing; the text is Jayway's."""


class Wildcard(NamedTuple):
    """`*`: every member or element."""


class Deep(NamedTuple):
    """`..`: the value and all values below it."""


class Slice(NamedTuple):
    """`[start:stop:step]`."""

    start: int | None
    stop: int | None
    step: int | None


class Union(NamedTuple):
    """Several names or indexes."""

    parts: tuple[str | int, ...]


class Function(NamedTuple):
    """A function at the end of a path."""

    name: str


Step = str | int | Wildcard | Deep | Slice | Union | Function | Filter


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path. `root` is `$`, `$$` or a variable's name."""

    text: str
    root: str
    steps: tuple[Step, ...]
    definite: bool

    @property
    def reference(self) -> bool:
        """Whether the path is a reference path: it names one place, by names and indexes alone."""
        return self.definite and all(isinstance(step, str | int) for step in self.steps)

    def __call__(self, scope: Scope) -> Any:
        """The value in a scope; PathMissing."""
        root = self.root
        if root == "$":
            return evaluate(self, scope.document)
        if root == "$$":
            return evaluate(self, scope.context())
        if root not in scope.variables:
            raise PathMissing(f"The variable '${root}' is not defined")
        return evaluate(self, scope.variables[root])


def evaluate(path: Path, document: Any) -> Any:
    """What a path yields on a document; PathMissing where it must match and does not."""
    if not path.definite:
        return _shaped(path, document)
    value = document
    steps = path.steps
    for position, step in enumerate(steps):
        if isinstance(step, str):
            if isinstance(value, dict) and step in value:
                value = value[step]
                continue
        elif isinstance(step, int):
            if isinstance(value, list) and -len(value) <= step < len(value):
                value = value[step]
                continue
        elif isinstance(step, Function):
            value = _apply(step.name, value)
            continue
        raise PathMissing(_missing(steps, position, value))
    return value


@lru_cache(4096)
def parse(text: str) -> Path:
    """Compile a path; Invalid when it is none."""
    return _Parser(text).path()


def insert(path: Path, document: Any, value: Any) -> Any:
    """A copy of a document with a value at a reference path, objects made where there are none; PathMissing."""
    return _insert(path.steps, document, value)


def _insert(steps: tuple[Step, ...], document: Any, value: Any) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if document is None:
            document = {}
        if not isinstance(document, dict):
            raise PathMissing(f"'{step}' cannot be set in what is no object")
        return {**document, step: _insert(rest, document.get(step), value)}
    if not isinstance(step, int) or not isinstance(document, list) or not 0 <= step < len(document):
        raise PathMissing(f"there is no element {step}")
    return [*document[:step], _insert(rest, document[step], value), *document[step + 1 :]]


def select(steps: tuple[Step, ...], document: Any) -> list[Any]:
    """Every value that steps lead to."""
    found = [document]
    for step in steps:
        found = [one for value in found for one in _matches(step, value)]
    return found


def _shaped(path: Path, document: Any) -> Any:
    steps = path.steps
    function = steps[-1] if isinstance(steps[-1], Function) else None
    if function is not None:
        return _apply(function.name, select(steps[:-1], document))
    found = select(steps, document)
    if isinstance(steps[-1], int) and len(found) == 1:
        return found[0]
    return found


def _matches(step: Step, value: Any) -> Iterator[Any]:
    if isinstance(step, str):
        if isinstance(value, dict) and step in value:
            yield value[step]
    elif isinstance(step, int):
        if isinstance(value, list) and -len(value) <= step < len(value):
            yield value[step]
    elif isinstance(step, Wildcard):
        yield from _children(value)
    elif isinstance(step, Deep):
        yield from _descend(value)
    elif isinstance(step, Slice):
        if isinstance(value, list):
            yield from value[step.start : step.stop : step.step]
    elif isinstance(step, Union):
        for part in step.parts:
            yield from _matches(part, value)
    elif isinstance(step, Filter):
        yield from (child for child in _children(value) if step.accepts(child))


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descend(value: Any) -> Iterator[Any]:
    yield value
    for child in _children(value):
        if isinstance(child, dict | list):
            yield from _descend(child)


def _apply(name: str, value: Any) -> Any:
    if name in ("length", "size"):
        return len(value) if isinstance(value, list | dict | str) else None
    if name == "keys":
        if isinstance(value, dict):
            return list(value)
        raise PathMissing("keys() needs an object")
    if name in ("first", "last"):
        if isinstance(value, list) and value:
            return value[0 if name == "first" else -1]
        raise PathMissing(f"{name}() needs a non-empty array")
    numbers = (
        [one for one in value if isinstance(one, int | float) and one is not True and one is not False]
        if (isinstance(value, list))
        else []
    )
    if not numbers:
        raise PathMissing("Aggregation function attempted to calculate value using empty array")
    if name == "avg":
        return sum(numbers) / len(numbers)
    return sum(numbers) if name == "sum" else max(numbers) if name == "max" else min(numbers)


def _missing(steps: tuple[Step, ...], position: int, value: Any) -> str:
    step = steps[position]
    here = "$" + "".join(f"['{one}']" if isinstance(one, str) else f"[{one}]" for one in steps[: position + 1])
    if isinstance(step, int):
        if isinstance(value, list):
            return f"Index out of bound when evaluating path {here}"
        return f"Filter: [{step}] can only be applied to arrays. Current context is: {here}"
    if isinstance(value, dict):
        if position == len(steps) - 1:
            return f"No results for path: {here}"
        return f"Missing property in path {here}"
    before = "$" + "".join(f"['{one}']" if isinstance(one, str) else f"[{one}]" for one in steps[:position])
    kind = "null" if value is None else _JAVA.get(type(value), "an array")
    return f"Expected to find an object with property ['{step}'] in path {before} but found '{kind}'."


_JAVA = {str: "java.lang.String", bool: "java.lang.Boolean", int: "java.lang.Integer", float: "java.lang.Double"}


class _Parser:
    """A recursive descent over one path."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def path(self) -> Path:
        root = self._root()
        steps = self.steps()
        if self.at != len(self.text):
            raise Invalid(f"Invalid path '{self.text}': unexpected character at {self.at}")
        if steps and isinstance(steps[-1], Deep):
            raise Invalid(f"Invalid path '{self.text}': a path may not end in '..'")
        definite = not any(isinstance(step, Wildcard | Deep | Slice | Union | Filter) for step in steps)
        return Path(self.text, root, steps, definite)

    def _root(self) -> str:
        if not self.text.startswith("$"):
            raise Invalid(f"Invalid path '{self.text}': a path begins with '$'")
        self.at = 1
        if self.text.startswith("$$"):
            self.at = 2
            return "$$"
        named = _VARIABLE.match(self.text, 1)
        if named is None:
            return "$"
        self.at = named.end()
        return named.group()

    def steps(self) -> tuple[Step, ...]:
        """As many steps as follow."""
        found: list[Step] = []
        while self.at < len(self.text):
            if self.text.startswith("..", self.at):
                self.at += 2
                found.append(Deep())
                if self._peek() != "[":
                    found.append(self._name())
            elif self._peek() == ".":
                self.at += 1
                found.append(self._name())
                if isinstance(found[-1], Function):
                    break
            elif self._peek() == "[":
                found.append(self._bracket())
            else:
                break
        return tuple(found)

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _name(self) -> Step:
        if self._peek() == "*":
            self.at += 1
            return Wildcard()
        match = _NAME.match(self.text, self.at)
        if match is None:
            raise Invalid(f"Invalid path '{self.text}': a name is missing at {self.at}")
        self.at = match.end()
        name = match.group()
        if self.text.startswith("()", self.at) and name in _FUNCTIONS:
            self.at += 2
            return Function(name)
        return name

    def _bracket(self) -> Step:
        self.at += 1
        self._skip()
        if self._peek() == "?":
            self.at += 1
            self._skip()
            parsed, self.at = parse_filter(self.text, self.at)
            self._close()
            return parsed
        if self._peek() == "*":
            self.at += 1
            self._close()
            return Wildcard()
        if self._peek() == "(":
            return self._from_end()
        parts: list[str | int] = []
        while True:
            self._skip()
            quoted = _QUOTED.match(self.text, self.at)
            if quoted is not None:
                self.at = quoted.end()
                raw = quoted.group(1) if quoted.group(1) is not None else quoted.group(2)
                parts.append(re.sub(r"\\(.)", r"\1", raw))
            else:
                number = self._integer()
                self._skip()
                if self._peek() == ":" and not parts:
                    return self._slice(number)
                if number is None:
                    raise Invalid(f"Invalid path '{self.text}': a name or an index is missing at {self.at}")
                parts.append(number)
            self._skip()
            if self._peek() != ",":
                break
            self.at += 1
        self._close()
        return parts[0] if len(parts) == 1 else Union(tuple(parts))

    def _from_end(self) -> Step:
        match = re.compile(r"\(\s*@\.length(?:\(\))?\s*-\s*(\d+)\s*\)").match(self.text, self.at)
        if match is None or match.group(1) == "0":
            raise Invalid(f"Invalid path '{self.text}': only (@.length - n) may stand here")
        self.at = match.end()
        self._close()
        return -int(match.group(1))

    def _slice(self, start: int | None) -> Slice:
        bounds = [start]
        while self._peek() == ":" and len(bounds) < 3:
            self.at += 1
            self._skip()
            bounds.append(self._integer())
            self._skip()
        self._close()
        bounds += [None] * (3 - len(bounds))
        if bounds[2] is not None and bounds[2] <= 0:
            raise Invalid(f"Invalid path '{self.text}': the step of a slice must be positive")
        return Slice(*bounds)

    def _integer(self) -> int | None:
        match = _INT.match(self.text, self.at)
        if match is None or len(match.group()) > 10:
            return None
        self.at = match.end()
        return int(match.group())

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def _close(self) -> None:
        self._skip()
        if self._peek() != "]":
            raise Invalid(f"Invalid path '{self.text}': ']' is missing at {self.at}")
        self.at += 1


def parse_steps(text: str, at: int) -> tuple[tuple[Step, ...], int]:
    """The steps that stand at a place in a text (behind `@` in a filter), and where they end."""
    parser = _Parser(text)
    parser.at = at
    return parser.steps(), parser.at
