"""Programs in JavaScript: `request(ctx)` and `response(ctx)`. Source: "JavaScript resolvers" of the developer guide."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from kumoi.names import uuid
from kumoi.sandbox.js import JsContext, JsContexts, JsError, rewritten
from kumoi.services.appsync.resolving import extensions, response_headers, zone_tables
from kumoi.services.appsync.resolving.cached import evict
from kumoi.services.appsync.resolving.field import AUTH_TYPES, Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned, Unauthorized

_SECONDS = 0.25
_MODULES = {"rds": "rds", "Formatted": "times", "xml": "xml", "toElasticsearchQueryDSL": "search"}
"""What is loaded beside `utils`, for programs with a word in them."""
_IDS = 8
"""Random ids that a call is given for `util.autoId`."""


def build(code: str, seconds: float = _SECONDS) -> JsContext:
    """A context with a program, for calls of so many seconds; raises JsError where it does not compile."""
    wanted = [name for word, name in _MODULES.items() if word in code]
    return JsContext(rewritten(code), [_module("utils"), *map(_module, wanted)], seconds=seconds)


async def run(field: Field, version: str, code: str, function: str) -> Any:
    """What a function of a program answers; raises FieldError and Returned. The stash is as the program left it."""
    known: dict[str, Any] = {
        "authType": AUTH_TYPES[field.asked.caller.mode],
        "ids": [uuid() for _ in range(_IDS)] if "autoId" in code else [],
    }
    context = field.context()
    if "Formatted" in code:
        text = code + orjson.dumps(context, default=str).decode()
        known["zones"] = await asyncio.to_thread(lambda: zone_tables.tables(zone_tables.named(text)))
    outcome = await field.asked.call.part(JsContexts).call(
        ("appsync", field.asked.api.id, version),
        lambda seconds: build(code, seconds),
        f"kumoiResolver(typeof {function} === 'undefined' ? undefined : {function})",
        [context, known],
        now=field.asked.call.now,
    )
    field.asked.logs += outcome.log
    for kind, told in outcome.effects:
        if kind == "error":
            field.append(_error(told))
        elif kind == "extension":
            extensions.called(field, *told)
        elif kind == "header":
            response_headers.add(field.asked.response_headers, str(told[0]), str(told[1]))
        elif kind == "evict":
            evict(field, *told)
    if outcome.error is not None:
        raise _raised(outcome.error, field)
    answered = orjson.loads(outcome.value or '{"value":null}')
    stash = answered.get("stash")
    field.stash = stash if isinstance(stash, dict) else {}
    return answered["value"]


def _raised(error: JsError, field: Field) -> Exception:
    if error.name == "AppSyncUnauthorized":
        return Unauthorized(field.type_name, field.name)
    if error.name in ("AppSyncError", "AppSyncEarlyReturn"):
        told = orjson.loads(error.message)
        if error.name == "AppSyncError":
            return _error(told)
        return Returned(told["value"], end=told["skipTo"] == "END")
    return FieldError(str(error), "Code")


def _error(told: dict[str, Any]) -> FieldError:
    message = told["message"]
    text = message if isinstance(message, str) else orjson.dumps(message).decode()
    kind = told["errorType"]
    return FieldError(text, None if kind is None else str(kind), told["data"], told["errorInfo"])


@cache
def _module(name: str) -> str:
    return (Path(__file__).parent / f"{name}.js").read_text("utf-8")
