"""From a request behind the viewer's function to a response: the POP's cache, and the origin where that has none.

Concurrent misses of one key wait for the first one's answer. An expired object is asked for again with its
validators, served stale while that happens where the origin allows it, and served when the origin fails.
Source: "How CloudFront processes requests", "Manage how long content stays in the cache" of the guide.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from kumoi.services.cloudfront.edge import compression, fetch, freshness
from kumoi.services.cloudfront.edge.asking import from_origin
from kumoi.services.cloudfront.edge.cache_key import accepted, cache_key
from kumoi.services.cloudfront.edge.error_page import Failure
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, every, first, put, without
from kumoi.services.cloudfront.edge.store import LARGEST, CachedObject, Store, Where
from kumoi.services.cloudfront.edge.visit import Visit

logger = logging.getLogger(__name__)

_CONDITIONS = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range")


class Caching:
    """The caches of all POPs, and the fetches under way."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._leaders: dict[Where, asyncio.Future[CachedObject | None]] = {}
        self._refreshing: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """End what refreshes in the background."""
        for task in self._refreshing:
            task.cancel()
        await asyncio.gather(*self._refreshing, return_exceptions=True)

    async def answer(self, visit: Visit, request: EdgeRequest) -> EdgeResponse:
        """The response to a request, from the cache or from the origin; raises Failure."""
        behaviour = visit.behaviour
        if request.method not in behaviour.cached or not behaviour.caches:
            return await from_origin(visit, request)
        key = cache_key(request, behaviour.keyed, gzip=behaviour.gzip, brotli=behaviour.brotli)
        where = (visit.pop.code, visit.served.id, key)
        found = self._find(visit, where)
        if found is not None and found.fresh(visit.now):
            return _hit(visit, found, "Hit")
        if found is not None and visit.now < found.stale_until:
            self._refresh(visit, request, where, found)
            return _hit(visit, found, "Hit")
        if request.method == "HEAD" and found is None:
            return await from_origin(visit, request)
        return await self._collapsed(visit, request, where, found)

    def _find(self, visit: Visit, where: Where) -> CachedObject | None:
        found = self.store.get(where)
        rules = visit.rules
        if found is not None and rules is not None and rules.stale(found.epoch, found.paths):
            self.store.drop(where)
            return None
        return found

    async def _collapsed(
        self, visit: Visit, request: EdgeRequest, where: Where, expired: CachedObject | None
    ) -> EdgeResponse:
        """Fetch what is missing, once for all who ask for it at the same time."""
        leader = self._leaders.get(where)
        if leader is not None:
            stored = None if _came_round(visit) else await asyncio.shield(leader)
            if stored is not None and stored.fresh(visit.now):
                return _hit(visit, stored, "Hit")
            return await self._fetched(visit, request, where, expired)
        promise: asyncio.Future[CachedObject | None] = asyncio.get_running_loop().create_future()
        self._leaders[where] = promise
        try:
            return await self._fetched(visit, request, where, expired)
        finally:
            del self._leaders[where]
            promise.set_result(self.store.get(where))

    def _refresh(self, visit: Visit, request: EdgeRequest, where: Where, stale: CachedObject) -> None:
        """Fetch anew in the background what is served stale meanwhile."""
        if stale.refreshing:
            return
        stale.refreshing = True
        visit = replace(visit)  # what comes of it is not what the viewer got

        async def refreshed() -> None:
            try:
                await self._fetched(visit, request.copy(), where, stale)
            except Failure as failure:
                logger.info("%s: an object could not be refreshed: %s", visit.served.id, failure)
            finally:
                stale.refreshing = False

        task = asyncio.create_task(refreshed())
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _fetched(
        self, visit: Visit, request: EdgeRequest, where: Where, expired: CachedObject | None
    ) -> EdgeResponse:
        """The origin's answer, kept where it may be."""
        asked = request.copy()
        asked.headers = without(asked.headers, *_CONDITIONS)
        asked.body = b""  # it is no part of the key: what an origin makes of it would be everybody's
        if asked.method == "HEAD":
            asked.method = "GET"
        if expired is not None and expired.status < 400:
            _validate(asked, expired)
        response = await from_origin(visit, asked)
        if response.status == 304 and expired is not None:
            return self._renewed(visit, where, expired, response)
        if response.status >= 500 and (served := self._despite(visit, where, expired)) is not None:
            return served
        return await self._kept(visit, request, where, response)

    def _despite(self, visit: Visit, where: Where, expired: CachedObject | None) -> EdgeResponse | None:
        """The expired object, where the origin failed and nothing forbids to serve it."""
        if expired is None or expired.status >= 400:
            return None
        if expired.error_until is not None and visit.now >= expired.error_until:
            return None
        expired.fresh_until = visit.now + freshness.ERROR_TTL
        self.store.put(where, expired)
        return _hit(visit, expired, "Hit")

    def _renewed(self, visit: Visit, where: Where, known: CachedObject, response: EdgeResponse) -> EdgeResponse:
        for name, value in response.headers:
            if name.lower() not in ("age", "content-length", "content-encoding", "content-type", "etag"):
                put(known.headers, name, value)
        life = freshness.freshness(known.headers, visit.behaviour.ttl, visit.now)
        known.stored, known.age, known.epoch = visit.now, _age(response), visit.epoch
        _set_life(known, life, visit.now)
        self.store.put(where, known)
        return _hit(visit, known, "RefreshHit")

    async def _kept(self, visit: Visit, request: EdgeRequest, where: Where, response: EdgeResponse) -> EdgeResponse:
        behaviour, now = visit.behaviour, visit.now
        least = {code: one.least for code, one in visit.served.errors.items()}
        if response.status >= 400:
            seconds = freshness.error_lifetime(response.status, response.headers, least, now)
            life = freshness.Freshness(seconds)
        elif response.status in (200, 203, 204, 300, 301, 302, 307, 308, 410):
            life = freshness.freshness(response.headers, behaviour.ttl, now)
        else:
            life = freshness.Freshness(0.0)
        body = await fetch.gathered(response.body, response.length, LARGEST)
        if body is None:
            return await self._large(visit, request, response)
        response.body = body
        await _compress(visit, request, response)
        if life.ttl <= 0 and life.revalidating <= 0 and not _validators(response):
            self.store.drop(where)
            return response
        assert isinstance(response.body, bytes)
        kept = CachedObject(
            status=response.status,
            headers=without(response.headers, "age"),
            body=response.body,
            reason=response.reason,
            stored=now,
            fresh_until=now,
            stale_until=now,
            error_until=None,
            epoch=visit.epoch,
            paths=_paths(visit, request),
            age=_age(response),
            origin_status=response.origin_status,
            generated=response.generated,
        )
        _set_life(kept, life, now)
        self.store.put(where, kept)
        return response

    async def _large(self, visit: Visit, request: EdgeRequest, response: EdgeResponse) -> EdgeResponse:
        """An object that is too large to keep: passed through, and where a part is wanted the origin gives it."""
        if first(request.headers, "range") is None or response.status != 200:
            return response
        await fetch.abandon(response.body)
        return await from_origin(visit, request)


