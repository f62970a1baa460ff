"""Programs in VTL: what `$ctx` and `$util` are, and what becomes of what a template writes.

Source: "AppSync resolver mapping template utility reference".
"""

from __future__ import annotations

import base64
import binascii
import math
import random
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import orjson

from kumoi import java_patterns
from kumoi.names import uuid
from kumoi.services.appsync.realtime.filters import transformed
from kumoi.services.appsync.resolving import extensions, java_times, relational, response_headers, xml_maps
from kumoi.services.appsync.resolving.cached import evict
from kumoi.services.appsync.resolving.conditions import expression
from kumoi.services.appsync.resolving.constants import Copier, copier
from kumoi.services.appsync.resolving.field import AUTH_TYPES, Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned, Unauthorized
from kumoi.services.appsync.resolving.sortable_ids import ksuid, ulid
from kumoi.services.appsync.resolving.typed import typed, typed_members
from kumoi.vtl import Object, Template, VtlError
from kumoi.vtl.values import text_of

KEPT = 1_024
_MOST_SORTED = 1_000
_LONGEST_CONSTANT = 16 * 1024
_MOST = 5 * 1024 * 1024


class Templates:
    """Templates that were read, by their text; those without a reference or directive by what they write."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Template] = OrderedDict()
        self._constants: OrderedDict[str, Copier | None] = OrderedDict()

    def constant(self, text: str) -> Copier | None:
        """What makes copies of the one value that a template writes; None for one that has to be rendered."""
        if text not in self._constants:
            self._constants[text] = _constant(text)
            if len(self._constants) > KEPT:
                self._constants.popitem(last=False)
        return self._constants[text]

    def of(self, text: str) -> Template:
        """A template; raises VtlError."""
        found = self._kept.pop(text, None) or Template(text)
        self._kept[text] = found
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _constant(text: str) -> Copier | None:
    if "$" in text or "#" in text or "\\" in text or len(text) > _LONGEST_CONSTANT:
        return None
    try:
        return copier(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None  # rendering says what is wrong


def run(templates: Templates, field: Field, text: str) -> Any:
    """The value that a template writes as JSON, None for nothing; raises FieldError and Returned."""
    if (copied := templates.constant(text)) is not None:
        return copied()
    if (path := _handed_on(text)) is not None:
        found, value = _followed(field.prev if path[0] == "prev" else field.result, path)
        if found:
            return value
    known: dict[str, Any] = {}
    if "ctx" in text or "context" in text:
        context = field.context()
        context["args"] = context["arguments"]
        context["stash"] = field.stash
        known = {"ctx": context, "context": context}
    if "util" in text:
        known["util"] = known["utils"] = _util(field)
    if "extensions" in text:
        known["extensions"] = _extensions(field)
    try:
        rendered = templates.of(text).render(known)
    except (VtlError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The latter are what a method of `$util` makes of values it does not expect.
        raise FieldError(str(error), "MappingTemplate") from None
    if rendered.returned:
        raise Returned(rendered.value)
    written = rendered.text.strip()
    if not written:
        return None
    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError as error:
        raise FieldError(f"Unable to convert {written[:200]} to Object: {error}.", "MappingTemplate") from None


_HANDED_ON = re.compile(
    r"\s*\$!?(?:utils?\.toJson|\{utils?\.toJson)\(\$(?:ctx|context)\.((?:prev\.)?result(?:\.\w+)*)\)\}?\s*"
)


@lru_cache(maxsize=KEPT)
def _handed_on(text: str) -> tuple[str, ...] | None:
    """The steps to the value that a template does nothing to, which most response templates are."""
    match = _HANDED_ON.fullmatch(text)
    return tuple(match[1].split(".")) if match is not None else None


def _followed(result: Any, path: tuple[str, ...]) -> tuple[bool, Any]:
    """The value at a path of maps, and whether there is one: rendering says what else there may be."""
    value = result
    for step in path[path.index("result") + 1 :]:
        if not isinstance(value, dict):
            return value is None, None
        value = value.get(step)
    return True, value


def _text(value: Any) -> str:
    return "" if value is None else text_of(value, _MOST)


def to_json(value: Any = None) -> str:
    """A value as JSON."""
    return orjson.dumps(value, default=_text, option=orjson.OPT_NON_STR_KEYS).decode()


def _type_of(value: Any) -> str:
    if value is None:
        return "Null"
    for name, kinds in (("Boolean", bool), ("Number", (int, float)), ("String", str), ("List", (list, tuple))):
        if isinstance(value, kinds):
            return name
    return "Map" if isinstance(value, dict) else "Object"


def _parsed(text: Any = None) -> Any:
    try:
        return orjson.loads(_text(text))
    except orjson.JSONDecodeError as error:
        raise VtlError(f"parseJson: {error}") from None


def _decoded(text: Any = None) -> str:
    try:
        return base64.b64decode(_text(text)).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise VtlError(f"base64Decode: {error}") from None


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _blank(value: Any) -> bool:
    return value is None or not _text(value).strip()


def _matches(pattern: Any, text: Any) -> bool:
    try:
        return java_patterns.found(_text(pattern), _text(text))
    except java_patterns.BadPattern as error:
        raise VtlError(str(error)) from None


def _iso(milliseconds: float) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _milliseconds(text: Any) -> int:
    try:
        moment = datetime.fromisoformat(_text(text))
    except ValueError as error:
        raise VtlError(str(error)) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _formatted(milliseconds: Any, pattern: Any, zone: Any = "") -> str:
    return java_times.formatted(float(milliseconds), _text(pattern), java_times.zone(_text(zone)))


def _parsed_time(text: Any, pattern: Any, zone: Any = None) -> int:
    return java_times.parsed(_text(text), _text(pattern), None if zone is None else java_times.zone(_text(zone)))


def _sorted(items: Any, descending: Any, field: Any) -> Any:
    """Items by a field of theirs, or by themselves; as they are where they are too many or do not compare."""
    if not isinstance(items, list) or len(items) > _MOST_SORTED:
        return items
    keys: list[Any] = [one.get(field) if field and isinstance(one, dict) else one for one in items]
    if len({type(one) for one in keys}) > 1 or any(isinstance(one, dict | list | None) for one in keys):
        return items

    def key(at: int) -> Any:
        return keys[at]

    order = sorted(range(len(items)), key=key, reverse=bool(descending))
    return [items[at] for at in order]


PURE: dict[str, Callable[..., Any]] = {
    "qr": lambda *_: "",
    "quiet": lambda *_: "",
    "toJson": to_json,
    "parseJson": _parsed,
    "escapeJavaScript": lambda value=None: orjson.dumps(_text(value)).decode()[1:-1],
    "urlEncode": lambda value=None: quote_plus(_text(value), safe="*-._"),
    "urlDecode": lambda value=None: unquote_plus(_text(value)),
    "base64Encode": lambda value=None: base64.b64encode(_text(value).encode()).decode(),
    "base64Decode": _decoded,
    "autoId": uuid,
    "isNull": lambda value=None: value is None,
    "isNullOrEmpty": lambda value=None: _empty(value),
    "isNullOrBlank": lambda value=None: _blank(value),
    "defaultIfNull": lambda value=None, other=None: other if value is None else value,
    "defaultIfNullOrEmpty": lambda value=None, other=None: other if _empty(value) else value,
    "defaultIfNullOrBlank": lambda value=None, other=None: other if _blank(value) else value,
    "isString": lambda value=None: isinstance(value, str),
    "isNumber": lambda value=None: _type_of(value) == "Number",
    "isBoolean": lambda value=None: isinstance(value, bool),
    "isList": lambda value=None: isinstance(value, list),
    "isMap": lambda value=None: isinstance(value, dict),
    "typeOf": lambda value=None: _type_of(value),
    "matches": _matches,
}
_DYNAMODB: dict[str, Callable[..., Any]] = {
    "toDynamoDB": typed,
    "toString": typed,
    "toNumber": typed,
    "toBoolean": typed,
    "toNull": lambda: typed(None),
    "toList": typed,
    "toMap": typed,
    "toMapValues": typed_members,
    "toBinary": lambda text: {"B": text},
    "toStringSet": lambda texts: {"SS": texts},
    "toNumberSet": lambda numbers: {"NS": numbers},
    "toBinarySet": lambda texts: {"BS": texts},
}


def _as_json(method: Callable[..., Any]) -> Callable[..., str]:
    return lambda *values: to_json(method(*values))


_NAMED = {
    "dynamodb": Object(
        methods={**_DYNAMODB, **{f"{name}Json": _as_json(method) for name, method in _DYNAMODB.items()}},
        text="$util.dynamodb",
    ),
    "list": Object(
        methods={
            "copyAndRetainAll": lambda one, other: [item for item in one if item in other],
            "copyAndRemoveAll": lambda one, other: [item for item in one if item not in other],
            "sortList": lambda items, descending, field: _sorted(items, descending, field),
        },
        text="$util.list",
    ),
    "map": Object(
        methods={
            "copyAndRetainAllKeys": lambda one, names: {name: one[name] for name in one if name in names},
            "copyAndRemoveAllKeys": lambda one, names: {name: one[name] for name in one if name not in names},
        },
        text="$util.map",
    ),
    "math": Object(
        methods={
            "roundNum": lambda value: math.floor(value + 0.5),
            "minVal": lambda one, other: min(one, other),
            "maxVal": lambda one, other: max(one, other),
            "randomDouble": random.random,
            "randomWithinRange": random.randrange,
        },
        text="$util.math",
    ),
    "rds": Object(
        methods={
            "toJsonString": lambda text: to_json(relational.plain_results(_text(text))),
            "toJsonObject": lambda text: relational.plain_results(_text(text)),
        },
        text="$util.rds",
    ),
    "str": Object(
        methods={
            "toUpper": lambda text: _text(text).upper(),
            "toLower": lambda text: _text(text).lower(),
            "toReplace": lambda text, old, new: _text(text).replace(_text(old), _text(new)),
        },
        text="$util.str",
    ),
    "xml": Object(
        methods={
            "toMap": lambda text: xml_maps.as_map(_text(text)),
            "toJsonString": lambda text: to_json(xml_maps.as_map(_text(text))),
        },
        text="$util.xml",
    ),
    "transform": Object(
        methods={
            "toDynamoDBFilterExpression": lambda given: to_json(expression(given)),
            "toDynamoDBConditionExpression": lambda given: to_json(expression(given)),
            "toSubscriptionFilter": lambda *given: to_json(transformed(*given)),
        },
        text="$util.transform",
    ),
}


def _extensions(field: Field) -> Object:
    """`$extensions` of one rendering."""
    methods = {name: partial(extensions.called, field, name) for name in (*extensions.FILTERS, extensions.INVALIDATE)}
    return Object(methods={**methods, "evictFromApiCache": partial(evict, field)}, text="$extensions")


def _util(field: Field) -> Object:
    """`$util` of one rendering."""
    now = field.asked.call.now

    def failure(message: Any = None, kind: Any = None, data: Any = None, info: Any = None) -> FieldError:
        return FieldError(_text(message), None if kind is None else _text(kind), data, info)

    def fail(*told: Any) -> None:
        raise failure(*told)

    def append(*told: Any) -> str:
        field.append(failure(*told))
        return ""

    def validate(holds: Any, message: Any = None, kind: Any = "CustomTemplateException", data: Any = None) -> str:
        if not holds:
            raise failure(message, kind, data)
        return ""

    def unauthorized() -> None:
        raise Unauthorized(field.type_name, field.name)

    time: Mapping[str, Callable[..., Any]] = {
        "nowISO8601": lambda: _iso(now * 1000),
        "nowEpochSeconds": lambda: int(now),
        "nowEpochMilliSeconds": lambda: int(now * 1000),
        "nowFormatted": lambda pattern, zone="": _formatted(now * 1000, pattern, zone),
        "parseISO8601ToEpochMilliSeconds": _milliseconds,
        "parseFormattedToEpochMilliSeconds": _parsed_time,
        "epochMilliSecondsToFormatted": _formatted,
        "epochMilliSecondsToSeconds": lambda value: int(value // 1000),
        "epochMilliSecondsToISO8601": _iso,
    }
    methods: Mapping[str, Callable[..., Any]] = {
        **PURE,
        "error": fail,
        "appendError": append,
        "validate": validate,
        "unauthorized": unauthorized,
        "autoUlid": lambda: ulid(now),
        "autoKsuid": lambda: ksuid(now),
        "authType": lambda: AUTH_TYPES[field.asked.caller.mode],
    }

    def header(name: Any, value: Any) -> str:
        response_headers.add(field.asked.response_headers, _text(name), _text(value))
        return ""

    def headers(given: Any) -> str:
        for name, value in given.items():
            header(name, value)
        return ""

    def say(*told: Any) -> str:
        field.asked.logs.append(" ".join(_text(one) for one in told))
        return ""

    log = Object(methods=dict.fromkeys(("info", "debug", "error"), say), text="$util.log")
    http = Object(
        methods={"copyHeaders": response_headers.copied, "addResponseHeader": header, "addResponseHeaders": headers},
        text="$util.http",
    )
    return Object(
        {**_NAMED, "http": http, "time": Object(methods=time, text="$util.time"), "log": log}, methods, "$util"
    )
