"""Update expressions, applied to an item: what a versioned change makes of the item it found; pure.

Versions need the whole new item, for the delta table and to merge conflicts. Values are typed ones. Source: "Update
expressions" of the DynamoDB developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from decimal import Context, Decimal, InvalidOperation
from typing import Any, NamedTuple

from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.tables.values import number

_TOKEN = re.compile(r"\s*([#:]?[A-Za-z_][A-Za-z0-9_]*|#[A-Za-z0-9_]+|:[A-Za-z0-9_]+|\d+|[=+\-(),.\[\]])")
_EXACT = Context(prec=38)
_MISSING = "The provided expression refers to an attribute that does not exist in the item"
Item = dict[str, Any]


class Change(NamedTuple):
    """One action: its section, the path, and what it is set to (a value, or a function of the item as it was)."""

    section: str
    path: tuple[str | int, ...]
    value: Callable[[Item], Any] | None = None
    literal: Any = None


def changes_of(text: str, names: Mapping[str, str], values: Mapping[str, Any]) -> list[Change]:
    """Read an expression; raises FieldError."""
    return _Reader(text, names, values).changes()


def applied(changes: list[Change], item: Item) -> Item:
    """The item after all changes, each of which sees it as it was; raises FieldError."""
    made = deepcopy(item)
    for change in changes:
        if change.section == "SET":
            assert change.value is not None
            _set(made, change.path, change.value(item))
        elif change.section != "REMOVE":
            _set_or_drop(made, change, _find(item, change.path))
    removed = [change.path for change in changes if change.section == "REMOVE"]
    for path in sorted(removed, key=lambda path: [str(one).zfill(9) for one in path], reverse=True):
        _remove(made, path)  # the last first: what is behind in a list moves up
    return made


class _Reader:
    def __init__(self, text: str, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        self._names, self._values = names, values
        self._tokens: list[str] = []
        at = 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _invalid(f'Syntax error; token: "{text[at : at + 20]}"')
            self._tokens.append(match[1])
            at = match.end()
        self._at = 0

    def changes(self) -> list[Change]:
        found: list[Change] = []
        while self._at < len(self._tokens):
            section = self._next().upper()
            if section not in ("SET", "REMOVE", "ADD", "DELETE"):
                raise _invalid(f'Syntax error; token: "{section}"')
            found.append(self._change(section))
            while self._taken(","):
                found.append(self._change(section))
        return found

    def _change(self, section: str) -> Change:
        path = self._path(self._next())
        if section == "REMOVE":
            return Change(section, path)
        if section != "SET":
            return Change(section, path, literal=self._value(self._next()))
        self._expect("=")
        first = self._at
        value = self._sum()
        token = self._tokens[first]
        alone = self._at == first + 1 and token.startswith(":")
        return Change(section, path, value, self._values[token] if alone else None)

    def _sum(self) -> Callable[[Item], Any]:
        left = self._operand()
        for sign in ("+", "-"):
            if self._taken(sign):
                return _calculated(left, sign, self._operand())
        return left

    def _operand(self) -> Callable[[Item], Any]:
        token = self._next()
        if token == "(":  # noqa: S105  (a bracket)
            inner = self._sum()
            self._expect(")")
            return inner
        if token in ("if_not_exists", "list_append") and self._taken("("):
            if token == "if_not_exists":  # noqa: S105  (a function's name)
                path = self._path(self._next())
                self._expect(",")
                other = self._operand()
                self._expect(")")
                return lambda item: other(item) if _find(item, path) is None else _find(item, path)
            one = self._operand()
            self._expect(",")
            more = self._operand()
            self._expect(")")
            return lambda item: {"L": [*_list(one(item)), *_list(more(item))]}
        if token.startswith(":"):
            value = self._value(token)
            return lambda _item: value
        path = self._path(token)
        return lambda item: _there(_find(item, path))

    def _path(self, token: str) -> tuple[str | int, ...]:
        parts: list[str | int] = [self._name(token)]
        while True:
            if self._taken("."):
                parts.append(self._name(self._next()))
            elif self._taken("["):
                index = self._next()
                if not index.isdigit():
                    raise _invalid(f'Syntax error; token: "{index}"')
                parts.append(int(index))
                self._expect("]")
            else:
                return tuple(parts)

    def _name(self, token: str) -> str:
        if token.startswith("#"):
            if token not in self._names:
                raise _invalid(f"An expression attribute name used in the document path is not defined: {token}")
            return str(self._names[token])
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", token):
            raise _invalid(f'Syntax error; token: "{token}"')
        return token

    def _value(self, token: str) -> Any:
        if token not in self._values:
            raise _invalid(f"An expression attribute value used in expression is not defined: {token}")
        return self._values[token]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise _invalid("Syntax error; token: <EOF>")
        self._at += 1
        return self._tokens[self._at - 1]

    def _taken(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._taken(token):
            raise _invalid(f'Syntax error; token: "{self._peek() or "<EOF>"}"')


def _invalid(text: str) -> FieldError:
    return FieldError(f"Invalid UpdateExpression: {text}", "DynamoDB:ValidationException")


def _there(value: Any) -> Any:
    if value is None:
        raise FieldError(_MISSING, "DynamoDB:ValidationException")
    return value


def _list(value: Any) -> list[Any]:
    if "L" not in value:
        raise _invalid("Incorrect operand type for operator or function; operator or function: list_append")
    found: list[Any] = value["L"]
    return found


def _calculated(left: Callable[[Item], Any], sign: str, right: Callable[[Item], Any]) -> Callable[[Item], Any]:
    def value(item: Item) -> Any:
        return _sum_of(left(item), right(item), sign)

    return value


def _sum_of(one: Any, other: Any, sign: str = "+") -> dict[str, str]:
    if "N" not in one or "N" not in other:
        raise _invalid(f"Incorrect operand type for operator or function; operator or function: {sign}")
    try:
        first, second = Decimal(one["N"]), Decimal(other["N"])
        made = _EXACT.add(first, second) if sign == "+" else _EXACT.subtract(first, second)
    except InvalidOperation:
        raise _invalid("a number is none") from None
    return {"N": format(made, "f")}


def _find(item: Item, path: tuple[str | int, ...]) -> Any:
    """The value at a path; None where there is none."""
    value: Any = {"M": item}
    for part in path:
        held = value.get("M" if isinstance(part, str) else "L")
        if (
            held is None
            or (isinstance(part, int) and part >= len(held))
            or (isinstance(part, str) and part not in held)
        ):
            return None
        value = held[part]
    return value


def _holder(item: Item, path: tuple[str | int, ...]) -> Any:
    holder = _find(item, path[:-1]) if len(path) > 1 else {"M": item}
    held = holder.get("M" if isinstance(path[-1], str) else "L") if holder else None
    if held is None:
        raise FieldError(
            "The document path provided in the update expression is invalid for update", "DynamoDB:ValidationException"
        )
    return held


def _set(item: Item, path: tuple[str | int, ...], value: Any) -> None:
    held, last = _holder(item, path), path[-1]
    if isinstance(last, int) and last >= len(held):
        held.append(value)
    else:
        held[last] = value


def _remove(item: Item, path: tuple[str | int, ...]) -> None:
    if _find(item, path) is not None:
        del _holder(item, path)[path[-1]]


def _set_or_drop(item: Item, change: Change, before: Any) -> None:
    """ADD to a number or a set; DELETE from a set, which goes with its last member."""
    value = change.literal
    ((kind, held),) = value.items()
    if kind == "N" and change.section == "ADD":
        _set(item, change.path, value if before is None else _sum_of(before, value))
        return
    if kind not in ("SS", "NS", "BS") or (before is not None and kind not in before):
        raise _invalid(f"Incorrect operand type for operator or function; operator: {change.section}")
    members = list(before[kind]) if before is not None else []
    alike = (lambda one, other: number(one) == number(other)) if kind == "NS" else (lambda one, other: one == other)
    if change.section == "ADD":
        members += [one for one in held if not any(alike(one, other) for other in members)]
    else:
        members = [one for one in members if not any(alike(one, other) for other in held)]
    if members:
        _set(item, change.path, {kind: members})
    elif before is not None:
        _remove(item, change.path)
