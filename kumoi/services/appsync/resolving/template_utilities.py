"""`$util` and `$extensions` of templates.

Source: "AppSync resolver mapping template utility reference".
"""

from __future__ import annotations

import base64
import binascii
import math
import random
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from itertools import filterfalse
from typing import Any, Literal
from urllib.parse import quote_plus, unquote_plus

import orjson

from kumoi import java_patterns, java_times
from kumoi.epoch import milliseconds_of, moment_of
from kumoi.names import uuid
from kumoi.services.appsync.realtime.filters import transformed
from kumoi.services.appsync.resolving import (
    extensions,
    relational,
    response_headers,
    search_queries,
    xml_maps,
)
from kumoi.services.appsync.resolving.cached import evict
from kumoi.services.appsync.resolving.conditions import expression
from kumoi.services.appsync.resolving.field import AUTH_TYPES, Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Unauthorized
from kumoi.services.appsync.resolving.sortable_ids import ksuid, ulid
from kumoi.services.appsync.resolving.typed import typed, typed_members
from kumoi.vtl import Object, VtlError, methods
from kumoi.vtl.values import text_of

_MOST = 5 * 1024 * 1024
_MOST_SORTED = 1_000
_FORMS: dict[str, Literal["NFC", "NFD", "NFKC", "NFKD"]] = {"nfc": "NFC", "nfd": "NFD", "nfkc": "NFKC", "nfkd": "NFKD"}


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


def _normalized(text: Any, form: Any) -> str:
    kind = _FORMS.get(_text(form).lower())
    if kind is None:
        raise VtlError(f"normalize: {form} is none of {', '.join(_FORMS)}")
    return unicodedata.normalize(kind, _text(text))


def _s3_object(key: Any, bucket: Any, region: Any, version: Any = None) -> dict[str, Any]:
    """Where an object of S3 is, as an attribute: JSON in a text."""
    told = {"key": key, "bucket": bucket, "region": region, **({} if version is None else {"version": version})}
    return {"S": to_json({"s3": told})}


def _from_s3_object(text: Any) -> Any:
    found = _parsed(text)
    if not isinstance(found, dict) or not isinstance(found.get("s3"), dict):
        raise VtlError("fromS3ObjectJson: this is no object of S3")
    return found["s3"]


def _matches(pattern: Any, text: Any) -> bool:
    try:
        return java_patterns.found(_text(pattern), _text(text))
    except java_patterns.BadPattern as error:
        raise VtlError(str(error)) from None


def _iso(milliseconds: float) -> str:
    moment = moment_of(milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _milliseconds(text: Any) -> int:
    try:
        moment = datetime.fromisoformat(_text(text))
    except ValueError as error:
        raise VtlError(str(error)) from None
    return milliseconds_of(moment)


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


def _among(held: Any) -> Callable[[Any], bool]:
    """Whether a value is one of a list's, in a time that the list's length does not matter to."""
    known = {_frozen(one) for one in held}
    return lambda one: _frozen(one) in known


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return "map", frozenset((key, _frozen(one)) for key, one in value.items())
    return ("list", *map(_frozen, value)) if isinstance(value, list | tuple) else value


def _retained(items: Any, others: Any) -> list[Any]:
    return list(filter(_among(others), items))


def _removed(items: Any, others: Any) -> list[Any]:
    return list(filterfalse(_among(others), items))


def _replaced(text: Any, old: Any, new: Any) -> Any:
    return methods.call(_text(text), "replace", [_text(old), _text(new)], _MOST)


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
    "toS3Object": _s3_object,
}


def _as_json(method: Callable[..., Any]) -> Callable[..., str]:
    return lambda *values: to_json(method(*values))


_NAMED = {
    "dynamodb": Object(
        methods={
            **_DYNAMODB,
            **{f"{name}Json": _as_json(method) for name, method in _DYNAMODB.items()},
            "fromS3ObjectJson": _from_s3_object,
        },
        text="$util.dynamodb",
    ),
    "list": Object(
        methods={
            "copyAndRetainAll": lambda one, other: _retained(one, other),
            "copyAndRemoveAll": lambda one, other: _removed(one, other),
            "sortList": lambda items, descending, field: _sorted(items, descending, field),
        },
        text="$util.list",
    ),
    "map": Object(
        methods={
            "copyAndRetainAllKeys": lambda one, names: {name: one[name] for name in _retained(one, names)},
            "copyAndRemoveAllKeys": lambda one, names: {name: one[name] for name in _removed(one, names)},
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
            "toReplace": lambda text, old, new: _replaced(text, old, new),
            "normalize": _normalized,
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
            "toElasticsearchQueryDSL": lambda given: to_json(search_queries.query(given)),
            "toSubscriptionFilter": lambda *given: to_json(transformed(*given)),
        },
        text="$util.transform",
    ),
}


def extensions_of(field: Field) -> Object:
    """`$extensions` of one rendering."""
    methods = {name: partial(extensions.called, field, name) for name in (*extensions.FILTERS, extensions.INVALIDATE)}
    return Object(methods={**methods, "evictFromApiCache": partial(evict, field)}, text="$extensions")


def util_of(field: Field) -> Object:
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
    called: Mapping[str, Callable[..., Any]] = {
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
        {**_NAMED, "http": http, "time": Object(methods=time, text="$util.time"), "log": log}, called, "$util"
    )
