"""Attribute values: their canonical form, their size, their equality and order, and their bytes as keys.

A value is a dict with one member that names its type, as on the wire: `{"S": "text"}`, bytes under B. Rules: "Naming
rules and data types" and "Item sizes and formats" of the developer guide.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from kumoi.services.dynamodb.errors import invalid, invalid_values
from kumoi.services.dynamodb.language.numerals import canonical, size_of_canonical, size_of_number, sort_bytes
from kumoi.wire.errors import AwsError

Value = dict[str, Any]
Item = dict[str, Value]

MOST_LEVELS = 32
TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
"""Every type, in the order in which DynamoDB lists them."""
SETS = frozenset(("SS", "NS", "BS"))
ORDERED = frozenset(("S", "N", "B"))

_EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_SEVERAL = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)


def normalise(value: Value, level: int = 1) -> Value:
    """A value in canonical form (numbers as they are stored); ValidationException for what is no value."""
    if level > MOST_LEVELS:
        raise invalid(
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit"
        )
    if len(value) == 1:
        kind, content = next(iter(value.items()))
        if kind in ("S", "B", "BOOL"):
            return value
        if kind == "N":
            text = canonical(content)
            return value if text == content else {"N": text}
    if not value:
        raise invalid(_EMPTY)
    normalised = {kind: _NORMALISE[kind](content, level) for kind, content in value.items()}
    if len(normalised) > 1:
        raise invalid(_SEVERAL)
    return normalised


def measured(item: Item) -> tuple[Item, int]:
    """An item in canonical form, and the bytes it counts for: itself where it is canonical, as nearly all are."""
    size = _size_of_canonical(item)
    return _measured_members(item, 1) if size is None else (item, size)


def _size_of_canonical(item: Item) -> int | None:
    """The bytes that an item counts for; None where it is not in canonical form, or not valid.

    Every write is measured. It goes through the item level by level, in one loop, and counts all of its texts at once.
    """
    texts, total = [*item], 0
    here: list[Iterable[Value]] = [item.values()]
    for _ in range(MOST_LEVELS):
        below: list[Iterable[Value]] = []
        for values in here:
            for value in values:
                try:
                    (kind,) = value
                except ValueError:  # of no type, or of several
                    return None
                content = value[kind]
                if kind == "S":
                    texts.append(content)
                elif kind == "N":
                    size = size_of_canonical(content)
                    if not size:
                        return None
                    total += size
                elif kind == "M":
                    total += 3 + len(content)
                    texts += content
                    below.append(content.values())
                elif kind == "L":
                    total += 3 + len(content)
                    below.append(content)
                elif kind == "BOOL" or (kind == "NULL" and content is True):
                    total += 1
                elif kind == "B":
                    total += len(content)
                elif kind == "SS" and content and len(set(content)) == len(content):
                    texts += content
                else:
                    return None
        if not below:
            joined = "".join(texts)
            return total + (len(joined) if joined.isascii() else len(joined.encode("utf-8", "surrogatepass")))
        here = below
    return None


def _measured_members(item: Item, level: int) -> tuple[Item, int]:
    """The members of an item or a map in canonical form, and the bytes they count for.

    `normalise` and `size_of` in one pass: what is canonical already is answered itself, not a copy.
    """
    total, found = 0, item
    for name, value in item.items():
        total += len(name) if name.isascii() else len(name.encode("utf-8", "surrogatepass"))
        if len(value) == 1 and level <= MOST_LEVELS:
            if (text := value.get("S")) is not None:  # most values are texts
                total += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
                continue
            made, size = _measured(value, level)
        else:
            made = normalise(value, level)
            size = size_of_value(made)
        total += size
        if made is not value:
            if found is item:
                found = dict(item)
            found[name] = made
    return found, total


def _measured(value: Value, level: int) -> tuple[Value, int]:
    """A value that names one type, in canonical form, and the bytes it counts for."""
    for kind in value:
        content = value[kind]
        if kind == "N":
            text = canonical(content)
            return (value if text == content else {"N": text}), size_of_number(text)
        if kind == "M":
            members, size = _measured_members(content, level + 1)
            return (value if members is content else {"M": members}), 3 + len(content) + size
        if kind == "BOOL":
            return value, 1
        if kind == "L":
            elements, size = _measured_list(content, level + 1)
            return (value if elements is content else {"L": elements}), size
    made = normalise(value, level)
    return made, size_of_value(made)


def _measured_list(content: list[Value], level: int) -> tuple[list[Value], int]:
    total, found = 3 + len(content), content
    for at, value in enumerate(content):
        if len(value) == 1 and level <= MOST_LEVELS:
            made, size = _measured(value, level)
        else:
            made = normalise(value, level)
            size = size_of_value(made)
        total += size
        if made is not value:
            if found is content:
                found = list(content)
            found[at] = made
    return found, total


def _same(content: Any, _level: int) -> Any:
    return content


def _null(content: bool, _level: int) -> bool:
    if content is not True:
        raise invalid_values("Null attribute value types must have the value of true")
    return True


def _list(content: list[Value], level: int) -> list[Value]:
    return [normalise(value, level + 1) for value in content]


def _map(content: Mapping[str, Value], level: int) -> dict[str, Value]:
    return {name: normalise(value, level + 1) for name, value in content.items()}


def _strings(content: list[str], _level: int) -> list[str]:
    if not content:
        raise invalid_values("An string set  may not be empty")
    if len(set(content)) < len(content):
        raise invalid_values(f"Input collection [{', '.join(content)}] contains duplicates.")
    return content


def _numbers(content: list[str], _level: int) -> list[str]:
    if not content:
        raise invalid_values("An number set  may not be empty")
    numbers = [canonical(text) for text in content]
    if len(set(numbers)) < len(numbers):
        raise invalid("Input collection contains duplicates")
    return numbers


def _binaries(content: list[bytes], _level: int) -> list[bytes]:
    if not content:
        raise invalid_values("Binary sets should not be empty")
    if len(set(content)) < len(content):
        shown = ", ".join(base64.b64encode(one).decode() for one in content)
        raise invalid_values(f"Input collection [{shown}]of type BS contains duplicates.")
    return content


_NORMALISE: Mapping[str, Callable[[Any, int], Any]] = {
    "S": _same,
    "B": _same,
    "BOOL": _same,
    "N": lambda content, _level: canonical(content),
    "NULL": _null,
    "SS": _strings,
    "NS": _numbers,
    "BS": _binaries,
    "L": _list,
    "M": _map,
}


def kind_of(value: Value) -> str:
    """The type of a value."""
    return next(iter(value))


def size_of(item: Mapping[str, Value]) -> int:
    """Bytes that an item counts for: its names and its values."""
    total = 0
    for name, value in item.items():
        total += (len(name) if name.isascii() else len(name.encode("utf-8", "surrogatepass"))) + size_of_value(value)
    return total


def size_of_value(value: Value) -> int:
    """Bytes that a value counts for."""
    kind, content = next(iter(value.items()))
    if kind == "S":
        return len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass"))
    if kind == "N":
        return size_of_number(content)
    if kind == "B":
        return len(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + len(content) + size_of(content)
    if kind == "L":
        return 3 + sum(1 + size_of_value(one) for one in content)
    return sum(size_of_value({kind[0]: one}) for one in content)


def sort_key_bytes(value: Value) -> bytes:
    """Bytes of a key attribute (S, N or B, in canonical form) that compare as the values do."""
    kind, content = next(iter(value.items()))
    if kind == "S":
        return content.encode("utf-8", "surrogatepass")  # type: ignore[no-any-return]
    return sort_bytes(content) if kind == "N" else content


def equal(one: Value, other: Value) -> bool:
    """Whether two canonical values are equal: sets whatever their order."""
    if one == other:
        return True
    (kind, left), (other_kind, right) = next(iter(one.items())), next(iter(other.items()))
    if kind != other_kind:
        return False
    if kind in SETS:
        return len(left) == len(right) and set(left) == set(right)
    if kind == "L":
        return len(left) == len(right) and all(map(equal, left, right))
    if kind == "M":
        return left.keys() == right.keys() and all(equal(value, right[name]) for name, value in left.items())
    return False


def compare(one: Value, other: Value) -> int | None:
    """-1, 0 or 1 for two values of one ordered type (S by code points, N, B by bytes); None when there is no order."""
    (kind, left), (other_kind, right) = next(iter(one.items())), next(iter(other.items()))
    if kind != other_kind or kind not in ORDERED:
        return None
    if left == right:
        return 0
    if kind == "N":
        left, right = Decimal(left), Decimal(right)
    return -1 if left < right else 1


def value_error(error: AwsError, where: str) -> AwsError:
    """The refusal of a value among the values of an expression."""
    return invalid(f"ExpressionAttributeValues contains invalid value: {error.message} for key {where}")


def shown(value: Value) -> str:
    """A value as error messages show it."""
    kind, content = next(iter(value.items()))
    text = base64.b64encode(content).decode() if kind == "B" else content
    return f"AttributeValue: {{{kind}:{text}}}"
