"""The cache key: what of a request makes it another object. Source: "Understand the cache key" of the guide.

The method's class, the path as it is after the viewer-request function, then what the cache policy chooses, in the
order of the URL: `?a=1&b=2` and `?b=2&a=1` are two objects. The host is no part of it, unless the policy says so.
"""

from __future__ import annotations

from kumoi.services.cloudfront.edge.messages import EdgeRequest, cookies, first, parameters
from kumoi.services.cloudfront.edge.selection import Choice, Selection
from kumoi.wire.http import HeaderList

Key = tuple[str, ...]


def cache_key(request: EdgeRequest, keyed: Selection, *, gzip: bool, brotli: bool) -> Key:
    """The key of a request."""
    kind = "OPTIONS" if request.method == "OPTIONS" else "GET"
    of_viewer = viewer_part(request.headers, keyed, gzip=gzip, brotli=brotli)
    return (kind, request.uri, *query_part(request.query, keyed), *of_viewer)


def query_part(query: str, keyed: Selection) -> Key:
    """What a query string adds to the key."""
    return () if keyed.query.nothing else (f"?{chosen_query(query, keyed.query)}",)


def viewer_part(headers: HeaderList, keyed: Selection, *, gzip: bool, brotli: bool) -> Key:
    """What a viewer's header fields add to the key, whatever it asks for."""
    parts = []
    if not keyed.cookies.nothing:
        chosen = [f"{name}={value}" for name, value in cookies(headers) if keyed.cookies.takes(name)]
        parts.append(f"cookie:{'; '.join(chosen)}")
    if not keyed.headers.nothing:
        found: dict[str, list[str]] = {}
        for name, value in headers:
            lower = name.lower()
            if lower not in _NEVER and keyed.headers.takes(lower):
                found.setdefault(lower, []).append(value)
        parts += [f"{name}:{','.join(found[name])}" for name in sorted(found)]
    if gzip or brotli:
        parts.append(f"encoding:{accepted(first(headers, 'accept-encoding'), gzip=gzip, brotli=brotli)}")
    return tuple(parts)


_NEVER = frozenset(("cookie", "accept-encoding", "if-none-match", "if-modified-since", "range", "content-length"))


def chosen_query(query: str, choice: Choice) -> str:
    """The query string with the chosen parameters alone."""
    if choice.others and not choice.names:
        return query
    return "&".join(pair for name, pair in parameters(query) if choice.takes(name))


def accepted(header: str | None, *, gzip: bool, brotli: bool) -> str:
    """Accept-Encoding as it is keyed and sent to the origin: `br,gzip`, `br`, `gzip` or nothing."""
    if header is None:
        return ""
    wanted = set()
    for piece in header.lower().split(","):
        name, _, rest = piece.strip().partition(";")
        quality = rest.strip().removeprefix("q=").strip()
        if quality not in ("0", "0.0", "0.00", "0.000"):
            wanted.add(name.strip())
    everything = "*" in wanted
    found = []
    if brotli and ("br" in wanted or everything):
        found.append("br")
    if gzip and ("gzip" in wanted or everything):
        found.append("gzip")
    return ",".join(found)
