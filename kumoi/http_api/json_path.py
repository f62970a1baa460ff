"""JSON paths as mapping templates use them: which parts of a document an expression means; pure, and bounded.

Names, indexes, slices, unions, `*`, `..`, filters and the functions at a path's end, after Jayway's JsonPath: a path
that can lead to one place only answers what is there, or Missing; others answer a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

_MOST = 100_000
_DEEPEST = 200


class BadPath(ValueError):
    """The text is no JSON path."""


class Missing:
    """Nothing is at a path."""


MISSING = Missing()

Filter = Callable[[Any], bool]


class Step(NamedTuple):
    """One step: `kind` is name, names, index, indexes, slice, all, deep or filter."""

    kind: str
    what: Any = None


class Path(NamedTuple):
    """A path's steps, whether it means one place, and the function at its end."""

    steps: tuple[Step, ...]
    definite: bool
    function: str = ""


_NAME = re.compile(r"[^\s.\[\]()'\"?@,*$]+")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
_INDEXES = re.compile(r"\s*-?\d+(?:\s*,\s*-?\d+)*\s*(?=\])")
_SLICE = re.compile(r"\s*(-?\d*)\s*:\s*(-?\d*)\s*(?::\s*(-?\d*)\s*)?(?=\])")
_FUNCTION = re.compile(r"\.(length|size|keys|min|max|avg|sum|first|last)\(\)$")
_OPERAND = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>true|false|null)\b"""
    r"""|(?P<path>[@$](?:\.[^\s.\[\]()'"?@,*$=!<>&|]+|\[[^\]]*\])*))"""
)
_OPERATOR = re.compile(r"\s*(==|!=|<=|>=|<|>)")


def found(document: Any, text: str) -> Any:
    """What a path means in a document; raises BadPath."""
    path = parsed(text)
    values: Any = document
    if not path.definite:
        values = _walk([document], path.steps, document)
    else:
        for step in path.steps:
            values = _one(values, step)
            if values is MISSING:
                return MISSING
    return _applied(path.function, values) if path.function else values


@lru_cache(maxsize=512)
def parsed(text: str) -> Path:
    """Read a path; raises BadPath."""
    source = text.strip()
    if len(source) > 2048:
        raise BadPath("the path is longer than 2048 characters")
    function = ""
    if (match := _FUNCTION.search(source)) is not None:
        function, source = match[1], source[: match.start()]
    if not source.startswith("$"):
        source = f"$.{source}"
    steps: list[Step] = []
    at = 1
    while at < len(source):
        step, at = _step(source, at)
        steps.append(step)
    definite = all(step.kind in ("name", "index") for step in steps)
    return Path(tuple(steps), definite, function)


def _step(source: str, at: int) -> tuple[Step, int]:
    if source.startswith("..", at):
        if source[at + 2 : at + 3] == "[":
            return Step("deep"), at + 2
        if source[at + 2 : at + 3] == "*":
            return Step("deep"), at + 1
        match = _NAME.match(source, at + 2)
        if match is None:
            raise BadPath(f"{source}: a name is expected behind ..")
        return Step("deep"), at + 1
    if source[at] == ".":
        if source[at + 1 : at + 2] == "*":
            return Step("all"), at + 2
        match = _NAME.match(source, at + 1)
        if match is None:
            raise BadPath(f"{source}: a name is expected at {at + 1}")
        return Step("name", match[0]), match.end()
    if source[at] != "[":
        raise BadPath(f"{source}: unexpected {source[at]!r}")
    return _bracket(source, at + 1)


def _bracket(source: str, at: int) -> tuple[Step, int]:
    while source[at : at + 1] == " ":
        at += 1
    if source.startswith("?(", at):
        test, end = _disjunction(source, at + 2, 0)
        return Step("filter", test), _expected(source, end, ")]")
    if source[at : at + 1] == "*":
        return Step("all"), _expected(source, at + 1, "]")
    if (match := _SLICE.match(source, at)) is not None:
        bounds = [int(one) if one else None for one in match.groups()]
        if bounds[2] == 0:
            raise BadPath(f"{source}: a slice steps by 0")
        return Step("slice", slice(*bounds)), match.end() + 1
    if (match := _INDEXES.match(source, at)) is not None:
        numbers = [int(one) for one in match[0].split(",")]
        step = Step("index", numbers[0]) if len(numbers) == 1 else Step("indexes", numbers)
        return step, match.end() + 1
    names: list[str] = []
    while (match := _QUOTED.match(source, at)) is not None:
        names.append(re.sub(r"\\(.)", r"\1", match[1] if match[1] is not None else match[2]))
        at = match.end()
        while source[at : at + 1] in (" ", ","):
            at += 1
    if not names:
        raise BadPath(f"{source}: unexpected text at {at}")
    return (Step("name", names[0]) if len(names) == 1 else Step("names", names)), _expected(source, at, "]")


def _expected(source: str, at: int, closing: str) -> int:
    for character in closing:
        while source[at : at + 1] == " ":
            at += 1
        if source[at : at + 1] != character:
            raise BadPath(f"{source}: {character} is expected at {at}")
        at += 1
    return at


def _disjunction(source: str, at: int, depth: int) -> tuple[Filter, int]:
    return _chain(source, at, depth, "||", _conjunction, any)


def _conjunction(source: str, at: int, depth: int) -> tuple[Filter, int]:
    return _chain(source, at, depth, "&&", _comparison, all)


def _chain(source: str, at: int, depth: int, sign: str, inner: Any, joined: Any) -> tuple[Filter, int]:
    first, at = inner(source, at, depth)
    tests = [first]
    while source[at:].lstrip().startswith(sign):
        at = source.index(sign, at) + 2
        more, at = inner(source, at, depth)
        tests.append(more)
    return (first if len(tests) == 1 else lambda item: joined(test(item) for test in tests)), at


def _comparison(source: str, at: int, depth: int) -> tuple[Filter, int]:
    if depth > 20:
        raise BadPath("the filter nests too deep")
    while source[at : at + 1] == " ":
        at += 1
    if source[at : at + 1] == "!":
        inner, at = _comparison(source, at + 1, depth + 1)
        return (lambda item: not inner(item)), at
    if source[at : at + 1] == "(":
        inner, at = _disjunction(source, at + 1, depth + 1)
        return inner, _expected(source, at, ")")
    left, at = _operand(source, at)
    match = _OPERATOR.match(source, at)
    if match is None:
        return (lambda item: left(item) is not MISSING), at
    right, at = _operand(source, match.end())
    operator = match[1]
    return (lambda item: _compared(operator, left(item), right(item))), at


def _operand(source: str, at: int) -> tuple[Callable[[Any], Any], int]:
    match = _OPERAND.match(source, at)
    if match is None:
        raise BadPath(f"{source}: a value is expected at {at}")
    if match["path"] is not None:
        path = "$" + match["path"][1:]
        parsed(path)
        return (lambda item: found(item, path)), match.end()
    value: Any
    if match["text"] is not None:
        value = re.sub(r"\\(.)", r"\1", match["text"][1:-1])
    elif match["number"] is not None:
        value = float(match["number"]) if "." in match["number"] else int(match["number"])
    else:
        value = {"true": True, "false": False, "null": None}[match["word"]]
    return (lambda _item: value), match.end()


def _compared(operator: str, left: Any, right: Any) -> bool:
    if left is MISSING or right is MISSING:
        return operator == "!=" and left is not right
    if operator in ("==", "!="):
        same = left == right and isinstance(left, bool) == isinstance(right, bool)
        return same if operator == "==" else not same
    try:
        if operator == "<":
            return bool(left < right)
        if operator == "<=":
            return bool(left <= right)
        return bool(left > right) if operator == ">" else bool(left >= right)
    except TypeError:
        return False


def _walk(values: list[Any], steps: tuple[Step, ...], document: Any) -> list[Any]:
    for step in steps:
        made: list[Any] = []
        for value in values:
            for one in _many(value, step):
                made.append(one)
                if len(made) > _MOST:
                    raise BadPath(f"the path means more than {_MOST} values")
        values = made
    return values


def _one(value: Any, step: Step) -> Any:
    if step.kind == "name":
        return value.get(step.what, MISSING) if isinstance(value, dict) else MISSING
    if isinstance(value, list) and -len(value) <= step.what < len(value):
        return value[step.what]
    return MISSING


def _many(value: Any, step: Step) -> Iterator[Any]:
    if step.kind in ("name", "index"):
        one = _one(value, step)
        if one is not MISSING:
            yield one
    elif step.kind == "names":
        if isinstance(value, dict):
            yield from (value[name] for name in step.what if name in value)
    elif step.kind == "indexes":
        if isinstance(value, list):
            yield from (value[index] for index in step.what if -len(value) <= index < len(value))
    elif step.kind == "slice":
        if isinstance(value, list):
            yield from value[step.what]
    elif step.kind == "all":
        yield from _children(value)
    elif step.kind == "deep":
        yield from _descendants(value, 0)
    elif isinstance(value, list):
        yield from (one for one in value if step.what(one))
    elif isinstance(value, dict) and step.what(value):
        yield value


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descendants(value: Any, depth: int) -> Iterator[Any]:
    if depth > _DEEPEST:
        raise BadPath("the document nests too deep")
    if isinstance(value, dict | list):
        yield value
        for one in _children(value):
            yield from _descendants(one, depth + 1)


def _applied(function: str, value: Any) -> Any:
    if function in ("length", "size"):
        return len(value) if isinstance(value, list | dict | str) else None
    if function == "keys":
        return list(value) if isinstance(value, dict) else None
    if not isinstance(value, list) or not value:
        return None
    if function in ("first", "last"):
        return value[0 if function == "first" else -1]
    numbers = [one for one in value if isinstance(one, int | float) and not isinstance(one, bool)]
    if not numbers:
        return None
    if function == "avg":
        return sum(numbers) / len(numbers)
    if function == "sum":
        return sum(numbers)
    return min(numbers) if function == "min" else max(numbers)
