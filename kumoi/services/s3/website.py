"""A bucket as a website: what a request to it becomes; pure.

Steps: everything may be redirected; routing rules may redirect by prefix; a folder means its index document; what is
missing may be redirected by its error, or answered with the error document or S3's own page. Rules: "Hosting a static
website", "Configuring webpage redirects" in the S3 user guide, and recorded pages of the service.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

NAMES = {
    301: "Moved Permanently",
    302: "Moved Temporarily",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    400: "Bad Request",
    500: "Internal Server Error",
}


class Redirection(NamedTuple):
    """Where a request is sent instead."""

    status: int
    location: str


def redirect_all(target: dict[str, Any], path: str, scheme: str) -> Redirection:
    """The redirection of a bucket that redirects everything; `path` is the raw one."""
    return Redirection(301, f"{target.get('Protocol') or scheme}://{target['HostName']}{path}")


def redirect(
    rules: Sequence[dict[str, Any]], key: str, status: int | None, scheme: str, host: str, prefix: str = ""
) -> Redirection | None:
    """The redirection of the first rule that speaks of a key, before it was looked up or when that failed (`status`).

    `prefix` stands before paths of the website on this host: that of its path form.
    """
    for rule in rules:
        condition = rule.get("Condition") or {}
        error, begin = condition.get("HttpErrorCodeReturnedEquals"), condition.get("KeyPrefixEquals") or ""
        if (error is None) != (status is None) or not key.startswith(begin):
            continue
        if error is not None and int(error) != status:
            continue
        return _redirection(rule["Redirect"], key, begin, scheme, host, prefix)
    return None


def _redirection(wanted: dict[str, Any], key: str, begin: str, scheme: str, host: str, prefix: str) -> Redirection:
    if wanted.get("ReplaceKeyWith") is not None:
        key = wanted["ReplaceKeyWith"]
    elif wanted.get("ReplaceKeyPrefixWith") is not None:
        key = wanted["ReplaceKeyPrefixWith"] + key.removeprefix(begin)
    own = wanted.get("HostName") is None
    start = f"{wanted.get('Protocol') or scheme}://{host if own else wanted['HostName']}{prefix if own else ''}"
    return Redirection(int(wanted.get("HttpRedirectCode") or 301), f"{start}/{quote(key, safe='/~!*()')}")


def document(key: str, suffix: str) -> str:
    """The object that a key means: a folder's index document."""
    return key + suffix if not key or key.endswith("/") else key


def page(status: int, facts: Sequence[tuple[str, str]], also: Sequence[tuple[str, str]] = ()) -> bytes:
    """S3's own page of an error; `also` tells of the error document that could not be read."""
    title = f"{status} {NAMES.get(status, 'Error')}"
    nested = ""
    if also:
        nested = (
            "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n"
            f"<ul>\n{_items(also)}</ul>\n"
        )
    return (
        f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n{_items(facts)}</ul>\n"
        f"{nested}<hr/>\n</body>\n</html>\n"
    ).encode()


def _items(facts: Sequence[tuple[str, str]]) -> str:
    return "".join(f"<li>{name}: {html.escape(value, quote=False)}</li>\n" for name, value in facts)
