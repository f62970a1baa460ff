"""A viewer's header fields that were seen before, and hits answered by them without a call.

What follows from the fields alone was found out by the request that came with them first: the distribution, the POP,
the scheme, what they add to cache keys. What follows from the behaviour as well is worked out once for each (`_Way`); a
behaviour whose answers depend on more (signatures, the viewer's address, a page's origin, a sampling rate) has none. A
CloudFront function before the cache runs here, too, once it has proved to be quick. The object's head is written out
once, with blanks for Age, the request's id and the date.

So the answer is, byte for byte, what `plane.serve` would give: it is made by the same functions. Whenever anything else
holds than did at the first request, that one is asked: a change of a configuration or of host names, declared faults,
a budget, an object that is expired, invalidated, an error or not there.
"""

from __future__ import annotations

import secrets
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from kumoi.services.cloudfront.edge import response_headers, viewer_headers
from kumoi.services.cloudfront.edge.cache_key import Key, query_part, viewer_part
from kumoi.services.cloudfront.edge.compiled import Attached, Behaviour
from kumoi.services.cloudfront.edge.hit_lines import columns, line_of
from kumoi.services.cloudfront.edge.log_entry import LogEntry
from kumoi.services.cloudfront.edge.messages import EdgeRequest, first
from kumoi.services.cloudfront.edge.store import CachedObject, Framed
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.services.cloudfront.edge.written import written
from kumoi.services.cloudfront.functions.at_edge import Passed
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

    `keyed` is their part of the key, where no function at viewer-request may change them.
    """

    behaviour: Behaviour
    headers: HeaderList
    keyed: Key
    function: Attached | None


class Hit(NamedTuple):
    """A hit that was answered here, as the log will tell of it."""

    seen: Seen
    way: _Way
    found: CachedObject
    framed: Framed
    passed: Passed | None
    uri: str
    query: str
    time: float
    client: tuple[str, int]
    request_id: str
    age: str
    seconds: float

    @property
    def function(self) -> str:
        """The name of the function that ran before the cache, if one did."""
        return "" if self.way.function is None else self.way.function.name

    def entry(self) -> LogEntry:
        """What the logs are told of it."""
        answered = self.seen.response(self.way, self.found, self.age, self.request_id)
        return structs.replace(
            self.seen.entry_of(self.way, self.found, answered),
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
        now, request_id = hits.clock.now(), hits.ids.next()
        uri, asked, keyed, passed = path, query, way.keyed, None
        if way.function is not None:
            request = EdgeRequest("GET", path, query, way.headers, client[0])
            passed = hits.passed(way.function, self.served, request, request_id)
            if passed is None:
                self._give_up(way)
                return None
            uri, asked, keyed = passed.request.uri, passed.request.query, _keyed(passed.request.headers, way.behaviour)
        found = self._fresh(way, uri, asked, keyed, now)
        framed = None if found is None else self._framed(way, found, framing)
        if found is None or framed is None:
            if passed is not None:
                self._give_up(way)
            return None
        age, seconds = str(found.age_at(now)), perf_counter() - began
        hits.note(Hit(self, way, found, framed, passed, path, query, now, client, request_id, age, seconds))
        return framed.frame, (age.encode(), request_id.encode())

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

    def response(self, way: _Way, found: CachedObject, age: str, request_id: str) -> Response:
        """The response that an object makes, all but what the gateway adds."""
        response = found.response(age)
        policy = way.behaviour.headers_policy
        if policy is not None:
            response.headers = response_headers.applied(policy, way.headers, "GET", response.headers)
        return written(response, self.pop, request_id, self._via, HIT)

    def entry_of(self, way: _Way, found: CachedObject, answered: Response) -> LogEntry:
        """What the logs are told of any hit like this one."""
        return structs.replace(
            self._entry,
            pattern=way.behaviour.pattern,
            status=found.status,
            answered=answered.headers,
            response_bytes=len(found.body),
        )

    def _fresh(self, way: _Way, uri: str, query: str, keyed: Key, now: float) -> CachedObject | None:
        """The object that a request is for, behind the function."""
        if uri == "/" and self.served.root:
            uri = f"/{self.served.root}"
        key = ("GET", uri, *query_part(query, way.behaviour.keyed), *keyed)
        return self._hits.fresh((self.pop.code, self.served.id, key), now)

    def _framed(self, way: _Way, found: CachedObject, framing: Framing) -> Framed | None:
        """How an object is written out; None where it cannot be without a call."""
        if found.framed is not None and found.framed.behaviour is way.behaviour:
            return found.framed
        response = self.response(way, found, _AGE, _ID)
        frame = framing(response, (_AGE, _ID))
        if frame is None:
            return None
        found.framed = Framed(way.behaviour, frame, columns(self.entry_of(way, found, response)))
        return found.framed

    def _give_up(self, way: _Way) -> None:
        """Have a behaviour's function not run in vain again: what it made of a request was no hit."""
        self._ways[id(way.behaviour)] = None

    def _way(self, behaviour: Behaviour) -> _Way | None:
        served, fields, policy = self.served, self._fields, behaviour.headers_policy
        if not behaviour.caches or "GET" not in behaviour.cached or "GET" not in behaviour.allowed:
            return None
        function = behaviour.attached.get("viewer-request")
        if behaviour.keys is not None or "viewer-response" in behaviour.attached or (function and not function.small):
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
        return _Way(behaviour, headers, _keyed(headers, behaviour), function)


def _keyed(headers: HeaderList, behaviour: Behaviour) -> Key:
    return viewer_part(headers, behaviour.keyed, gzip=behaviour.gzip, brotli=behaviour.brotli)
