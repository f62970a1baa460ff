"""The functions that rules know beside the mathematical ones. Those that ask others raise `Pending` until they know.

Source: "Functions" of the AWS IoT SQL reference. What a function needs of the message's way here is in `World`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import orjson

from kumoi.epoch import milliseconds_of, moment_of
from kumoi.iot_sql import mathematics
from kumoi.iot_sql.evaluation import Evaluate, Scope, element
from kumoi.iot_sql.parsing import SqlError
from kumoi.iot_sql.texts import as_text
from kumoi.iot_sql.values import UNDEFINED, Value, decimal, is_number, rendered
from kumoi.presto.joda import PatternError, strftime_pattern


class World(msgspec.Struct, frozen=True):
    """Where a message came from: `payload` is what was published; `known` answers of functions that ask others."""

    topic: str
    now: float
    payload: bytes
    account: str = ""
    client_id: str | None = None
    principal: str | None = None
    source_ip: str | None = None
    trace_id: str = ""
    user_properties: tuple[tuple[str, str], ...] = ()
    properties: dict[str, Any] = {}
    sql_version: str = "2015-10-08"
    known: dict[tuple[str, str], Value] = {}


class Pending(Exception):
    """An expression needs what somebody else knows: `function` with `arguments`, to be answered under `key`."""

    def __init__(self, key: tuple[str, str], arguments: list[Value]) -> None:
        super().__init__(key[0])
        self.key = key
        self.arguments = arguments


class RuleLibrary:
    """What rules know."""

    concatenates = True

    def function(self, name: str, arguments: list[Evaluate]) -> Evaluate | None:
        """The call of a function."""
        if name in mathematics.FUNCTIONS:
            from kumoi.iot_sql.evaluation import MATH

            return MATH.function(name, arguments)
        if name in ASKING:
            return _asking(name, arguments)
        known = _FUNCTIONS.get(name)
        if known is None:
            return None
        least, most, function = known
        if not least <= len(arguments) <= most:
            raise SqlError(f"{name} takes {least if least == most else f'{least} to {most}'} arguments")
        return lambda scope: function(scope, *(argument(scope) for argument in arguments))


RULES = RuleLibrary()
LONGEST = 1 << 20
"""Characters that replacing makes at most: longer texts are Undefined."""
ASKING = frozenset(("aws_lambda", "get_thing_shadow", "get_registry_data", "get_secret", "get_dynamodb"))

WORLDLY = ASKING | {
    *("accountid", "clientid", "encode", "get_mqtt_property", "get_user_properties", "numbytes", "principal"),
    *("sourceip", "sql_version", "timestamp", "topic", "traceid"),
}
"""The functions that need a message's world."""


def _asking(name: str, arguments: list[Evaluate]) -> Evaluate:
    def apply(scope: Scope) -> Value:
        values = [rendered(argument(scope)) for argument in arguments]
        if UNDEFINED in values:
            return UNDEFINED
        key = (name, orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode())
        if key not in scope.world.known:
            raise Pending(key, values)
        return scope.world.known[key]

    return apply


def _text(function: Callable[..., Value]) -> Callable[..., Value]:
    """A function of texts: other values are taken as text, Undefined gives Undefined."""

    def apply(_scope: Scope, *values: Value) -> Value:
        texts = [as_text(value) for value in values]
        return UNDEFINED if UNDEFINED in texts else function(*texts)

    return apply


def _whole(value: Value) -> int | None:
    number = decimal(value)
    return int(number) if number is not None and -(2**63) <= number < 2**63 else None


def _bits(function: Callable[[int, int], int]) -> Callable[..., Value]:
    def apply(_scope: Scope, left: Value, right: Value) -> Value:
        first, second = _whole(left), _whole(right)
        return UNDEFINED if first is None or second is None else function(first, second)

    return apply


def _hash(name: str) -> Callable[..., Value]:
    def apply(_scope: Scope, value: Value) -> Value:
        text = value if isinstance(value, bytes) else as_text(value)
        content = text.encode() if isinstance(text, str) else text
        return (
            hashlib.new(name, content, usedforsecurity=False).hexdigest() if isinstance(content, bytes) else UNDEFINED
        )

    return apply


def _encode(scope: Scope, value: Value, scheme: Value) -> Value:
    if scheme != "base64":
        return UNDEFINED
    if value is scope.message:
        return base64.b64encode(scope.world.payload).decode()
    text = value if isinstance(value, bytes) else as_text(value)
    if isinstance(text, str):
        text = text.encode()
    return base64.b64encode(text).decode() if isinstance(text, bytes) else UNDEFINED


