"""What is known of a request that was answered, and its lines in access logs; pure.

Source: "Standard logging file format", "Real-time log configuration fields" of the guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from kumoi.services.cloudfront.edge.messages import first
from kumoi.wire.http import HeaderList

STANDARD_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)"
    " cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken"
    " x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status"
    " fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len"
    " sc-range-start sc-range-end"
)
HEAD = f"#Version: 1.0\n#Fields: {STANDARD_FIELDS}\n"


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer. Times are seconds; `headers` are the viewer's, `answered` the response's."""

    time: float
    account: str
    distribution: str
    domain: str
    host: str
    pop: str
    country: str
    asn: str
    pattern: str
    ip: str
    port: int
    scheme: str
    version: str
    method: str
    uri: str
    query: str
    headers: HeaderList
    request_bytes: int
    status: int
    answered: HeaderList
    response_bytes: int
    result: str
    detail: str
    request_id: str
    seconds: float
    origin_seconds: float | None = None
    body: bytes = b""


def standard_line(one: LogEntry, *, cookies: bool) -> str:
    """A line of a standard log."""
    return "\t".join(value for _, value in standard_fields(one, cookies=cookies))


def standard_fields(one: LogEntry, *, cookies: bool) -> list[tuple[str, str]]:
    """The columns of a standard log's line, by name and in order."""
    names = STANDARD_FIELDS.split(" ")
    return [(name, "-" if name == "cs(Cookie)" and not cookies else field_of(name, one)) for name in names]


def realtime_line(one: LogEntry, fields: tuple[str, ...]) -> str:
    """A record of a real-time log, with its fields as configured."""
    return "\t".join(field_of(name, one) for name in fields) + "\n"


def field_of(name: str, one: LogEntry) -> str:
    """A column of a log."""
    found = _FIELDS.get(name)
    value = None if found is None else found(one)
    return "-" if value is None or value == "" else value


def _coded(text: str | None) -> str | None:
    """Percent-encoded, as logs have URIs, user agents and cookies."""
    if text is None:
        return None
    return quote(text.encode("latin-1", "replace"), safe="/%:=&?,;+@!$'()*~#[]|")


def _stem(one: LogEntry) -> str:
    return _coded(one.uri) or "/"


def _range(one: LogEntry, group: int) -> str | None:
    match = re.match(r"bytes (\d+)-(\d+)/", first(one.answered, "content-range") or "")
    return match[group] if match else None


def _moment(one: LogEntry, form: str) -> str:
    return datetime.fromtimestamp(one.time, UTC).strftime(form)


def _header(name: str) -> Callable[[LogEntry], str | None]:
    return lambda one: _coded(first(one.headers, name))


def _result(one: LogEntry) -> str:
    return one.result if one.result in ("Hit", "RefreshHit", "Miss", "Error", "Redirect", "LimitExceeded") else "Error"


_FIELDS: dict[str, Callable[[LogEntry], str | None]] = {
    "date": lambda one: _moment(one, "%Y-%m-%d"),
    "time": lambda one: _moment(one, "%H:%M:%S"),
    "timestamp": lambda one: f"{one.time:.3f}",
    "x-edge-location": lambda one: one.pop,
    "sc-bytes": lambda one: str(one.response_bytes),
    "c-ip": lambda one: one.ip,
    "c-ip-version": lambda one: "IPv6" if ":" in one.ip else "IPv4",
    "cs-method": lambda one: one.method,
    "cs(Host)": lambda one: one.domain,
    "cs-host": lambda one: one.domain,
    "cs-uri-stem": _stem,
    "sc-status": lambda one: str(one.status),
    "cs(Referer)": _header("referer"),
    "cs-referer": _header("referer"),
    "cs(User-Agent)": _header("user-agent"),
    "cs-user-agent": _header("user-agent"),
    "cs-uri-query": lambda one: _coded(one.query),
    "cs(Cookie)": _header("cookie"),
    "cs-cookie": _header("cookie"),
    "x-edge-result-type": _result,
    "x-edge-request-id": lambda one: one.request_id,
    "x-host-header": lambda one: one.host,
    "cs-protocol": lambda one: one.scheme,
    "cs-bytes": lambda one: str(one.request_bytes),
    "time-taken": lambda one: f"{one.seconds:.3f}",
    "x-forwarded-for": _header("x-forwarded-for"),
    "ssl-protocol": lambda one: "TLSv1.3" if one.scheme == "https" else None,
    "ssl-cipher": lambda one: "TLS_AES_128_GCM_SHA256" if one.scheme == "https" else None,
    "x-edge-response-result-type": _result,
    "cs-protocol-version": lambda one: f"HTTP/{one.version}",
    "c-port": lambda one: str(one.port),
    "time-to-first-byte": lambda one: f"{one.seconds:.3f}",
    "x-edge-detailed-result-type": lambda one: one.detail,
    "sc-content-type": lambda one: _coded(first(one.answered, "content-type")),
    "sc-content-len": lambda one: first(one.answered, "content-length") or str(one.response_bytes),
    "sc-range-start": lambda one: _range(one, 1),
    "sc-range-end": lambda one: _range(one, 2),
    "c-country": lambda one: one.country,
    "cs-accept-encoding": _header("accept-encoding"),
    "cs-accept": _header("accept"),
    "cache-behavior-path-pattern": lambda one: one.pattern,
    "cs-headers": lambda one: _coded("\n".join(f"{name}:{value}" for name, value in one.headers)),
    "cs-header-names": lambda one: _coded("\n".join(name for name, _ in one.headers)),
    "cs-headers-count": lambda one: str(len(one.headers)),
    "origin-fbl": lambda one: None if one.origin_seconds is None else f"{one.origin_seconds:.3f}",
    "origin-lbl": lambda one: None if one.origin_seconds is None else f"{one.origin_seconds:.3f}",
    "asn": lambda one: one.asn,
}

REALTIME_FIELDS = frozenset(_FIELDS) | {"fle-status", "fle-encrypted-fields"}
