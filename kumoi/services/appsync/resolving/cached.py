"""Resolvers and the cache of their API: a result that is held is not asked for again.

Mutations' own fields are never held, and neither is a result beside which errors were appended. What programs evict
is counted in the answer's `extensions`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from kumoi.services.appsync import caching
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError


async def resolved(field: Field, properties: Mapping[str, Any], resolve: Callable[[], Awaitable[Any]]) -> Any:
    """A field's value: what is held, else what its resolver says; raises FieldError."""
    cache = field.asked.cache
    config = properties.get("cachingConfig") or {}
    if cache is None or field.type_name in ("Mutation", "Subscription"):
        return await resolve()
    seconds = cache.properties["ttl"]
    if cache.properties["apiCachingBehavior"] == "PER_RESOLVER_CACHING":
        if not config:
            return await resolve()
        seconds = config.get("ttl") or seconds
    elif cache.properties["apiCachingBehavior"] != "FULL_REQUEST_CACHING":
        return await resolve()
    given = {"arguments": field.arguments, "source": field.source, "identity": field.asked.caller.identity}
    call = field.asked.call
    entries = call.part(Kept).cache
    keys = caching.values(config.get("cachingKeys") or caching.EVERYTHING, given)
    key = caching.entry(cache, field.type_name, field.name, keys)
    held = entries.get(key, call.now)
    if held is not None:
        return orjson.loads(held)
    before = len(field.asked.appended)
    value = await resolve()
    if len(field.asked.appended) == before:
        entries.put(key, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS), call.now + seconds)
    return value


def evict(field: Field, type_name: Any = None, name: Any = None, keys: Any = None) -> str:
    """`extensions.evictFromApiCache`: drop one entry; answers nothing, as text. Raises FieldError."""
    if not isinstance(type_name, str) or not isinstance(name, str) or not isinstance(keys, dict):
        raise FieldError("evictFromApiCache needs a type, a field and a map of caching keys.", "BadRequestException")
    if field.type_name != "Mutation":
        raise FieldError("evictFromApiCache can be called by resolvers of mutations only.", "BadRequestException")
    cache = field.asked.cache
    if cache is not None:
        key = caching.entry(cache, type_name, name, [(caching.named(str(one)), value) for one, value in keys.items()])
        call = field.asked.call
        field.asked.evicted += call.part(Kept).cache.evict(key, call.now)
    return ""
