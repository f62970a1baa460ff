"""Where CloudFront follows RFC 9111, the edge does what hishel's state machine says.

That is where a cache policy leaves the origin its say: no least time, none by default, no most. What the origin does
not state is not fresh then, and heuristics (which CloudFront has none of) are kept out by saying no Last-Modified.
"""

from __future__ import annotations

import uuid
from email.utils import formatdate
from types import SimpleNamespace

import hishel
import pytest
from hishel._core import _spec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kumoi.services.cloudfront.edge.freshness import LONGEST, NEVER_SHARED, Ttl, directives, freshness
from kumoi.wire.http import HeaderList

STORED = 1_790_000_000
URL = "https://www.example/"
RFC = Ttl(0.0, 0.0, LONGEST)

NUMBERS = st.sampled_from(["0", "1", "59", "60", "61", "3600", "99999999", "01", "abc", "-1", "1.5", "", "9" * 20])
DIRECTIVES = st.one_of(
    st.sampled_from(["public", "private", "no-store", "no-cache", "must-revalidate", "proxy-revalidate", "immutable"]),
    st.sampled_from(["No-Store", "PRIVATE", "unknown", "unknown=1", 'unknown="a, no-store"', "no-transform"]),
    st.builds("max-age={}".format, NUMBERS),
    st.builds("s-maxage={}".format, NUMBERS),
    st.builds('max-age="{}"'.format, NUMBERS),
    st.builds("Max-Age={}".format, NUMBERS),
)
CONTROLS = st.lists(DIRECTIVES, max_size=4, unique_by=lambda one: one.partition("=")[0].lower())
EXPIRES = st.one_of(st.none(), st.integers(-100, 4000).map(lambda after: formatdate(STORED + after, usegmt=True)))


def headers_of(controls: list[str], expires: str | None) -> HeaderList:
    found = [("Date", formatdate(STORED, usegmt=True)), ("ETag", '"one"')]
    if controls:
        found.append(("Cache-Control", ", ".join(controls)))
    if expires is not None:
        found.append(("Expires", expires))
    return found


def oracle(headers: HeaderList, later: int, monkeypatch: pytest.MonkeyPatch) -> tuple[bool, bool]:
    """(whether a shared cache may keep the response, whether it serves it so many seconds later)."""
    options = hishel.CacheOptions(shared=True, supported_methods=["GET"], allow_stale=False)
    request = hishel.Request("GET", URL)
    response = hishel.Response(200, hishel.Headers(dict(headers)))
    with monkeypatch.context() as patched:
        patched.setattr(_spec, "time", SimpleNamespace(time=lambda: STORED))
        kept = isinstance(hishel.CacheMiss(options=options, request=request).next(response), hishel.StoreAndUse)
        patched.setattr(_spec, "time", SimpleNamespace(time=lambda: STORED + later))
        entry = hishel.Entry(uuid.uuid4(), request, response)
        found = hishel.IdleClient(options=options).next(request, [entry] if kept else [])
    return kept, isinstance(found, hishel.FromCache)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(controls=CONTROLS, expires=EXPIRES, later=st.sampled_from([0, 1, 30, 59, 60, 61, 3599, 3600, 100_000]))
@example(controls=["max-age=60", "s-maxage=1"], expires=None, later=30)
@example(controls=["max-age=0"], expires=formatdate(STORED + 4000, usegmt=True), later=30)
@example(controls=["public"], expires=None, later=0)
def test_what_is_served_from_the_cache(
    monkeypatch: pytest.MonkeyPatch, controls: list[str], expires: str | None, later: int
) -> None:
    headers = headers_of(controls, expires)
    kept, served = oracle(headers, later, monkeypatch)
    life = freshness(headers, RFC, STORED)
    assert (later < life.ttl) is served
    if not kept:
        assert not NEVER_SHARED.isdisjoint(directives(headers))
        assert (life.ttl, life.revalidating, life.on_error) == (0.0, 0.0, 0.0)
