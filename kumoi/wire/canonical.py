"""The canonical request of Signature Version 4: the text that client and server must build alike.

In: a request as it arrived. Out: the text. S3 takes the path as sent; every other service removes dot segments and
doubled slashes and encodes the encoded path once more. Source: "Create a signed AWS API request", step 1.

Some clients sign the encoded form of a path or query and send another form of the same one. `canonical_requests`
therefore answers the form as sent first and the normalised one second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote_to_bytes

from kumoi.wire.http import Headers, Request

_PLAIN_PATH = re.compile(r"[A-Za-z0-9_.~/-]*")
_BLANKS = re.compile(r"[ \t\r\n]+")
_CHARACTER = r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})"
_NORMALISED_PAIR = rf"{_CHARACTER}+(?:={_CHARACTER}*)?"
_NORMALISED = re.compile(rf"{_NORMALISED_PAIR}(?:&{_NORMALISED_PAIR})*")

AUTHORITY = ":authority"
"""What the Host is called over HTTP/2; clients may sign it by this name (the SDK for JavaScript does)."""

ENCODING = "latin-1"
"""Requests hold each byte of the wire as one character; this turns them back."""


def canonical_requests(
    request: Request,
    path: str,
    signed_headers: Sequence[str],
    payload_hash: str,
    *,
    as_sent: bool,
    without: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """The canonical requests that a client may have signed, the likeliest first.

    `path` is the request's as the client sent it; `as_sent` is S3's rule for it; `without` names query parameters
    that are not signed (X-Amz-Signature).
    """
    headers = canonical_headers(request.headers, signed_headers)
    names = ";".join(signed_headers)
    paths = [path or "/"] if as_sent else [double_encoded(path)]
    if as_sent and not _PLAIN_PATH.fullmatch(path):
        paths.append(_reencoded(path, "/~"))
    queries = [""]
    if request.query:
        queries = [canonical_query(request.query, without)]
        if not _NORMALISED.fullmatch(request.query):
            queries.append(canonical_query(request.query, without, normalise=True))
    seen: set[tuple[str, str]] = set()
    for one_path in paths:
        for query in queries:
            if (one_path, query) not in seen:
                seen.add((one_path, query))
                yield f"{request.method}\n{one_path}\n{query}\n{headers}\n{names}\n{payload_hash}"


def canonical_headers(headers: Headers, names: Sequence[str]) -> str:
    """A line `name:value` for each of `names`: values trimmed, inner blanks collapsed, repetitions joined by commas."""
    values: dict[str, str] = {}
    for name, value in headers.items:
        key = name.lower()
        if "  " in value or "\t" in value or "\n" in value:
            value = _BLANKS.sub(" ", value)
        value = value.strip(" ")
        values[key] = f"{values[key]},{value}" if key in values else value
    if AUTHORITY in names:
        values[AUTHORITY] = values.get("host", "")
    return "".join([f"{name}:{values.get(name, '')}\n" for name in names])


def canonical_query(query: str, without: frozenset[str] = frozenset(), *, normalise: bool = False) -> str:
    """The parameters sorted by encoded name, then value; `normalise` decodes and encodes each anew."""
    pairs: list[tuple[str, str]] = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if normalise:
            if not pair:
                continue
            name, value = _reencoded(name, "~"), _reencoded(value, "~")
        if name not in without:
            pairs.append((name, value))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def double_encoded(path: str) -> str:
    """The path of every service but S3: without dot segments and empty ones, and encoded once more."""
    if "//" in path or "/." in path:
        path = without_dot_segments(path)
    if _PLAIN_PATH.fullmatch(path):
        return path or "/"
    return quote(path.encode(ENCODING, "replace"), safe="/~")


def without_dot_segments(path: str) -> str:
    """RFC 3986, section 5.2.4, and consecutive slashes become one."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _reencoded(text: str, safe: str) -> str:
    return quote(unquote_to_bytes(text.encode(ENCODING, "replace")), safe=safe)