def _came_round(visit: Visit) -> bool:
    """Whether a request has passed here before: the one it would wait for may be waiting for it."""
    name = visit.via.partition(" ")[2]
    return any(name in value for value in every(visit.viewer.headers, "via"))


def _validate(request: EdgeRequest, known: CachedObject) -> None:
    """Have the origin say whether the object is still what is known of it."""
    etag, modified = first(known.headers, "etag"), first(known.headers, "last-modified")
    if etag is not None:
        # What was compressed here has a weak tag; the origin knows the strong one.
        weak = first(known.headers, "content-encoding") is not None
        request.headers.append(("If-None-Match", etag.removeprefix("W/") if weak else etag))
    if modified is not None:
        request.headers.append(("If-Modified-Since", modified))


def _validators(response: EdgeResponse) -> bool:
    if response.status >= 400 or not freshness.NEVER_SHARED.isdisjoint(freshness.directives(response.headers)):
        return False
    return first(response.headers, "etag") is not None or first(response.headers, "last-modified") is not None


def _set_life(kept: CachedObject, life: freshness.Freshness, now: float) -> None:
    kept.fresh_until = now + life.ttl
    kept.stale_until = kept.fresh_until + life.revalidating
    kept.error_until = None if life.on_error is None else kept.fresh_until + life.on_error


def _age(response: EdgeResponse) -> float:
    text = first(response.headers, "age") or ""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0.0


def _paths(visit: Visit, request: EdgeRequest) -> tuple[str, ...]:
    """The names by which an invalidation means this object: its URI, before and after the viewer's function."""
    found = {visit.viewer.uri: None, request.uri: None}
    keyed = not visit.behaviour.keyed.query.nothing
    if keyed:
        found = {visit.viewer.url: None, request.url: None}
    return tuple(found)


def _hit(visit: Visit, found: CachedObject, result: str) -> EdgeResponse:
    visit.result = visit.detail = result
    visit.cache = f"{result} from cloudfront"
    return found.response(str(found.age_at(visit.now)))


async def _compress(visit: Visit, request: EdgeRequest, response: EdgeResponse) -> None:
    behaviour = visit.behaviour
    if not behaviour.compress or not isinstance(response.body, bytes):
        return
    wanted = accepted(first(request.headers, "accept-encoding"), gzip=behaviour.gzip, brotli=behaviour.brotli)
    encoding = compression.encoding_for(wanted, response.status, response.headers, len(response.body))
    if encoding is not None:
        response.headers, response.body = await asyncio.to_thread(
            compression.compressed, response.headers, response.body, encoding
        )
