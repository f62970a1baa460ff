"""A curl command as the request it would send; pure. What has no meaning for the request is passed over."""

from __future__ import annotations

import base64
import shlex
from typing import NamedTuple
from urllib.parse import urlsplit

_FLAGS = frozenset(
    (
        *("-s", "-S", "-v", "-k", "-L", "-i", "-f", "-g", "-N", "-#", "--silent", "--show-error", "--verbose"),
        *("--insecure", "--location", "--include", "--fail", "--globoff", "--no-buffer", "--path-as-is", "--http1.1"),
        *("--http2", "--progress-bar"),
    )
)
_IGNORED = frozenset(
    ("-o", "--output", "-m", "--max-time", "--connect-timeout", "-w", "--write-out", "--resolve", "--retry", "-x")
)
_DATA = frozenset(("-d", "--data", "--data-raw", "--data-binary", "--data-ascii"))


class CurlRequest(NamedTuple):
    """What curl would send; `path` and `query` as written."""

    method: str
    host: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: str


def parse(command: str) -> CurlRequest:
    """Read a command; raises ValueError for what is none."""
    words = shlex.split(command.replace("\\\n", " "))
    if not words or words[0] != "curl":
        raise ValueError("the command does not begin with curl")
    method, url, get = "", "", False
    headers: list[tuple[str, str]] = []
    data: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        option, value = _split(word)
        if option in _FLAGS:
            continue
        if option in ("-I", "--head"):
            method = method or "HEAD"
        elif option in ("-G", "--get"):
            get = True
        elif option == "--compressed":
            headers.append(("Accept-Encoding", "deflate, gzip, br"))
        elif option.startswith("-") and option != "-":
            given = next(rest, None) if value is None else value
            if given is None:
                raise ValueError(f"{option} has no value")
            if option in ("-X", "--request"):
                method = given
            elif option in ("-H", "--header"):
                name, _, content = given.partition(":")
                headers.append((name.strip(), content.strip()))
            elif option in ("-b", "--cookie"):
                headers.append(("Cookie", given))
            elif option in ("-A", "--user-agent"):
                headers.append(("User-Agent", given))
            elif option in ("-e", "--referer"):
                headers.append(("Referer", given))
            elif option in ("-u", "--user"):
                headers.append(("Authorization", f"Basic {base64.b64encode(given.encode()).decode()}"))
            elif option in _DATA:
                data.append(given)
            elif option == "--url":
                url = given
            elif option not in _IGNORED:
                raise ValueError(f"the option {option} is not understood")
        else:
            url = word
    if not url:
        raise ValueError("the command names no URL")
    parts = urlsplit(url if "://" in url else f"http://{url}")
    query, body = parts.query, "&".join(data)
    if get and data:
        query, body = "&".join(part for part in (query, body) if part), ""
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    for name, default in (("User-Agent", "curl/8.5.0"), ("Accept", "*/*")):
        if not any(given.lower() == name.lower() for given, _ in headers):
            headers.append((name, default))
    return CurlRequest(method or ("POST" if body else "GET"), parts.netloc, parts.path or "/", query, headers, body)


def _split(word: str) -> tuple[str, str | None]:
    """(option, its value where the word holds that too)."""
    if word.startswith("--"):
        option, equals, value = word.partition("=")
        return option, value if equals else None
    if len(word) > 2 and word[0] == "-" and word[1] in "XHbAedu":
        return word[:2], word[2:]
    if len(word) > 2 and word[0] == "-" and all(f"-{letter}" in _FLAGS for letter in word[1:]):
        return "-s", None
    return word, None
