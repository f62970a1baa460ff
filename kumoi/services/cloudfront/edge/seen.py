"""A viewer's header fields that were seen before, and hits answered by them without a call.

What follows from the fields alone was found out by the request that came with them first: the distribution, the POP,
the scheme, what they add to cache keys. What follows from the behaviour as well is worked out once for each (`_Way`); a
behaviour whose answers depend on more (signatures, the viewer's address, a page's origin, a sampling rate) has none. A
CloudFront function at a viewer's event runs here, too, once it has proved to be quick. Where none changes the response,
the object's head is written out once, with blanks for Age, the request's id and the date.

So the answer is, byte for byte, what `plane.serve` would give: it is made by the same functions. Whenever anything else
holds than did at the first request, that one is asked: a change of a configuration or of host names, declared faults,
a budget, an object that is expired, invalidated, an error or not there.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from kumoi.services.cloudfront.edge import response_headers, viewer_headers
from kumoi.services.cloudfront.edge.cache_key import Key, query_part, viewer_part
from kumoi.services.cloudfront.edge.compiled import Attached, Behaviour
from kumoi.services.cloudfront.edge.hit_lines import columns, line_of
from kumoi.services.cloudfront.edge.log_entry import LogEntry
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, first
from kumoi.services.cloudfront.edge.store import CachedObject, Framed
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.services.cloudfront.edge.written import written
from kumoi.services.cloudfront.functions.at_edge import Ran
from kumoi.wire.again import Frame, Framing
from kumoi.wire.http import HeaderList, Response

if TYPE_CHECKING:
    from kumoi.services.cloudfront.edge.hits import Hits, Tally

HIT = "Hit from cloudfront"
CONDITIONS = frozenset(("if-none-match", "if-modified-since", "range"))
"""Fields by which a viewer gets something else than the object."""
_AGE, _ID = secrets.token_hex(16), secrets.token_hex(16)
"""Stand for both in a frame: no origin can know them."""


class _Way(NamedTuple):
    """What is the same for all requests with these fields to one behaviour.

    `keyed` is their part of the key, where no function may change them `before` the cache; one may run `behind` it.
    """

    behaviour: Behaviour
    headers: HeaderList
    keyed: Key
    before: Attached | None
    behind: Attached | None


class Hit(NamedTuple):
    """A hit that was answered here, as the log will tell of it; `made` is the response where a function made it."""

    seen: Seen
    way: _Way
    found: CachedObject
    framed: Framed
    made: Response | None
    ran: tuple[Ran, ...]
    uri: str
    query: str
    time: float
    client: tuple[str, int]
    request_id: str
    age: str
    seconds: float

    def entry(self) -> LogEntry:
        """What the logs are told of it."""
        answered = self.made or self.seen.written(self.way, self.found, self.age, self.request_id)
        return structs.replace(
            self.seen.entry_of(self.way, answered),
            time=self.time,
            ip=self.client[0],
            port=self.client[1],
            uri=self.uri,
            query=self.query,
            request_id=self.request_id,
            seconds=self.seconds,
        )


class Seen:
    """The fields of one viewer; called with a target, it answers as `kumoi/wire/again.py` says."""

    def __init__(self, hits: Hits, tally: Tally, visit: Visit, entry: LogEntry) -> None:
        self.tally = tally
        self.served = visit.served
        self.pop = visit.pop
        self._line = ""
        self._hits = hits
        self._entry = entry
        self._fields = entry.headers
        self._scheme = visit.scheme
        self._via = visit.via
        self._generation = hits.deployments.generation
        self._claims = hits.names.changes
        self._ways: dict[int, _Way | None] = {}

    def __call__(
        self, target: str, client: tuple[str, int], framing: Framing
    ) -> tuple[Frame, tuple[bytes, ...]] | None:
        """The answer to a GET of `target` with these fields, where it is a hit like others before."""
        began = perf_counter()
        hits = self._hits
        if not hits.may_answer(self.tally, self._generation, self._claims):
            return None
        path, _, query = target.partition("?")
        way = self.way(self.served.behaviour(path))
        if way is None:
            return None
        hit = self._hit(way, EdgeRequest("GET", path, query, way.headers, client[0]), client, framing, began)
        if hit is None:
            if way.before is not None or way.behind is not None:
                self._ways[id(way.behaviour)] = None  # or functions would run in vain again
            return None
        hits.note(hit)
        return hit.framed.frame, () if hit.made is not None else (hit.age.encode(), hit.request_id.encode())

    def _hit(
        self, way: _Way, asked: EdgeRequest, client: tuple[str, int], framing: Framing, began: float
    ) -> Hit | None:
        hits, path, query, keyed = self._hits, asked.uri, asked.query, way.keyed
        now, request_id, ran = hits.clock.now(), hits.ids.next(), list[Ran]()
        if way.before is not None:
            passed = hits.passed(way.before, self.served, asked, request_id)
            if passed is None:
                return None
            asked, keyed = passed[0], _keyed(passed[0].headers, way.behaviour)
            ran.append(passed[1])
        if asked.uri == "/" and self.served.root:
            asked = replace(asked, uri=f"/{self.served.root}")
        key = ("GET", asked.uri, *query_part(asked.query, way.behaviour.keyed), *keyed)
        found = hits.fresh((self.pop.code, self.served.id, key), now)
        if found is None:
            return None
        age, made = str(found.age_at(now)), None
        if way.behind is None or found.origin_status >= 400:  # no function runs behind what failed at the origin
            framed = self._framed(way, found, framing)
        else:
            changed = hits.changed(way.behind, self.served, asked, self._policed(way, found, age), request_id)
            if changed is None:
                return None
            made = written(changed[0], self.pop, request_id, self._via, HIT)
            frame = framing(made, ())
            framed = None if frame is None else Framed(way.behaviour, frame, made.status, None)
            ran.append(changed[1])
        if framed is None:
            return None
        seconds = perf_counter() - began
        return Hit(self, way, found, framed, made, tuple(ran), path, query, now, client, request_id, age, seconds)

    @property
    def line(self) -> str:
        """The log's line for its hits, with blanks."""
        if not self._line:
            self._line = line_of(self._entry, cookies=self.served.log_cookies)
        return self._line

    def way(self, behaviour: Behaviour) -> _Way | None:
        """What is known of requests with these fields to a behaviour; None for one that cannot answer here."""
        try:
            return self._ways[id(behaviour)]
        except KeyError:
            found = self._ways[id(behaviour)] = self._way(behaviour)
            return found

    def written(self, way: _Way, found: CachedObject, age: str, request_id: str) -> Response:
        """The response that an object makes where no function changes it, all but what the gateway adds."""
        return written(self._policed(way, found, age), self.pop, request_id, self._via, HIT)

    def entry_of(self, way: _Way, answered: Response) -> LogEntry:
        """What the logs are told of any hit with such a response."""
        assert isinstance(answered.body, bytes), "what is cached is in memory"
        return structs.replace(
            self._entry,
            pattern=way.behaviour.pattern,
            status=answered.status,
            answered=answered.headers,
            response_bytes=len(answered.body),
        )

    def _policed(self, way: _Way, found: CachedObject, age: str) -> EdgeResponse:
        response = found.response(age)
        policy = way.behaviour.headers_policy
        if policy is not None:
            response.headers = response_headers.applied(policy, way.headers, "GET", response.headers)
        return response

    def _framed(self, way: _Way, found: CachedObject, framing: Framing) -> Framed | None:
        """How an object is written out, once for all who get it; None where it cannot be."""
        if found.framed is None or found.framed.behaviour is not way.behaviour:
            answered = self.written(way, found, _AGE, _ID)
            frame = framing(answered, (_AGE, _ID))
            if frame is None:
                return None
            told = columns(self.entry_of(way, answered))
            found.framed = Framed(way.behaviour, frame, answered.status, told)
        return found.framed

    def _way(self, behaviour: Behaviour) -> _Way | None:
        served, fields, policy = self.served, self._fields, behaviour.headers_policy
        if not behaviour.caches or "GET" not in behaviour.cached or "GET" not in behaviour.allowed:
            return None
        before, behind = (behaviour.attached.get(event) for event in ("viewer-request", "viewer-response"))
        if behaviour.keys is not None or (before and not before.small) or (behind and not behind.small):
            return None
        if self._scheme == "http" and behaviour.protocol != "allow-all":
            return None
        if served.restriction in ("whitelist", "blacklist"):
            listed = viewer_headers.country(fields, self.pop) in served.countries
            if listed is (served.restriction == "blacklist"):
                return None
        if "cloudfront-viewer-address" in behaviour.wanted:
            return None
        if policy is not None and not response_headers.is_the_same(
            policy, with_origin=first(fields, "origin") is not None
        ):
            return None
        headers = viewer_headers.cleaned(fields)
        headers += viewer_headers.known(
            fields,
            sorted(behaviour.wanted),
            self.pop,
            ip="",
            port=0,
            scheme=self._scheme,
            version=self._entry.version,
        )
        return _Way(behaviour, headers, _keyed(headers, behaviour), before, behind)


def _keyed(headers: HeaderList, behaviour: Behaviour) -> Key:
    return viewer_part(headers, behaviour.keyed, gzip=behaviour.gzip, brotli=behaviour.brotli)
