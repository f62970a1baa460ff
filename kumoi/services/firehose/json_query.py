"""The part of jq that partition keys are taken by: paths, `|`, `//`, `+`, literals, objects, and some functions; pure.

`{customer: .customer_id, day: (.at | strftime("%Y-%m-%d"))}`. What goes beyond is refused when a stream is made.
Source: the jq manual (version 1.6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

Filter = Callable[[Any], Any]
_TOKEN = re.compile(r"""\s*(//|[{}()\[\]|,:.?+]|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|[A-Za-z_]\w*)""")
_NAME = re.compile(r"[A-Za-z_]\w*")
_DEEPEST = 50


class QueryError(ValueError):
    """A query that cannot be read, or a value that it cannot be asked of."""


def compiled(query: str) -> Callable[[Any], dict[str, Any]]:
    """The query as a function from a JSON value to the object that it makes; QueryError."""
    reader = _Reader(query)
    found = reader.pipe(0)
    reader.end()

    def made(value: Any) -> dict[str, Any]:
        answer = found(value)
        if not isinstance(answer, dict):
            raise QueryError("the query does not make an object")
        return answer

    return made


def keys_of(query: str) -> list[str]:
    """The names of the object that a query makes, where it is written as one; QueryError."""
    reader = _Reader(query)
    if reader.look() != "{":
        raise QueryError("a query is written as an object: {name: .path, …}")
    return [name for name, _ in reader.entries(0)]


class _Reader:
    """Reads a query, token by token."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise QueryError(f"{text[at:].strip()!r} cannot be read")
            self._tokens.append(match[1])
            at = match.end()
        self._at = 0

    def look(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, token: str = "") -> str:
        found = self.look()
        if not found or (token and found != token):
            raise QueryError(f"{token or 'something'!r} is missing" + (f" before {found!r}" if found else ""))
        self._at += 1
        return found

    def end(self) -> None:
        if self.look():
            raise QueryError(f"{self.look()!r} cannot stand there")

    def pipe(self, depth: int) -> Filter:
        """`a | b`."""
        if depth > _DEEPEST:
            raise QueryError(f"the query is nested more than {_DEEPEST} deep")
        found = self._alternative(depth)
        while self.look() == "|":
            self.take()
            found = _piped(found, self._alternative(depth))
        return found

    def _alternative(self, depth: int) -> Filter:
        found = self._sum(depth)
        while self.look() == "//":
            self.take()
            found = _either(found, self._sum(depth))
        return found

    def _sum(self, depth: int) -> Filter:
        found = self._term(depth)
        while self.look() == "+":
            self.take()
            found = _added(found, self._term(depth))
        return found

    def _term(self, depth: int) -> Filter:
        word = self.take()
        found: Filter
        if word == ".":
            found = _identity
            if _NAME.fullmatch(self.look()) or self.look().startswith('"'):
                found = _member(_identity, self._key())
        elif word == "(":
            found = self.pipe(depth + 1)
            self.take(")")
        elif word == "{":
            self._at -= 1
            entries = self.entries(depth)
            found = _object(entries)
        elif word.startswith('"') or word[0].isdigit() or word[0] == "-":
            found = _constant(_literal(word))
        elif word in ("null", "true", "false"):
            found = _constant(orjson.loads(word))
        elif _NAME.fullmatch(word):
            found = self._function(word, depth)
        else:
            raise QueryError(f"{word!r} cannot stand there")
        return self._suffixes(found)

    def _suffixes(self, found: Filter) -> Filter:
        while self.look() in (".", "[", "?"):
            word = self.take()
            if word == "?":
                found = _forgiving(found)
            elif word == ".":
                found = self._index(found) if self.look() == "[" else _member(found, self._key())
            else:
                self._at -= 1
                found = self._index(found)
        return found

    def _index(self, found: Filter) -> Filter:
        self.take("[")
        index = self.take()
        self.take("]")
        if index.startswith('"'):
            return _member(found, _literal(index))
        if re.fullmatch(r"-?\d+", index):
            return _item(found, int(index))
        raise QueryError(f"[{index}] is no index")

    def _key(self) -> str:
        token = self.take()
        if token.startswith('"'):
            return str(_literal(token))
        if _NAME.fullmatch(token):
            return token
        raise QueryError(f".{token} is no path")

    def entries(self, depth: int) -> list[tuple[str, Filter]]:
        """The members of an object."""
        self.take("{")
        found: list[tuple[str, Filter]] = []
        while True:
            name = self._key()
            if self.look() == ":":
                self.take()
                found.append((name, self.pipe(depth + 1)))
            else:
                found.append((name, _member(_identity, name)))
            if self.take() == "}":
                return found
            self._at -= 1
            self.take(",")

    def _function(self, name: str, depth: int) -> Filter:
        if self.look() == "(":
            self.take()
            argument = self.pipe(depth + 1)
            self.take(")")
            if name not in _WITH_ARGUMENT:
                raise QueryError(f"{name}/1 is not known")
            function = _WITH_ARGUMENT[name]
            return lambda value: function(value, argument(value))
        if name not in _PLAIN:
            raise QueryError(f"{name}/0 is not known")
        return _PLAIN[name]


def _literal(token: str) -> Any:
    try:
        return orjson.loads(token)
    except orjson.JSONDecodeError:
        raise QueryError(f"{token} is no literal") from None


def _identity(value: Any) -> Any:
    return value


def _constant(constant: Any) -> Filter:
    return lambda _value: constant


def _piped(first: Filter, second: Filter) -> Filter:
    return lambda value: second(first(value))


def _either(first: Filter, second: Filter) -> Filter:
    careful = _forgiving(first)

    def found(value: Any) -> Any:
        answer = careful(value)
        return second(value) if answer is None or answer is False else answer

    return found


def _added(first: Filter, second: Filter) -> Filter:
    def found(value: Any) -> Any:
        left: Any = first(value)
        right: Any = second(value)
        if left is None or right is None:
            return right if left is None else left
        if _kind(left) == _kind(right) == "object":
            return {**left, **right}
        if _kind(left) == _kind(right) and _kind(left) in ("string", "array", "number"):
            return left + right
        raise QueryError(f"{_kind(left)} and {_kind(right)} cannot be added")

    return found


def _member(inner: Filter, name: str) -> Filter:
    def found(value: Any) -> Any:
        holder = inner(value)
        if holder is None:
            return None
        if not isinstance(holder, dict):
            raise QueryError(f'Cannot index {_kind(holder)} with "{name}"')
        return holder.get(name)

    return found


def _item(inner: Filter, index: int) -> Filter:
    def found(value: Any) -> Any:
        holder = inner(value)
        if holder is None:
            return None
        if not isinstance(holder, list):
            raise QueryError(f"Cannot index {_kind(holder)} with number")
        return holder[index] if -len(holder) <= index < len(holder) else None

    return found


def _forgiving(inner: Filter) -> Filter:
    def found(value: Any) -> Any:
        try:
            return inner(value)
        except QueryError:
            return None

    return found


def _object(entries: list[tuple[str, Filter]]) -> Filter:
    return lambda value: {name: part(value) for name, part in entries}


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "value")


def text_of(value: Any) -> str:
    """A value as `tostring` writes it."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise QueryError(f"{_kind(value)} cannot be parsed as a number") from None
    return int(number) if number.is_integer() else number


def _string(value: Any, function: str) -> str:
    if not isinstance(value, str):
        raise QueryError(f"{function} input must be a string, it is {_kind(value)}")
    return value


def _length(value: Any) -> Any:
    return 0 if value is None else len(value) if isinstance(value, str | list | dict) else abs(_number(value))


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromtimestamp(_number(value), UTC)
    except (OverflowError, OSError, ValueError):
        raise QueryError(f"{value} is no time") from None


def _from_date(value: Any) -> int:
    try:
        return int(datetime.strptime(_string(value, "fromdate"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise QueryError(f'date "{value}" does not match format "%Y-%m-%dT%H:%M:%SZ"') from None


def _from_json(value: Any) -> Any:
    try:
        return orjson.loads(_string(value, "fromjson"))
    except orjson.JSONDecodeError as error:
        raise QueryError(f"{error} (while parsing '{value}')") from None


def _split(value: Any, separator: Any) -> list[str]:
    text, between = _string(value, "split"), _string(separator, "split")
    return text.split(between) if between else list(text)


_PLAIN: Mapping[str, Filter] = {
    "tostring": text_of,
    "tojson": lambda value: orjson.dumps(value).decode(),
    "fromjson": _from_json,
    "tonumber": _number,
    "floor": lambda value: int(_number(value) // 1),
    "length": _length,
    "ascii_downcase": lambda value: _string(value, "ascii_downcase").lower(),
    "ascii_upcase": lambda value: _string(value, "ascii_upcase").upper(),
    "todate": lambda value: _moment(value).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "fromdate": _from_date,
    "not": lambda value: value is None or value is False,
}
_WITH_ARGUMENT: Mapping[str, Callable[[Any, Any], Any]] = {
    "strftime": lambda value, form: _moment(value).strftime(_string(form, "strftime")),
    "ltrimstr": lambda value, part: _string(value, "ltrimstr").removeprefix(_string(part, "ltrimstr")),
    "rtrimstr": lambda value, part: _string(value, "rtrimstr").removesuffix(_string(part, "rtrimstr")),
    "split": _split,
}
