"""The model's constraints, checked as AWS words them: required members, lengths, ranges, patterns and enums.

All violations of a request are told at once: `2 validation errors detected: Value 'x' at 'name' failed to satisfy
constraint: …; Value null at …`. Paths are in lower camel case, list elements as `tags.1.member.key`, map values as
`variables.NAME.member`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.model import Shape


class Violation(NamedTuple):
    """One broken constraint; `value` as AWS shows it (null for what is missing)."""

    path: str
    value: str
    constraint: str

    def __str__(self) -> str:
        return f"Value {self.value} at '{self.path}' failed to satisfy constraint: {self.constraint}"


Check = Callable[[Any, str, list[Violation]], None]

_JAVA_CLASSES = {
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{Alpha}": "a-zA-Z",
    r"\p{ASCII}": r"\x00-\x7f",
    r"\p{Digit}": "0-9",
    r"\p{Graph}": r"\x21-\x7e",
    r"\p{L}": "a-zA-Z\\u00aa-\\uffdc",
    r"\p{Lower}": "a-z",
    r"\p{N}": r"0-9\u0660-\u0669",
    r"\p{Print}": r"\x20-\x7e",
    r"\p{Punct}": r"!-/:-@\[-`{-~",
    r"\p{S}": r"$+<=>^`|~\u00a2-\u2bff",
    r"\p{Space}": r"\s",
    r"\p{Upper}": "A-Z",
    r"\p{Z}": r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
_NAMED_CLASS = re.compile(r"\\p\{(?:Is)?(\w+)\}")


def error(violations: list[Violation], code: str) -> AwsError:
    """The error that tells all violations."""
    count = len(violations)
    text = "; ".join(map(str, violations))
    return aws_error(code, f"{count} validation error{'s' if count > 1 else ''} detected: {text}", status=400)


def shown(value: Any) -> str:
    """A value as Java prints it: texts in quotes, lists as [a, b], maps as {k=v}."""
    return f"'{_java(value)}'"


def _java(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_java, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java(one)}" for key, one in value.items()) + "}"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


class Validator:
    """Compiles checks of one service's shapes; each shape once. `skipped` lists patterns Python cannot read."""

    def __init__(self, unchecked_enums: frozenset[str] = frozenset()) -> None:
        self.skipped: list[str] = []
        self._unchecked = unchecked_enums
        self._checks: dict[str, Check | None] = {}

    def check(self, shape: Shape) -> Check | None:
        """The function that adds a value's violations to a list; None where nothing can be wrong."""
        name = shape.name
        if name not in self._checks:
            self._checks[name] = lambda value, path, found: self._late(name, value, path, found)
            self._checks[name] = self._compile(shape)
        return self._checks[name]

    def _late(self, name: str, value: Any, path: str, found: list[Violation]) -> None:
        check = self._checks[name]
        if check is not None:
            check(value, path, found)

    def _compile(self, shape: Shape) -> Check | None:
        own = self._own(shape)
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list":
            return _both(own, self._list(shape))
        if shape.type == "map":
            return _both(own, self._map(shape))
        return own

    def _structure(self, shape: Shape) -> Check | None:
        required = [(member, _camel(member)) for member in shape.traits.get("required", ()) if member in shape.required]
        inner = {
            member: (_camel(member), check)
            for member, one in shape.members.items()
            if not one.event_stream and (check := self.check(one)) is not None
        }
        if not required and not inner:
            return None

        def check_structure(value: Any, path: str, found: list[Violation]) -> None:
            if not isinstance(value, dict):
                return
            for member, camel in required:
                if value.get(member) is None:
                    found.append(Violation(path + camel, "null", "Member must not be null"))
            for member, one in value.items():
                if (checked := inner.get(member)) is not None and one is not None:
                    checked[1](one, path + checked[0], found) if not isinstance(one, dict) else checked[1](
                        one, f"{path}{checked[0]}.", found
                    )

        return check_structure

    def _list(self, shape: Shape) -> Check | None:
        check = self.check(shape.item)
        if check is None:
            return None
        nested = shape.item.type in ("structure", "map")

        def check_list(value: Any, path: str, found: list[Violation]) -> None:
            for number, one in enumerate(value, 1):
                check(one, f"{path}.{number}.member{'.' if nested else ''}", found)

        return check_list

    def _map(self, shape: Shape) -> Check | None:
        check_key, check_value = self.check(shape.key), self.check(shape.value)
        if check_key is None and check_value is None:
            return None
        nested = shape.value.type in ("structure", "map")

        def check_map(value: Any, path: str, found: list[Violation]) -> None:
            for key, one in value.items():
                if check_key is not None:
                    _key_violations(check_key, value, key, path, found)
                if check_value is not None:
                    check_value(one, f"{path}{key}.member{'.' if nested else ''}", found)

        return check_map

    def _own(self, shape: Shape) -> Check | None:
        """The checks of a shape's own bounds, pattern and values."""
        if shape.type in ("integer", "long", "float", "double", "short"):
            return _bounds(shape, lambda value: value, "have value")
        if shape.type in ("list", "map", "blob"):
            return None if shape.streaming else _bounds(shape, len, "have length")
        if shape.type != "string":
            return None
        lengths = _bounds(shape, len, "have length")
        enum = shape.traits.get("enum") if shape.name not in self._unchecked else None
        pattern = self._pattern(shape.traits.get("pattern"))
        if lengths is None and not enum and pattern is None:
            return None
        ordered = list(enum or ())
        values = frozenset(ordered)
        pattern_text = shape.traits.get("pattern")

        def check_string(value: Any, path: str, found: list[Violation]) -> None:
            before = len(found)
            if lengths is not None:
                lengths(value, path, found)
            if values and value not in values:
                text = f"Member must satisfy enum value set: [{', '.join(ordered)}]"
                found.append(Violation(path, shown(value), text))
            if pattern is not None and len(found) == before and not pattern.fullmatch(value):
                text = f"Member must satisfy regular expression pattern: {pattern_text}"
                found.append(Violation(path, shown(value), text))

        return check_string

    def _pattern(self, text: str | None) -> re.Pattern[str] | None:
        """A Java pattern in Python's dialect; None (and noted) where that cannot be had."""
        if not text or text in (".*", "^.*$", r"[\s\S]*", ".+"):
            return None
        translated = _NAMED_CLASS.sub(lambda match: _JAVA_CLASSES.get(rf"\p{{{match[1]}}}", match[0]), text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return re.compile(translated)
        except re.error:
            self.skipped.append(text)
            return None


def _key_violations(check: Check, value: Any, key: str, path: str, found: list[Violation]) -> None:
    """A map's key is told as the whole map, with the constraint on its keys."""
    own: list[Violation] = []
    check(key, path, own)
    if own:
        constraint = f"Map keys must satisfy constraint: [{', '.join(one.constraint for one in own)}]"
        found.append(Violation(path.rstrip("."), shown(value), constraint))


def _bounds(shape: Shape, measure: Callable[[Any], Any], what: str) -> Check | None:
    least, most = shape.traits.get("min"), shape.traits.get("max")
    if what == "have length" and least == 0:
        least = None
    if least is None and most is None:
        return None

    def check_bounds(value: Any, path: str, found: list[Violation]) -> None:
        size = measure(value)
        if least is not None and size < least:
            text = f"Member must {what} greater than or equal to {least}"
            found.append(Violation(path.rstrip("."), shown(value), text))
        elif most is not None and size > most:
            text = f"Member must {what} less than or equal to {most}"
            found.append(Violation(path.rstrip("."), shown(value), text))

    return check_bounds


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second

    def check(value: Any, path: str, found: list[Violation]) -> None:
        first(value, path, found)
        second(value, path, found)

    return check


def _camel(member: str) -> str:
    """A member's name in lower camel case, as AWS's messages have it."""
    return member[:1].lower() + member[1:]