def _decode(_scope: Scope, value: Value, scheme: Value, *_more: Value) -> Value:
    if scheme != "base64" or not isinstance(value, str):
        return UNDEFINED
    try:
        content = base64.b64decode(value.encode(), validate=True)
        return orjson.loads(content)
    except binascii.Error:
        return UNDEFINED
    except orjson.JSONDecodeError:
        return content.decode(errors="replace")


def _character(number: int | None) -> Value:
    """A character; half of a surrogate pair is none, and cannot be written."""
    if number is None or not 0 <= number < 65_536 or 0xD800 <= number < 0xE000:
        return UNDEFINED
    return chr(number)


def _pad(text: Value, width: Value, padding: Value, *, left: bool) -> Value:
    size, fill, found = _whole(width), as_text(padding), as_text(text)
    if size is None or not isinstance(fill, str) or not isinstance(found, str) or not fill or size < 0 or size > 65_536:
        return UNDEFINED
    missing = max(size - len(found), 0)
    filler = (fill * (missing // len(fill) + 1))[:missing]
    return filler + found if left else (found + filler)[: max(size, len(found))]


def _substring(_scope: Scope, value: Value, start: Value, end: Value = None) -> Value:
    text, first = as_text(value), _whole(start)
    last = len(text) if end is None and isinstance(text, str) else _whole(end)
    if not isinstance(text, str) or first is None or last is None:
        return UNDEFINED
    return text[max(first, 0) : max(last, 0)]


def _regexp_matches(text: str, pattern: str) -> Value:
    from kumoi import java_patterns

    try:
        return java_patterns.found(pattern, text)
    except java_patterns.BadPattern:
        return UNDEFINED


def _regexp_substr(text: str, pattern: str) -> Value:
    from kumoi import java_patterns

    try:
        match = java_patterns.compiled(pattern).search(text, timeout=java_patterns.SECONDS)
    except (java_patterns.BadPattern, TimeoutError):
        return UNDEFINED
    return match[0] if match else UNDEFINED


def _regexp_replace(text: str, pattern: str, replacement: str) -> Value:
    from kumoi import java_patterns

    try:
        return java_patterns.replaced(pattern, replacement, text, longest=LONGEST)
    except java_patterns.BadPattern:
        return UNDEFINED


def _replace(text: str, old: str, new: str) -> Value:
    if not old:
        return text
    length = len(text) + text.count(old) * (len(new) - len(old))
    return text.replace(old, new) if length <= LONGEST else UNDEFINED


def _topic(scope: Scope, number: Value = None) -> Value:
    if number is None:
        return scope.world.topic
    parts, place = scope.world.topic.split("/"), _whole(number)
    return parts[place - 1] if place is not None and 1 <= place <= len(parts) else UNDEFINED


def _parse_time(_scope: Scope, pattern: Value, moment: Value, zone: Value = "UTC") -> Value:
    number = decimal(moment)
    if not isinstance(pattern, str) or number is None or not isinstance(zone, str):
        return UNDEFINED
    try:
        at = moment_of(float(number), UTC if zone == "UTC" else ZoneInfo(zone))
        parts = strftime_pattern(pattern).replace("%g", f"{at.microsecond // 1000:03d}")
        return at.strftime(parts)
    except (PatternError, ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        return UNDEFINED


def _time_to_epoch(_scope: Scope, text: Value, pattern: Value) -> Value:
    if not isinstance(text, str) or not isinstance(pattern, str):
        return UNDEFINED
    try:
        form = strftime_pattern(pattern).replace("%-", "%").replace(".%g", ".%f").replace("%g", "%f")
        at = datetime.strptime(text, form)
    except (PatternError, ValueError, re.error):  # strptime lets the last one out when a part is there twice
        return UNDEFINED
    return milliseconds_of(at)


def _get(_scope: Scope, value: Value, at: Value) -> Value:
    return element(value, at)


def _length(_scope: Scope, value: Value) -> Value:
    text = as_text(value) if not isinstance(value, list) else value
    return len(text) if isinstance(text, str | list) else UNDEFINED


def _transform(_scope: Scope, kind: Value, of: Value, items: Value) -> Value:
    """`transform("enrichArray", attributes, values)`: each object of an array with further attributes."""
    if kind != "enrichArray" or not isinstance(of, dict) or not isinstance(items, list):
        return UNDEFINED
    return [{**item, **of} if isinstance(item, dict) else item for item in items]


def _numbytes(scope: Scope, value: Value) -> Value:
    if value is scope.message:
        return len(scope.world.payload)
    text = as_text(value)
    return len(text.encode()) if isinstance(text, str) else UNDEFINED


def _user_properties(scope: Scope, name: Value) -> Value:
    return [value for key, value in scope.world.user_properties if key == name]


def _nanvl(_scope: Scope, value: Value, otherwise: Value) -> Value:
    number = decimal(value) if is_number(value) else None
    return otherwise if number is None or math.isnan(float(number)) else value


def _or_undefined(value: Value) -> Value:
    return UNDEFINED if value is None else value


_FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Value]]] = {
    "accountid": (0, 0, lambda scope: scope.world.account),
    "bitand": (2, 2, _bits(lambda a, b: a & b)),
    "bitnot": (1, 1, lambda scope, x: UNDEFINED if _whole(x) is None else ~(_whole(x) or 0)),
    "bitor": (2, 2, _bits(lambda a, b: a | b)),
    "bitxor": (2, 2, _bits(lambda a, b: a ^ b)),
    "chr": (1, 1, lambda scope, x: _character(_whole(x))),
    "clientid": (0, 0, lambda scope: _or_undefined(scope.world.client_id)),
    "concat": (0, 64, lambda scope, *values: _concat(*values)),
    "decode": (2, 5, _decode),
    "encode": (2, 2, _encode),
    "endswith": (2, 2, _text(lambda text, end: text.endswith(end))),
    "get": (2, 2, _get),
    "get_mqtt_property": (1, 1, lambda scope, name: scope.world.properties.get(name, UNDEFINED)),
    "get_user_properties": (1, 1, _user_properties),
    "indexof": (2, 2, _text(lambda text, part: text.find(part))),
    "isnull": (1, 1, lambda scope, x: x is None),
    "isundefined": (1, 1, lambda scope, x: x is UNDEFINED),
    "length": (1, 1, _length),
    "lower": (1, 1, _text(lambda text: text.lower())),
    "lpad": (3, 3, lambda scope, *values: _pad(*values, left=True)),
    "ltrim": (1, 1, _text(lambda text: text.lstrip())),
    "md2": (1, 1, lambda scope, x: UNDEFINED),
    "md5": (1, 1, _hash("md5")),
    "nanvl": (2, 2, _nanvl),
    "newuuid": (0, 0, lambda scope: str(uuid.uuid4())),
    "numbytes": (1, 1, _numbytes),
    "parse_time": (2, 3, _parse_time),
    "principal": (0, 0, lambda scope: _or_undefined(scope.world.principal)),
    "rand": (0, 0, lambda scope: Decimal(int.from_bytes(hashlib.sha256(uuid.uuid4().bytes).digest()[:6]) / 2**48)),
    "regexp_matches": (2, 2, _text(_regexp_matches)),
    "regexp_replace": (3, 3, _text(_regexp_replace)),
    "regexp_substr": (2, 2, _text(_regexp_substr)),
    "replace": (3, 3, _text(_replace)),
    "rpad": (3, 3, lambda scope, *values: _pad(*values, left=False)),
    "rtrim": (1, 1, _text(lambda text: text.rstrip())),
    "sha1": (1, 1, _hash("sha1")),
    "sha224": (1, 1, _hash("sha224")),
    "sha256": (1, 1, _hash("sha256")),
    "sha384": (1, 1, _hash("sha384")),
    "sha512": (1, 1, _hash("sha512")),
    "sourceip": (0, 0, lambda scope: _or_undefined(scope.world.source_ip)),
    "sql_version": (0, 0, lambda scope: scope.world.sql_version),
    "startswith": (2, 2, _text(lambda text, start: text.startswith(start))),
    "substring": (2, 3, _substring),
    "time_to_epoch": (2, 2, _time_to_epoch),
    "timestamp": (0, 0, lambda scope: int(scope.world.now * 1000)),
    "topic": (0, 1, _topic),
    "traceid": (0, 0, lambda scope: scope.world.trace_id),
    "transform": (3, 3, _transform),
    "trim": (1, 1, _text(lambda text: text.strip())),
    "upper": (1, 1, _text(lambda text: text.upper())),
}


def _concat(*values: Value) -> Value:
    if any(isinstance(value, list) for value in values):
        found: list[Value] = []
        for value in values:
            found += value if isinstance(value, list) else [value]
        return found
    texts = [as_text(value) for value in values]
    return UNDEFINED if UNDEFINED in texts else "".join(str(text) for text in texts)
