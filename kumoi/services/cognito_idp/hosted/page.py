"""The HTML of the pages. Whatever users or clients give is escaped; there is no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from kumoi.wire.http import HeaderList, Response

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;background:#f5f5f7;color:#1d1d1f;margin:0;display:grid;"
    "min-height:100vh;place-items:center}main{background:#fff;padding:2.5rem;border-radius:12px;width:20rem;"
    "box-shadow:0 1px 8px #0002}h1{font-size:1.35rem;margin:0 0 1.25rem}label{display:block;margin:0 0 1rem}"
    "input{box-sizing:border-box;width:100%;padding:.6rem;font:inherit;border:1px solid #767680;border-radius:6px}"
    "button{width:100%;padding:.7rem;font:inherit;font-weight:600;border:0;border-radius:6px;background:#1c5cc8;"
    "color:#fff}button.plain{margin-top:.75rem;background:none;color:inherit;border:1px solid #767680}"
    "a{color:#1c5cc8}nav{display:flex;justify-content:space-between;gap:1rem;margin-top:1rem}p{margin:0 0 1rem}"
    "a.other{display:block;margin-top:.75rem;padding:.7rem;border:1px solid #767680;border-radius:6px;color:inherit;"
    "font-weight:600;text-align:center;text-decoration:none}"
    ".problem{color:#b3261e}small{color:#55555c}"
    "@media(prefers-color-scheme:dark){body{background:#161618;color:#f2f2f4}main{background:#232326}"
    "input{background:#161618;color:inherit}a{color:#8ab4ff}.problem{color:#ff8a80}small{color:#b0b0b8}}"
)
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


_FOOT = "<p></p><small>A user pool of Kumoi, on this machine.</small>"


class Link(NamedTuple):
    """A way to another page."""

    text: str
    to: str


class Wanted(NamedTuple):
    """Something that a form asks for."""

    name: str
    label: str
    kind: str
    autocomplete: str
    value: str = ""
    required: bool = True


def sign_in(
    app: str,
    token: str,
    problem: str = "",
    name: str = "",
    known: Sequence[str] = (),
    *,
    links: Sequence[Link] = (),
    note: str = "",
    to: str = "",
    others: Sequence[Link] = (),
) -> str:
    """The form for a name and a password; `known` are names to choose from, `others` lead to identity providers."""
    options = "".join(f'<option value="{escape(one)}">' for one in known)
    fields = (
        f'<label>User name<input name="username" autocomplete="username" list="known" required autofocus '
        f'value="{escape(name)}"></label><datalist id="known">{options}</datalist>'
        '<label>Password<input name="password" type="password" autocomplete="current-password" required></label>'
    )
    title = f"Sign in to {app}"
    return _form(title, fields, "Sign in", {"_csrf": token}, problem, note, to, links, others=others)


def elsewhere(app: str, others: Sequence[Link]) -> str:
    """The page of an app whose people sign in at identity providers alone."""
    title = f"Sign in to {app}"
    return _document(title, f"<h1>{escape(title)}</h1>{_others(others)}{_FOOT}")


def form(
    title: str,
    asked: Sequence[Wanted],
    action: str,
    hidden: dict[str, str],
    problem: str = "",
    note: str = "",
    to: str = "",
    *,
    links: Sequence[Link] = (),
    again: str = "",
) -> str:
    """A form that asks for several things; `again` is a second button, whose name is that."""
    fields = "".join(
        f'<label>{escape(one.label)}<input name="{escape(one.name)}" type="{one.kind}" value="{escape(one.value)}" '
        f'autocomplete="{one.autocomplete}"{" required" if one.required else ""}'
        f"{' autofocus' if number == 0 else ''}></label>"
        for number, one in enumerate(asked)
    )
    return _form(title, fields, action, hidden, problem, note, to, links, again)


def new_password(app: str, token: str, session: str, name: str, problem: str = "") -> str:
    """The form for the password that follows a temporary one."""
    fields = (
        '<label>New password<input name="new_password" type="password" autocomplete="new-password" required '
        "autofocus></label>"
    )
    hidden = {"_csrf": token, "session": session, "username": name}
    return _form(f"{app}: choose a new password", fields, "Continue", hidden, problem)


def code(app: str, token: str, session: str, name: str, kind: str, problem: str = "") -> str:
    """The form for the code of a second factor."""
    fields = (
        '<label>Code<input name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus></label>'
    )
    hidden = {"_csrf": token, "session": session, "username": name, "challenge": kind}
    return _form(f"{app}: enter your code", fields, "Continue", hidden, problem)


def onward(where: str, to: str, hidden: dict[str, str]) -> str:
    """The form that takes somebody on to another site."""
    return _form(f"On to {where}", "", "Continue", hidden, "", to=to)


def failure(title: str, text: str) -> str:
    """A page that says what went wrong."""
    return _document(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>")


def html(content: str, status: int = 200, headers: HeaderList | None = None) -> Response:
    """An HTML page that nobody frames and no cache keeps."""
    fixed = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", _POLICY),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Response(status, [*fixed, *(headers or [])], content.encode())


def _form(
    title: str,
    fields: str,
    action: str,
    hidden: dict[str, str],
    problem: str,
    note: str = "",
    to: str = "",
    links: Sequence[Link] = (),
    again: str = "",
    others: Sequence[Link] = (),
) -> str:
    kept = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items())
    said = f'<p role="status">{escape(note)}</p>' if note else ""
    said += f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    where = f' action="{escape(to)}"' if to else ""
    buttons = f"<button>{escape(action)}</button>"
    if again:
        buttons += f'<button class="plain" name="again" value="1" formnovalidate>{escape(again)}</button>'
    ways = "".join(f'<a href="{escape(one.to)}">{escape(one.text)}</a>' for one in links)
    return _document(
        title,
        f'<h1>{escape(title)}</h1>{said}<form method="post"{where}>{kept}{fields}{buttons}</form>'
        f"{f'<nav>{ways}</nav>' if ways else ''}{_others(others)}{_FOOT}",
    )


def _others(others: Sequence[Link]) -> str:
    return "".join(f'<a class="other" href="{escape(one.to)}">{escape(one.text)}</a>' for one in others)


def _document(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )
