"""A request to the pages: its parameters, its cookies, the client it is for. Errors as the pages answer them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import orjson

from kumoi.doorway import Call
from kumoi.wire.http import HeaderList, Request, Response

_FORM_LIMIT = 131_072
"""Bytes of a form: assertions with many groups are the largest."""
STANDARD_SCOPES = ("openid", "email", "phone", "profile", "aws.cognito.signin.user.admin")


class OAuthError(Exception):
    """An error in OAuth's words: its code, and the status it is answered with where no page is concerned."""

    def __init__(self, code: str, description: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.status = status

    def answer(self) -> Response:
        """As the endpoints that programs ask answer it."""
        shown = {"error": self.code, **({"error_description": self.description} if self.description else {})}
        return json_answer(shown, self.status)


class Visit(NamedTuple):
    """A request: where it goes, what it says, and what the browser remembers."""

    call: Call
    request: Request
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]

    def cookie(self, name: str) -> str | None:
        """A cookie's value."""
        try:
            found = SimpleCookie(self.request.headers.get("cookie") or "").get(name)
        except CookieError:
            return None
        return None if found is None else found.value

    @property
    def language(self) -> str:
        """The query as it was sent, to be passed on from page to page."""
        return self.request.query


async def visit(call: Call, path: str) -> Visit:
    """Read a request; raises BodyTooLarge."""
    request = call.http
    assert request is not None, "pages are asked over HTTP"
    sent = b"" if request.method in ("GET", "HEAD", "OPTIONS") else await request.body.read(_FORM_LIMIT)
    return Visit(call, request, path, singles(request.query), singles(sent.decode("utf-8", "replace")))


def singles(text: str) -> dict[str, str]:
    """The parameters of a query or form, each the last one of its name."""
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def before(visit: Visit) -> str:
    """What stands before the paths of these pages where the domain is in the path (`/_kumoi/cognito-hosted-ui/…`)."""
    path = visit.request.path
    return path.removesuffix(visit.path) if path != visit.path else ""


def own(visit: Visit, path: str) -> str:
    """The address of one of these pages, as the browser knows it."""
    return f"{visit.request.scheme}://{visit.request.host}{before(visit)}{path}"


def set_cookie(visit: Visit, name: str, value: str, seconds: int) -> tuple[str, str]:
    """A cookie for these pages alone; 0 seconds take it away."""
    secure = "; Secure" if visit.request.scheme == "https" else ""
    where = before(visit) or "/"
    return "Set-Cookie", f"{name}={value}; Max-Age={seconds}; Path={where}; HttpOnly; SameSite=Lax{secure}"


def redirect(url: str, headers: Iterable[tuple[str, str]] = (), status: int = 302) -> Response:
    """302, or 303 after a form that is not to be sent again."""
    return Response(status, [("Location", url), ("Cache-Control", "no-store"), *headers])


def with_query(url: str, **added: str | None) -> str:
    """A URL with more parameters."""
    parts = urlsplit(url)
    more = urlencode({name: value for name, value in added.items() if value is not None})
    return urlunsplit(parts._replace(query="&".join(part for part in (parts.query, more) if part)))


def with_fragment(url: str, **added: Any) -> str:
    """A URL with parameters in its fragment."""
    return f"{url}#{urlencode({name: value for name, value in added.items() if value is not None})}"


def json_answer(content: Any, status: int = 200, headers: HeaderList | None = None) -> Response:
    """JSON that no cache keeps."""
    fixed = [("Content-Type", "application/json;charset=UTF-8"), ("Cache-Control", "no-store"), ("Pragma", "no-cache")]
    return Response(status, [*fixed, *(headers or [])], orjson.dumps(content))
