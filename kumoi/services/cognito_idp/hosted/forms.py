"""Forms that only a page of ours sends: each carries a token that the browser has as a cookie, too."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable

from kumoi.services.cognito_idp.hosted import page
from kumoi.services.cognito_idp.hosted.requests import Visit, set_cookie
from kumoi.wire.http import Response

TOO_OLD = "The form was too old: try again."
_COOKIE = "XSRF-TOKEN"
_SECONDS = 3_600
_TOKEN = re.compile(r"[0-9a-f]{32}")


def token_of(visit: Visit) -> str:
    """What the browser got with its form; empty for what was never ours, as it goes into headers and pages again."""
    found = visit.cookie(_COOKIE) or ""
    return found if _TOKEN.fullmatch(found) else ""


def is_genuine(visit: Visit) -> bool:
    """Whether a form comes from a page that this browser was shown."""
    token = token_of(visit)
    return bool(token) and hmac.compare_digest(token.encode(), visit.form.get("_csrf", "").encode())


def known_browser(visit: Visit) -> tuple[str, tuple[str, str]]:
    """The browser's token, or a new one, and the cookie that keeps it."""
    token = token_of(visit) or secrets.token_hex(16)
    return token, set_cookie(visit, _COOKIE, token, _SECONDS)


def fresh(visit: Visit, content: Callable[[str], str], status: int = 200) -> Response:
    """A page whose form carries the browser's token, or a new one."""
    token, cookie = known_browser(visit)
    return page.html(content(token), status, [cookie])
