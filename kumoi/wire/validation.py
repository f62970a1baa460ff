"""The model's constraints, checked as AWS words them: required members, lengths, ranges, patterns and enums.

The violations of a request are told together, ten at most: `2 validation errors detected: Value 'x' at 'name' failed
to satisfy constraint: …; Value null at …`. Paths are in lower camel case, structures in lists as `tags.1.member.key`,
in maps as `tables.NAME.member.keys`; a plain value in a list or map is told as the whole list or map, with all that
its values must satisfy. Values are shown as Java prints them. Source: recorded answers of DynamoDB, Lambda and Logs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from kumoi.wire.codegen import Generator, indented
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.patterns import compiled_pattern

if TYPE_CHECKING:
    from kumoi.wire.model import Shape

Path = tuple[Any, ...] | str
"""Where a value is: (path of the parent, steps …), joined only when there is something to tell."""

NUMBERS = ("byte", "short", "integer", "long", "float", "double")
MOST_TOLD = 10


class Violation(NamedTuple):
    """One broken constraint."""

    path: Path
    value: Any
    shape: Shape
    constraint: str

    def __str__(self) -> str:
        text = f"'{shown(self.value, self.shape)}'" if self.value is not None else "null"
        return f"Value {text} at '{joined(self.path)}' failed to satisfy constraint: {self.constraint}"


Check = Callable[[Any, Path, list[Violation]], None]


def error(violations: list[Violation], code: str) -> AwsError:
    """The error that tells the violations, the first ten of them."""
    told = violations[:MOST_TOLD]
    count = f"{len(told)} validation error{'s' if len(told) > 1 else ''} detected"
    return aws_error(code, f"{count}: {'; '.join(map(str, told))}", status=400)


def joined(path: Path) -> str:
    """A path as text."""
    return path if isinstance(path, str) else "".join(joined(step) for step in path)


def shown(value: Any, shape: Shape) -> str:
    """A value as Java prints it: lists as [a, b], maps as {k=v}, structures as Name(member=value)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(shown(one, shape.item) for one in value)}]"
    if isinstance(value, dict) and shape.type == "map":
        return "{" + ", ".join(f"{key}={shown(one, shape.value)}" for key, one in value.items()) + "}"
    if isinstance(value, dict) and not shape.document:
        members = ((member, value.get(member), inner) for member, inner in shape.members.items())
        told = ", ".join(f"{camel(name)}={shown(one, inner)}" for name, one, inner in members if one is not None)
        return f"{shape.name}({told})"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


def camel(member: str) -> str:
    """A member's name in lower camel case, as AWS's messages have it."""
    return member[:1].lower() + member[1:]


def constraints(shape: Shape, *, enums: bool = True) -> list[tuple[str, str]]:
    """(what must hold of `x`, AWS's words for it) for a shape's own constraints but its pattern."""
    least, most = shape.traits.get("min"), shape.traits.get("max")
    found = []
    if shape.type in NUMBERS:
        measure, what = "x", "have value"
    elif shape.type in ("string", "list", "map", "blob") and not shape.streaming:
        measure, what = "len(x)", "have length"
    else:
        return []
    if most is not None:
        found.append((f"{measure} <= {most!r}", f"Member must {what} less than or equal to {most}"))
    if least is not None:
        found.append((f"{measure} >= {least!r}", f"Member must {what} greater than or equal to {least}"))
    values = shape.traits.get("enum") if enums and shape.type == "string" else None
    if values:
        found.append((f"x in {tuple(values)!r}", f"Member must satisfy enum value set: [{', '.join(values)}]"))
    return found


