"""The methods of Java's texts, numbers, lists and maps that templates call.

Tables by kind of value, name and number of arguments. A method that a value has not gives nothing (None), as a
reference to it then does; an index out of bounds is an error. Source: the Java platform's API documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kumoi import java_patterns
from kumoi.java_patterns import BadPattern
from kumoi.vtl.errors import LimitExceeded, VtlError
from kumoi.vtl.operators import is_number
from kumoi.vtl.values import Entry, Object, text_of

Table = dict[tuple[str, int], Callable[..., Any]]
"""`f(most, value, *arguments)`; `most` is how long a text may become."""


class NoSuchMethod(Exception):
    """The value has no such method for these arguments."""


def call(value: Any, name: str, arguments: list[Any], most: int) -> Any:
    """What a method answers; raises VtlError for what Java throws."""
    if isinstance(value, Object):
        return _of_object(value, name, arguments)
    for table in _tables(value):
        method = table.get((name, len(arguments)))
        if method is not None:
            try:
                return method(most, value, *arguments)
            except NoSuchMethod:
                return None
            except (IndexError, ValueError, OverflowError) as error:
                raise VtlError(f"{name}: {error}") from None
    return None


def _of_object(value: Object, name: str, arguments: list[Any]) -> Any:
    method = value.methods.get(name)
    if method is None:
        prop = name[3:4].lower() + name[4:]
        if name.startswith("get") and not arguments and prop in value.properties:
            return value.properties[prop]
        return value.text if name == "toString" and not arguments else None
    try:
        return method(*arguments)
    except (TypeError, ValueError) as error:
        raise VtlError(f"{name}: {error}") from None


def _tables(value: Any) -> tuple[Table, ...]:
    if isinstance(value, str):
        return _TEXT, _ANY
    if isinstance(value, dict):
        return _MAP, _ANY
    if isinstance(value, list):
        return _LIST, _SEQUENCE, _ANY
    if isinstance(value, tuple | range):
        return _SEQUENCE, _ANY
    if is_number(value):
        return _NUMBER, _ANY
    return (_ANY,)


def hash_code(value: Any) -> int:
    """`hashCode` of texts and whole numbers, as Java counts it."""
    if isinstance(value, bool):
        return 1231 if value else 1237
    if isinstance(value, int):
        return value
    found = 0
    encoded = str(value).encode("utf-16-be", "surrogatepass")
    for at in range(0, len(encoded), 2):
        found = (31 * found + (encoded[at] << 8 | encoded[at + 1])) & 0xFFFFFFFF
    return found - 0x100000000 if found & 0x80000000 else found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NoSuchMethod
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise NoSuchMethod
    return value


def _part(text: str, start: Any, end: Any) -> str:
    first, last = _whole(start), _whole(end)
    if not 0 <= first <= last <= len(text):
        raise IndexError(f"begin {first}, end {last}, length {len(text)}")
    return text[first:last]


def _joined(most: int, text: str) -> str:
    if len(text) > most:
        raise LimitExceeded(f"a text is longer than {most} characters")
    return text


def _replaced(most: int, text: str, old: Any, new: Any) -> str:
    before, after = _text(old), _text(new)
    if len(text) + text.count(before) * len(after) > most + text.count(before) * len(before):
        raise LimitExceeded(f"a text is longer than {most} characters")
    return text.replace(before, after)


def _pattern(use: Callable[..., Any]) -> Callable[..., Any]:
    def method(most: int, text: str, pattern: Any, *rest: Any) -> Any:
        try:
            return use(most, text, _text(pattern), *rest)
        except BadPattern as error:
            raise VtlError(str(error)) from None

    return method


def _parsed(kind: Callable[[str], Any]) -> Callable[..., Any]:
    def method(_most: int, _value: Any, text: Any) -> Any:
        return kind(_text(text).strip()) if not is_number(text) else kind(text)

    return method


_ANY: Table = {
    ("toString", 0): lambda most, value: text_of(value, most),
    ("equals", 1): lambda _, value, other: type(value) is type(other) and value == other,
    ("hashCode", 0): lambda _, value: hash_code(value),
    ("booleanValue", 0): lambda _, value: value if isinstance(value, bool) else None,
}

_TEXT: Table = {
    ("length", 0): lambda _, text: len(text),
    ("isEmpty", 0): lambda _, text: not text,
    ("isBlank", 0): lambda _, text: not text.strip(),
    ("charAt", 1): lambda _, text, at: _part(text, at, _whole(at) + 1),
    ("substring", 1): lambda _, text, start: _part(text, start, len(text)),
    ("substring", 2): lambda _, text, start, end: _part(text, start, end),
    ("indexOf", 1): lambda _, text, part: text.find(_text(part)),
    ("indexOf", 2): lambda _, text, part, start: text.find(_text(part), max(_whole(start), 0)),
    ("lastIndexOf", 1): lambda _, text, part: text.rfind(_text(part)),
    ("contains", 1): lambda _, text, part: _text(part) in text,
    ("startsWith", 1): lambda _, text, part: text.startswith(_text(part)),
    ("startsWith", 2): lambda _, text, part, start: text.startswith(_text(part), _whole(start)),
    ("endsWith", 1): lambda _, text, part: text.endswith(_text(part)),
    ("equalsIgnoreCase", 1): lambda _, text, other: isinstance(other, str) and text.lower() == other.lower(),
    ("compareTo", 1): lambda _, text, other: _compared(text, _text(other)),
    ("compareToIgnoreCase", 1): lambda _, text, other: _compared(text.lower(), _text(other).lower()),
    ("toLowerCase", 0): lambda _, text: text.lower(),
    ("toUpperCase", 0): lambda _, text: text.upper(),
    ("trim", 0): lambda _, text: text.strip(),
    ("strip", 0): lambda _, text: text.strip(),
    ("intern", 0): lambda _, text: text,
    ("concat", 1): lambda most, text, other: _joined(most, text + _text(other)),
    ("repeat", 1): lambda most, text, times: text * _times(most, text, times),
    ("replace", 2): _replaced,
    ("matches", 1): _pattern(lambda _, text, pattern: java_patterns.matches(pattern, text)),
    ("replaceAll", 2): _pattern(
        lambda most, text, pattern, new: java_patterns.replaced(pattern, _text(new), text, longest=most)
    ),
    ("replaceFirst", 2): _pattern(
        lambda most, text, pattern, new: java_patterns.replaced(pattern, _text(new), text, most=1, longest=most)
    ),
    ("split", 1): _pattern(lambda _, text, pattern: java_patterns.split(pattern, text)),
    ("split", 2): _pattern(lambda _, text, pattern, limit: java_patterns.split(pattern, text, _whole(limit))),
    ("toCharArray", 0): lambda _, text: list(text),
    ("valueOf", 1): lambda most, _text, value: text_of(value, most),
}

_NUMBER: Table = {
    ("intValue", 0): lambda _, value: int(value),
    ("longValue", 0): lambda _, value: int(value),
    ("doubleValue", 0): lambda _, value: float(value),
    ("floatValue", 0): lambda _, value: float(value),
    ("compareTo", 1): lambda _, value, other: (value > other) - (value < other) if is_number(other) else None,
    ("parseInt", 1): _parsed(int),
    ("parseLong", 1): _parsed(int),
    ("parseDouble", 1): _parsed(float),
    ("valueOf", 1): lambda _, value, text: type(value)(text) if isinstance(text, str) or is_number(text) else None,
}

_SEQUENCE: Table = {
    ("size", 0): lambda _, held: len(held),
    ("isEmpty", 0): lambda _, held: not held,
    ("get", 1): lambda _, held, at: held[_index(held, at)],
    ("contains", 1): lambda _, held, one: one in held,
    ("containsAll", 1): lambda _, held, others: all(one in held for one in _sequence(others)),
    ("indexOf", 1): lambda _, held, one: held.index(one) if one in held else -1,
    ("lastIndexOf", 1): lambda _, held, one: len(held) - 1 - held[::-1].index(one) if one in held else -1,
    ("subList", 2): lambda _, held, start, end: list(held[_index(held, start, 1) : _index(held, end, 1)]),
    ("iterator", 0): lambda _, held: held,
    ("toArray", 0): lambda _, held: list(held),
}

_LIST: Table = {
    ("add", 1): lambda most, held, one: _added(most, held, len(held), [one]),
    ("add", 2): lambda most, held, at, one: _added(most, held, _index(held, at, 1), [one]) and None,
    ("addAll", 1): lambda most, held, others: _added(most, held, len(held), list(_sequence(others))),
    ("set", 2): lambda _, held, at, one: _swapped(held, _index(held, at), one),
    ("remove", 1): lambda _, held, one: _removed(held, one),
    ("removeAll", 1): lambda _, held, others: _kept(held, [one for one in held if one not in _sequence(others)]),
    ("retainAll", 1): lambda _, held, others: _kept(held, [one for one in held if one in _sequence(others)]),
    ("clear", 0): lambda _, held: held.clear(),
}

_MAP: Table = {
    ("get", 1): lambda most, held, key: held.get(key_of(key, most)),
    ("getOrDefault", 2): lambda most, held, key, other: held.get(key_of(key, most), other),
    ("put", 2): lambda most, held, key, value: _put(most, held, key_of(key, most), value),
    ("putIfAbsent", 2): lambda most, held, key, value: (
        held[key_of(key, most)]
        if held.get(key_of(key, most)) is not None
        else _put(most, held, key_of(key, most), value)
    ),
    ("putAll", 1): lambda most, held, others: _put_all(most, held, others),
    ("remove", 1): lambda most, held, key: held.pop(key_of(key, most), None),
    ("containsKey", 1): lambda most, held, key: key_of(key, most) in held,
    ("containsValue", 1): lambda _, held, value: value in held.values(),
    ("keySet", 0): lambda _, held: list(held),
    ("values", 0): lambda _, held: list(held.values()),
    ("entrySet", 0): lambda _, held: [Entry(key, value) for key, value in held.items()],
    ("size", 0): lambda _, held: len(held),
    ("isEmpty", 0): lambda _, held: not held,
    ("clear", 0): lambda _, held: held.clear(),
}


def key_of(key: Any, most: int) -> Any:
    """A value as the key of a map: what cannot be one is its text."""
    return key if isinstance(key, str | int | float | bool) or key is None else text_of(key, most)


def _compared(left: str, right: str) -> int:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return ord(one) - ord(other)
    return len(left) - len(right)


def _times(most: int, text: str, times: Any) -> int:
    count = _whole(times)
    if count < 0:
        raise ValueError(f"count is negative: {count}")
    if count * len(text) > most:
        raise LimitExceeded(f"a text is longer than {most} characters")
    return count


def _index(held: Any, at: Any, beyond: int = 0) -> int:
    index = _whole(at)
    if not 0 <= index < len(held) + beyond:
        raise IndexError(f"index {index} is out of bounds for length {len(held)}")
    return index


def _sequence(value: Any) -> Any:
    if not isinstance(value, list | tuple | range):
        raise NoSuchMethod
    return value


def _added(most: int, held: list[Any], at: int, items: list[Any]) -> bool:
    if len(held) + len(items) > most:
        raise LimitExceeded("a list is too long")
    held[at:at] = items
    return bool(items)


def _swapped(held: list[Any], at: int, one: Any) -> Any:
    before, held[at] = held[at], one
    return before


def _removed(held: list[Any], one: Any) -> Any:
    if isinstance(one, int) and not isinstance(one, bool):
        return held.pop(_index(held, one))
    if one not in held:
        return False
    held.remove(one)
    return True


def _kept(held: list[Any], kept: list[Any]) -> bool:
    changed = len(kept) != len(held)
    held[:] = kept
    return changed


def _put(most: int, held: dict[Any, Any], key: Any, value: Any) -> Any:
    before = held.get(key)
    if key not in held and len(held) >= most:
        raise LimitExceeded("a map is too large")
    held[key] = value
    return before


def _put_all(most: int, held: dict[Any, Any], others: Any) -> None:
    if not isinstance(others, dict):
        raise NoSuchMethod
    if len(held) + len(others) > most:
        raise LimitExceeded("a map is too large")
    held.update(others)
