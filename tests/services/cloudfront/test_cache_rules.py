"""The rules of caching, as tables: keys, lifetimes, path patterns, conditions, what goes to origins."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kumoi.services.cloudfront.edge import compression, invalidated, path_pattern
from kumoi.services.cloudfront.edge.cache_key import accepted, cache_key
from kumoi.services.cloudfront.edge.conditions import not_modified, one_range
from kumoi.services.cloudfront.edge.freshness import Ttl, error_lifetime, freshness
from kumoi.services.cloudfront.edge.invalidated import Invalidated, Rules
from kumoi.services.cloudfront.edge.messages import EdgeRequest
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.edge.origin_request import origin_request
from kumoi.services.cloudfront.edge.pops import find
from kumoi.services.cloudfront.edge.response_headers import applied
from kumoi.services.cloudfront.edge.selection import ALL, Choice, Selection, of_forwarded_values, of_policy
from kumoi.services.cloudfront.edge.store import CachedObject, Store
from kumoi.services.cloudfront.edge.viewer_headers import device
from kumoi.services.cloudfront.managed import MANAGED
from kumoi.services.cloudfront.records import Invalidation

NOW = 1_700_000_000.0

PATTERNS = [
    ("*.jpg", "/a/b.jpg", True),
    ("*.jpg", "/a/b.JPG", False),
    ("images/*", "/images/a/b", True),
    ("/images/*", "/images/", True),
    ("/images/*", "/image/a", False),
    ("/a?c", "/abc", True),
    ("/a?c", "/ac", False),
    ("/a.c", "/abc", False),
    ("*", "/anything", True),
    ("/**/x", "/a/x", True),
]


@pytest.mark.parametrize(("pattern", "path", "matches"), PATTERNS)
def test_path_patterns(pattern: str, path: str, matches: bool) -> None:
    assert bool(path_pattern.compiled(pattern).fullmatch(path)) == matches


@pytest.mark.parametrize(
    ("path", "matched"),
    [
        ("/a/b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/./b/.", "/a/b/"),
        ("/a/b/..", "/a/"),
        ("/../../a", "/a"),
        ("/..", "/"),
        ("/.", "/"),
        ("/a/%2e%2E/b", "/b"),
        ("/a%2fb", "/a%2Fb"),
        ("/%61%7e%c3%A9", "/a~%C3%A9"),
        ("/a/...", "/a/..."),
        ("/.hidden", "/.hidden"),
        ("//a//b", "/a/b"),
        ("/a//../b", "/b"),
        ("/%zz%", "/%zz%"),
    ],
)
def test_paths_are_matched_as_rfc_3986_normalises_them(path: str, matched: str) -> None:
    assert path_pattern.normalized(path) == matched
    assert path_pattern.normalized(matched) == matched


def test_patterns_are_normalised_like_paths() -> None:
    assert path_pattern.compiled("/%61%c3%a9/*").fullmatch(path_pattern.normalized("/a%C3%A9/b"))


def test_a_pattern_of_many_stars_is_quick() -> None:
    assert path_pattern.compiled("*a" * 20).fullmatch("/" + "b" * 200) is None


def request(url: str = "/", method: str = "GET", **headers: str) -> EdgeRequest:
    uri, _, query = url.partition("?")
    return EdgeRequest(
        method, uri, query, [(name.replace("_", "-"), value) for name, value in headers.items()], "1.2.3.4"
    )


EVERYTHING = Selection(ALL, ALL, ALL)
QUERY = Selection(query=ALL)
SOME = Selection(Choice(frozenset(["x-a"])), Choice(frozenset(["c"])), Choice(frozenset(["q"])))
SAME = [
    (Selection(), request("/a?x=1"), request("/a?x=2"), True),
    (Selection(), request("/a"), request("/A"), False),
    (Selection(), request("/a"), request("/a", "HEAD"), True),
    (Selection(), request("/a"), request("/a", "OPTIONS"), False),
    (Selection(), request("/a", Cookie="a=1"), request("/a"), True),
    (QUERY, request("/a?x=1&y=2"), request("/a?y=2&x=1"), False),
    (QUERY, request("/a?x=1"), request("/a"), False),
    (SOME, request("/a?q=1&z=1"), request("/a?z=2&q=1"), True),
    (SOME, request("/a?q=1"), request("/a?Q=1"), False),
    (SOME, request("/a", Cookie="c=1; d=1"), request("/a", Cookie="d=2; c=1"), True),
    (SOME, request("/a", Cookie="c=1"), request("/a", Cookie="c=2"), False),
    (SOME, request("/a", X_A="1", X_B="1"), request("/a", x_a="1"), True),
    (SOME, request("/a", X_A="1"), request("/a", X_A="2"), False),
    (Selection(query=Choice(frozenset(["q"]), others=True)), request("/a?q=1&z=1"), request("/a?q=2&z=1"), True),
]


@pytest.mark.parametrize(("keyed", "one", "other", "same"), SAME)
def test_cache_keys(keyed: Selection, one: EdgeRequest, other: EdgeRequest, same: bool) -> None:
    keys = [cache_key(each, keyed, gzip=False, brotli=False) for each in (one, other)]
    assert (keys[0] == keys[1]) == same


ACCEPTED = [
    ("gzip, deflate, br", True, True, "br,gzip"),
    ("gzip", True, True, "gzip"),
    ("br;q=1.0", True, True, "br"),
    ("gzip;q=0, br", True, True, "br"),
    ("gzip, br", True, False, "gzip"),
    ("deflate", True, True, ""),
    ("*", True, True, "br,gzip"),
    (None, True, True, ""),
]


@pytest.mark.parametrize(("header", "gzip", "brotli", "expected"), ACCEPTED)
def test_accept_encoding(header: str | None, gzip: bool, brotli: bool, expected: str) -> None:
    assert accepted(header, gzip=gzip, brotli=brotli) == expected


def test_legacy_settings() -> None:
    keyed, forwarded = of_forwarded_values(
        {
            "QueryString": True,
            "QueryStringCacheKeys": {"Quantity": 1, "Items": ["q"]},
            "Cookies": {"Forward": "whitelist", "WhitelistedNames": {"Quantity": 2, "Items": ["session", "user_*"]}},
            "Headers": {"Quantity": 1, "Items": ["Origin"]},
        }
    )
    assert keyed.query.takes("q")
    assert not keyed.query.takes("z")
    assert forwarded.query.takes("z")
    assert [keyed.cookies.takes(name) for name in ("session", "user_1", "other")] == [True, True, False]
    assert keyed.headers.takes("origin")


LIFETIMES: list[tuple[dict[str, str], Ttl, float]] = [
    ({}, Ttl(0, 86400, 31536000), 86400),
    ({}, Ttl(100, 10, 1000), 100),
    ({"Cache-Control": "max-age=60"}, Ttl(0, 86400, 31536000), 60),
    ({"Cache-Control": "max-age=60"}, Ttl(100, 100, 1000), 100),
    ({"Cache-Control": "max-age=6000"}, Ttl(0, 100, 1000), 1000),
    ({"Cache-Control": "public, s-maxage=5, max-age=60"}, Ttl(0, 100, 1000), 5),
    ({"Cache-Control": "no-cache"}, Ttl(0, 100, 1000), 0),
    ({"Cache-Control": "no-store, max-age=60"}, Ttl(7, 100, 1000), 7),
    ({"Cache-Control": "private"}, Ttl(0, 100, 1000), 0),
    ({"Cache-Control": "max-age=abc"}, Ttl(0, 100, 1000), 100),
    ({"Expires": "Tue, 14 Nov 2023 22:14:20 GMT"}, Ttl(0, 100, 1000), 60),
    ({"Expires": "0"}, Ttl(0, 100, 1000), 0),
    ({"Expires": "Tue, 14 Nov 2023 22:14:20 GMT", "Cache-Control": "max-age=9"}, Ttl(0, 100, 1000), 9),
    ({"Vary": "*"}, Ttl(5, 100, 1000), 0),
    ({"Cache-Control": "max-age=99999999999999999999999"}, Ttl(0, 100, 1000), 1000),
]


@pytest.mark.parametrize(("headers", "ttl", "expected"), LIFETIMES)
def test_lifetimes(headers: dict[str, str], ttl: Ttl, expected: float) -> None:
    assert freshness(list(headers.items()), ttl, NOW).ttl == expected


def test_stale_directives_are_cut_at_the_maximum() -> None:
    fields = [("Cache-Control", "max-age=1, stale-while-revalidate=5, stale-if-error=50")]
    life = freshness(fields, Ttl(0, 0, 10), NOW)
    assert (life.revalidating, life.on_error) == (5, 10)


ERRORS: list[tuple[int, dict[str, str], dict[int, float], float]] = [
    (404, {}, {}, 10),
    (404, {}, {404: 60}, 60),
    (404, {"Cache-Control": "max-age=300"}, {404: 60}, 300),
    (404, {"Cache-Control": "max-age=0"}, {}, 10),
    (503, {}, {503: 0}, 0),
    (403, {}, {}, 0),
    (403, {"Cache-Control": "max-age=30"}, {}, 30),
    (403, {}, {403: 5}, 5),
    (418, {"Cache-Control": "max-age=30"}, {}, 0),
]


@pytest.mark.parametrize(("status", "headers", "least", "expected"), ERRORS)
def test_errors_are_kept(status: int, headers: dict[str, str], least: dict[int, float], expected: float) -> None:
    assert error_lifetime(status, list(headers.items()), least, NOW) == expected


CONDITIONS = [
    ({"If-None-Match": '"a"'}, {"ETag": '"a"'}, True),
    ({"If-None-Match": 'W/"a"'}, {"ETag": '"a"'}, True),
    ({"If-None-Match": '"b", "a"'}, {"ETag": 'W/"a"'}, True),
    ({"If-None-Match": '"b"'}, {"ETag": '"a"'}, False),
    ({"If-None-Match": "*"}, {}, True),
    ({"If-None-Match": '"b"', "If-Modified-Since": "Wed, 15 Nov 2023 00:00:00 GMT"},
     {"ETag": '"a"', "Last-Modified": "Tue, 14 Nov 2023 00:00:00 GMT"}, False),
    ({"If-Modified-Since": "Wed, 15 Nov 2023 00:00:00 GMT"}, {"Last-Modified": "Tue, 14 Nov 2023 00:00:00 GMT"}, True),
    ({"If-Modified-Since": "Mon, 13 Nov 2023 00:00:00 GMT"}, {"Last-Modified": "Tue, 14 Nov 2023 00:00:00 GMT"}, False),
    ({"If-Modified-Since": "garbage"}, {"Last-Modified": "Tue, 14 Nov 2023 00:00:00 GMT"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "known", "expected"), CONDITIONS)
def test_conditions(asked: dict[str, str], known: dict[str, str], expected: bool) -> None:
    assert not_modified(list(asked.items()), list(known.items())) == expected


RANGES: list[tuple[str, tuple[int, int] | None]] = [
    ("bytes=0-3", (0, 3)),
    ("bytes=5-", (5, 9)),
    ("bytes=-3", (7, 9)),
    ("bytes=-30", (0, 9)),
    ("bytes=0-99", (0, 9)),
    ("bytes=3-1", None),
    ("bytes=0-1,3-4", None),
    ("lines=0-1", None),
    ("bytes=-", None),
]


@pytest.mark.parametrize(("asked", "expected"), RANGES)
def test_ranges(asked: str, expected: tuple[int, int] | None) -> None:
    assert one_range([("Range", asked)], [("ETag", '"a"')], 10) == expected


def test_ranges_that_cannot_be_had_and_those_that_do_not_hold() -> None:
    with pytest.raises(ValueError, match="10"):
        one_range([("Range", "bytes=10-")], [], 10)
    assert one_range([("Range", "bytes=0-1"), ("If-Range", '"b"')], [("ETag", '"a"')], 10) is None
    assert one_range([("Range", "bytes=0-1"), ("If-Range", '"a"')], [("ETag", '"a"')], 10) == (0, 1)


COMPRESSED = [
    ("br,gzip", 200, {"Content-Type": "text/html"}, 1000, "br"),
    ("gzip", 404, {"Content-Type": "application/json; charset=utf-8"}, 5000, "gzip"),
    ("gzip", 200, {"Content-Type": "text/html"}, 999, None),
    ("gzip", 200, {"Content-Type": "text/html"}, 10_000_001, None),
    ("gzip", 200, {"Content-Type": "image/png"}, 5000, None),
    ("gzip", 500, {"Content-Type": "text/html"}, 5000, None),
    ("gzip", 200, {"Content-Type": "text/html", "Content-Encoding": "br"}, 5000, None),
    ("", 200, {"Content-Type": "text/html"}, 5000, None),
]


@pytest.mark.parametrize(("wanted", "status", "headers", "length", "expected"), COMPRESSED)
def test_what_is_compressed(
    wanted: str, status: int, headers: dict[str, str], length: int, expected: str | None
) -> None:
    assert compression.encoding_for(wanted, status, list(headers.items()), length) == expected


def made(*paths: str) -> list[Invalidation]:
    return [
        Invalidation(distribution="E1", id=f"I{epoch}", created=NOW, epoch=epoch, reference=str(epoch), paths=(path,))
        for epoch, path in enumerate(paths, 1)
    ]


def rules(*paths: str) -> Rules:
    return Rules(made(*paths))


INVALIDATED = [
    (("/a",), 0, "/a", True),
    (("/a",), 1, "/a", False),
    (("/a",), 0, "/ab", False),
    (("/a*",), 0, "/ab", True),
    (("/*",), 0, "/x/y?z", True),
    (("/a*b",), 0, "/axb", False),
    (("/a", "/b"), 1, "/a", False),
    (("/a", "/b"), 1, "/b", True),
]


def test_invalidations_that_were_read_before_do_not_replace_newer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    newer, older = ["/a", "/b"], ["/a"]
    known = Invalidated()
    answers: dict[str, asyncio.Future[list[Invalidation]]] = {}

    async def read(state: Any, _distribution: str) -> list[Invalidation]:
        return await answers[state]

    async def crossing() -> int:
        loop = asyncio.get_running_loop()
        answers.update(early=loop.create_future(), late=loop.create_future())
        early = asyncio.ensure_future(known.load("early", "E1"))  # type: ignore[arg-type]
        late = asyncio.ensure_future(known.load("late", "E1"))  # type: ignore[arg-type]
        answers["late"].set_result(made(*newer))
        await late
        answers["early"].set_result(made(*older))
        await early
        return (await known.of("early", "E1")).epoch  # type: ignore[arg-type]

    monkeypatch.setattr(invalidated, "_read", read)
    assert asyncio.run(crossing()) == 2


@pytest.mark.parametrize(("paths", "epoch", "path", "stale"), INVALIDATED)
def test_invalidations(paths: tuple[str, ...], epoch: int, path: str, stale: bool) -> None:
    assert rules(*paths).stale(epoch, (path,)) == stale


def policy(kind: str, name: str) -> Selection:
    found = next(one.config for one in MANAGED[kind].values() if one.config["Name"] == f"Managed-{name}")
    return of_policy(found.get("ParametersInCacheKeyAndForwardedToOrigin", found))


ORIGIN = Origin("one", "origin.example.com")
VIEWER = {
    "Host": "d.cloudfront.net",
    "Accept": "*/*",
    "Origin": "https://x",
    "X-Own": "1",
    "User-Agent": "curl",
    "Content-Type": "text/plain",
    "Authorization": "Bearer",
    "Cookie": "a=1; b=2",
}
FORWARDED: list[tuple[Selection, str, dict[str, str | None]]] = [
    (Selection(), "GET",
     {"host": "origin.example.com", "x-own": None, "origin": None, "authorization": None, "cookie": None}),
    (Selection(), "POST", {"authorization": "Bearer", "content-type": "text/plain"}),
    (policy("OriginRequestPolicy", "AllViewer"), "GET",
     {"host": "d.cloudfront.net", "x-own": "1", "user-agent": "curl", "accept": "*/*", "cookie": "a=1; b=2",
      "authorization": "Bearer"}),
    (policy("OriginRequestPolicy", "AllViewerExceptHostHeader"), "GET", {"host": "origin.example.com", "x-own": "1"}),
    (policy("OriginRequestPolicy", "CORS-S3Origin"), "GET",
     {"origin": "https://x", "x-own": None, "user-agent": "Amazon CloudFront"}),
    (Selection(cookies=Choice(frozenset("b"))), "GET", {"cookie": "b=2"}),
]  # fmt: skip


@pytest.mark.parametrize(("forwarded", "method", "expected"), FORWARDED)
def test_what_an_origin_gets(forwarded: Selection, method: str, expected: dict[str, str | None]) -> None:
    viewer = EdgeRequest(method, "/a", "q=1", list(VIEWER.items()), "1.2.3.4")
    going = origin_request(viewer, ORIGIN, Selection(), forwarded, request_id="id", via="1.1 v")
    found = {name.lower(): value for name, value in going.headers}
    assert {name: found.get(name) for name in expected} == expected
    assert (found["x-forwarded-for"], found["via"]) == ("1.2.3.4", "1.1 v")


def cors(**changed: Any) -> dict[str, Any]:
    return {
        "CorsConfig": {
            "AccessControlAllowOrigins": {"Quantity": 1, "Items": ["https://*.example.com"]},
            "AccessControlAllowHeaders": {"Quantity": 1, "Items": ["*"]},
            "AccessControlAllowMethods": {"Quantity": 1, "Items": ["ALL"]},
            "AccessControlAllowCredentials": False,
            "OriginOverride": True,
            **changed,
        }
    }


POLICIES: list[tuple[dict[str, Any], dict[str, str], dict[str, str | None]]] = [
    (cors(), {"Origin": "https://a.example.com"}, {"access-control-allow-origin": "https://a.example.com"}),
    (cors(), {"Origin": "http://a.example.com"}, {"access-control-allow-origin": None}),
    (cors(), {"Origin": "https://evil.com"}, {"access-control-allow-origin": None}),
    (cors(), {}, {"access-control-allow-origin": "origin's"}),
    (cors(OriginOverride=False), {"Origin": "https://a.example.com"}, {"access-control-allow-origin": "origin's"}),
    ({"SecurityHeadersConfig": {"FrameOptions": {"Override": False, "FrameOption": "DENY"}}}, {},
     {"x-frame-options": "SAMEORIGIN"}),
    ({"SecurityHeadersConfig": {"FrameOptions": {"Override": True, "FrameOption": "DENY"}}}, {},
     {"x-frame-options": "DENY"}),
    ({"CustomHeadersConfig": {"Quantity": 1, "Items": [{"Header": "X-A", "Value": "1", "Override": True}]}}, {},
     {"x-a": "1"}),
    ({"RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "Server"}]}}, {}, {"server": None}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "asked", "expected"), POLICIES)
def test_response_headers_policies(
    given: dict[str, Any], asked: dict[str, str], expected: dict[str, str | None]
) -> None:
    before = [("Server", "x"), ("X-Frame-Options", "SAMEORIGIN"), ("Access-Control-Allow-Origin", "origin's")]
    found = {name.lower(): value for name, value in applied(given, list(asked.items()), "GET", before)}
    assert {name: found.get(name) for name in expected} == expected


DEVICES = [
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148", "mobile", True),
    ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Mobile Safari", "mobile", False),
    ("Mozilla/5.0 (Linux; Android 14; SM-X700) Safari", "tablet", False),
    ("Mozilla/5.0 (Web0S; Linux/SmartTV)", "smarttv", False),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "desktop", False),
]


@pytest.mark.parametrize(("agent", "kind", "ios"), DEVICES)
def test_devices(agent: str, kind: str, ios: bool) -> None:
    flags = device(agent)
    classes = [
        name for name in ("smarttv", "tablet", "mobile", "desktop") if flags[f"cloudfront-is-{name}-viewer"] == "true"
    ]
    assert classes == [kind]
    assert (flags["cloudfront-is-ios-viewer"] == "true") == ios


@pytest.mark.parametrize(
    ("wanted", "code"),
    [("NRT", "NRT57-P1"), ("eu-central-1", "FRA56-P1"), ("gru3-p1", "GRU3-P1"), (None, "IAD89-P1"), ("?", "IAD89-P1")],
)
def test_pops(wanted: str | None, code: str) -> None:
    assert find(wanted, "us-east-1").code == code


def test_the_store_gives_up_what_was_not_used() -> None:
    def thing(size: int) -> CachedObject:
        return CachedObject(
            status=200, headers=[], body=b"x" * size, reason="", stored=0, fresh_until=0, stale_until=0,
            error_until=None, epoch=0, paths=(),
        )  # fmt: skip

    store = Store(capacity=5000)
    keys = [("POP", "E1", (str(number),)) for number in range(4)]
    for key in keys[:3]:
        store.put(key, thing(1000))
    assert store.get(keys[0]) is not None
    store.put(keys[3], thing(1000))
    assert [store.get(key) is not None for key in keys] == [True, False, True, True]
    store.clear({"E1"})
    assert len(store) == 0