class Validator(Generator):
    """The checks of one service's shapes; of `unchecked` shapes the service checks enum and pattern itself.

    With `longest` nothing is checked that only a text, list or map of more than so many parts could break.
    """

    def __init__(self, service: str, unchecked: frozenset[str] = frozenset(), longest: int | None = None) -> None:
        super().__init__(service, {"Violation": Violation})
        self._unchecked = unchecked
        self._longest = longest
        self._constrained: dict[str, bool] = {}

    def check(self, shape: Shape, title: str) -> Check | None:
        """The function (params, path, violations) that adds what is wrong; None where nothing can be."""
        return self.compiled(self._structure(shape), title) if self._matters(shape) else None

    def _own(self, shape: Shape) -> list[tuple[str, str]]:
        """(what must hold of `x`, AWS's words) for a shape itself; what always holds is left out."""
        found = [
            (holds, words)
            for holds, words in constraints(shape, enums=shape.name not in self._unchecked)
            if holds != "len(x) >= 0" and not self._short_enough(shape, holds)
        ]
        checked = shape.type == "string" and shape.name not in self._unchecked
        text = shape.traits.get("pattern") if checked else None
        pattern = compiled_pattern(text) if text else None
        if pattern is not None:
            matches = self.constant(f"pattern_{shape.name}", pattern.fullmatch)
            found.append((f"{matches}(x) is not None", f"Member must satisfy regular expression pattern: {text}"))
        return found

    def _short_enough(self, shape: Shape, holds: str) -> bool:
        most, longest = shape.traits.get("max"), self._longest
        return longest is not None and most is not None and most >= longest and holds == f"len(x) <= {most!r}"

    def _matters(self, shape: Shape) -> bool:
        """Whether anything in a value of this shape can be wrong."""
        if shape.name not in self._constrained:
            inside = (shape, *shape.within())
            self._constrained[shape.name] = any(bool(one.required) or bool(self._own(one)) for one in inside)
        return self._constrained[shape.name]

    def _told(self, shape: Shape, path: str, words: str, x: str) -> str:
        shown_as = self.constant(f"shape_{shape.name}", shape)
        return f"found.append(Violation({path}, {x}, {shown_as}, {words!r}))"

    def _structure(self, shape: Shape) -> str:
        def body() -> list[str]:
            lines = []
            for member, inner in shape.members.items():
                path = f"(path, {camel(member)!r})"
                checks = [] if inner.event_stream else self._value(inner, path, separator=".")
                missing = self._told(inner, path, "Member must not be null", "None") if member in shape.required else ""
                if checks or missing:
                    lines.append(f"x = v.get({member!r})")
                if missing:
                    lines.append(f"if x is None: {missing}")
                if checks:
                    lines += ["else:" if missing else "if x is not None:", *indented(checks)]
            return lines or ["pass"]

        return self.function(shape.name, f"check_{shape.name}", "v, path, found", body)

    def _value(self, shape: Shape, path: str, separator: str) -> list[str]:
        """Lines that check `x`, which lies at `path`."""
        if shape.document or not self._matters(shape):
            return []
        if shape.type == "structure":
            return [f"{self._structure(shape)}(x, ({path}, {separator!r}), found)"]
        own = [f"if not ({holds}): {self._told(shape, path, words, 'x')}" for holds, words in self._own(shape)]
        if shape.type in ("list", "map"):
            inside = self._list(shape) if shape.type == "list" else self._map(shape)
            own += [f"{inside}(x, {path}, found)"] if inside else []
        return own

    def _checked(self, shape: Shape) -> list[str]:
        """The members of a structure of which one is usual that anything is said of."""
        return [member for member, inner in shape.members.items() if self._matters(inner)]

    def _list(self, shape: Shape) -> str | None:
        item = shape.item
        if not self._matters(item):
            return None

        def body() -> list[str]:
            lines = []
            if item.type != "structure" and (own := self._own(item)):
                words = f"Member must satisfy constraint: [{', '.join(words for _, words in own)}]"
                lines += self._first_that_fails("x in v", own, self._told(shape, "path", words, "v"))
            inner = self._inside(item, "(path, '.', str(n), '.member')")
            return [*lines, *(["for n, x in enumerate(v, 1):", *indented(inner)] if inner else [])]

        return self.function(("list", shape.name), f"check_{shape.name}", "v, path, found", body)

    def _map(self, shape: Shape) -> str | None:
        if not self._matters(shape.key) and not self._matters(shape.value):
            return None

        def body() -> list[str]:
            lines = []
            for what, one, place in (("keys", shape.key, "x in v"), ("value", shape.value, "x in v.values()")):
                if one.type != "structure" and (own := self._own(one)):
                    words = f"Map {what} must satisfy constraint: [{', '.join(words for _, words in own)}]"
                    lines += self._first_that_fails(place, own, self._told(shape, "path", words, "v"))
            inner = self._inside(shape.value, "(path, '.', k, '.member')")
            return [*lines, *(["for k, x in v.items():", *indented(inner)] if inner else [])]

        return self.function(("map", shape.name), f"check_{shape.name}", "v, path, found", body)

    def _inside(self, shape: Shape, path: str) -> list[str]:
        """Lines that check what lies in the list, map or structure `x`, but not its own constraints."""
        if shape.type == "structure":
            lines = self._value(shape, path, separator=".")
            if lines and shape.one_of_many:  # most of them hold nothing that there is anything to say of
                lines = [f"if {' or '.join(f'{one!r} in x' for one in self._checked(shape))}:", *indented(lines)]
            return lines
        if shape.type not in ("list", "map"):
            return []
        inside = self._list(shape) if shape.type == "list" else self._map(shape)
        return [f"{inside}(x, {path}, found)"] if inside else []

    def _first_that_fails(self, values: str, own: list[tuple[str, str]], told: str) -> list[str]:
        holds = " and ".join(f"({one})" for one, _ in own)
        return [f"for {values}:", f"    if not ({holds}):", f"        {told}", "        break"]
