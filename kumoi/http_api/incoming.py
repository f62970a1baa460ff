"""A request as APIs see it, and the pieces that events of every format are made of; pure.

Source: "Working with AWS Lambda proxy integrations" of both kinds of APIs in the API Gateway developer guide.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl

_REPLACED = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"}
    | {"host", "x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto"}
)
_FORWARDED = "x-forwarded-for"
_TEXT = ("application/json", "application/xml", "application/javascript", "application/x-www-form-urlencoded")


@dataclass(slots=True)
class Incoming:
    """What a client sent. `path` is percent-encoded, without stage; `host` the API's own name.

    `body` is empty until it was read. `headers` are values by lower-case name, repeated ones joined by commas.
    """

    method: str
    path: str
    query: str
    fields: list[tuple[str, str]]
    body: bytes
    source: str
    host: str

    headers: dict[str, str] = dataclasses.field(init=False)
    _parameters: dict[str, list[str]] | None = dataclasses.field(init=False, default=None)

    def __post_init__(self) -> None:
        self.headers = {name.lower(): value for name, value in self.fields}
        if len(self.headers) < len(self.fields):
            self.headers = {name: ",".join(values) for name, values in _by_name(self.fields).items()}

    @property
    def parameters(self) -> dict[str, list[str]]:
        """Query parameters, decoded: every value by name."""
        if self._parameters is None:
            self._parameters = grouped(parse_qsl(self.query, keep_blank_values=True))
        return self._parameters

    @property
    def cookies(self) -> list[str]:
        """Each cookie as `name=value`."""
        given = (value for name, value in self.fields if name.lower() == "cookie")
        return [cookie.strip() for value in given for cookie in value.split(";") if cookie.strip()]

    @property
    def user_agent(self) -> str:
        """The client's name of itself."""
        return self.headers.get("user-agent", "")


def passed_on(
    fields: Iterable[tuple[str, str]], *, host: str, scheme: str, source: str, trace: str
) -> list[tuple[str, str]]:
    """The header fields that an integration gets: those sent, without the connection's own, and the gateway's."""
    given = [field for field in fields if field[0].lower() not in _REPLACED]
    kept = [field for field in given if field[0].lower() != _FORWARDED]
    before = "" if len(kept) == len(given) else f"{_by_name(given)[_FORWARDED][-1]}, "
    kept += [
        ("Host", host),
        ("X-Amzn-Trace-Id", trace),
        ("X-Forwarded-For", before + source),
        ("X-Forwarded-Port", "443" if scheme == "https" else "80"),
        ("X-Forwarded-Proto", scheme),
    ]
    return kept


def _by_name(fields: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    return grouped((name.lower(), value) for name, value in fields)


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Values by name, in order."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def as_text(body: bytes, content_type: str) -> str | None:
    """The body as text where its media type says that it is; None for what travels in base64."""
    media = content_type.partition(";")[0].strip().lower()
    if media and not (media.startswith("text/") or media in _TEXT or media.endswith(("+json", "+xml"))):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def body_members(body: bytes, text: str | None) -> tuple[str, bool]:
    """`body` and `isBase64Encoded` of an event."""
    return (base64.b64encode(body).decode(), True) if text is None else (text, False)


def request_time(now: float) -> str:
    """Common Log Format's time: `10/Oct/2026:13:55:36 +0000`."""
    return _second(int(now))


@lru_cache(maxsize=2)
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
