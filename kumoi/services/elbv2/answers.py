"""The load balancer's own answers: errors with their pages, fixed responses, redirects."""

from __future__ import annotations

from http import HTTPStatus

from kumoi.wire.http import HeaderList, Response

SERVER = ("Server", "awselb/2.0")
_TEXTS = {
    561: "Unauthorized",
    413: "Request Entity Too Large",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


def page(status: int, *fields: tuple[str, str], reason: str = "") -> Response:
    """An answer with the load balancer's page for its status; why stands in `x-kumoi-reason`."""
    title = f"{status} {_TEXTS.get(status) or HTTPStatus(status).phrase}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    said = " ".join(reason.split())[:500].encode("ascii", "replace").decode()
    headers: HeaderList = [SERVER, ("Content-Type", "text/html"), *fields]
    if said:
        headers.append(("x-kumoi-reason", said))
    return Response(status, headers, body.encode())


def fixed(status: int, content_type: str | None, body: str) -> Response:
    """What a fixed-response action answers."""
    kind = "text/plain" if content_type is None else content_type
    kind += "; charset=utf-8" if kind.startswith(("text/", "application/")) else ""
    return Response(status, [SERVER, ("Content-Type", kind)], body.encode())
