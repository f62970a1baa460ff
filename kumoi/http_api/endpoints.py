"""Requests to the HTTP endpoints behind APIs: integrations, and the keys of token issuers.

What names AWS itself (`cognito-idp.….amazonaws.com`, `….lambda-url.….on.aws`) is asked of this platform.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from kumoi.doorway import Call
from kumoi.http_client import HttpAnswer, HttpClient, Unreachable

MAX_ANSWER = 10 * 1024 * 1024
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws")
_NOT_PASSED_ON = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


def names_aws(host: str | None) -> bool:
    """Whether a host name is one of AWS's endpoints."""
    return (host or "").rstrip(".").endswith(_AWS)


async def send(
    call: Call, method: str, url: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"", *, seconds: float
) -> HttpAnswer:
    """Ask an endpoint, and pass on what is not the connection's own; raises Unreachable."""
    fields = [field for field in headers if field[0].lower() not in _NOT_PASSED_ON]
    try:
        parts = urlsplit(url)
        aws = names_aws(parts.hostname)
    except ValueError as error:
        raise Unreachable(f"{url} is no URL: {error}") from None
    if aws:
        own = urlsplit(call.doorway.endpoint)
        fields = [("Host", parts.netloc.rpartition("@")[2]), *(one for one in fields if one[0].lower() != "host")]
        url = urlunsplit(parts._replace(scheme=own.scheme, netloc=own.netloc))
    answer = await call.part(HttpClient).send(method, url, fields, body, seconds=seconds, most=MAX_ANSWER)
    if not answer.complete:
        raise Unreachable(f"{url} answered more than {MAX_ANSWER} bytes")
    return answer._replace(headers=[field for field in answer.headers if field[0].lower() not in _NOT_PASSED_ON])
