"""The mailbox: what would have left the machine for people, found, waited for, read and forgotten.

GET    /_kumoi/mail?to=ann@example.com&wait=5     the newest first; waits for one where there is none
GET    /_kumoi/mail/NUMBER                        one of them, read: text, HTML, headers, attachments
GET    /_kumoi/mail/NUMBER/raw                    the MIME message (.eml)
GET    /_kumoi/mail/NUMBER/html                   its HTML: no scripts, nothing loaded from elsewhere
GET    /_kumoi/mail/NUMBER/attachments/PLACE      an attachment
DELETE /_kumoi/mail/NUMBER, /_kumoi/mail?to=…     forget one, or all that the query means
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from kumoi import mailbox
from kumoi.gateway.internal.requests import BadRequest, Query, Routes, account_of, number_of
from kumoi.mailbox import Letter, messages
from kumoi.mailbox.views import POLICY, framed, matching, message_of, safe_html, summary
from kumoi.state import State
from kumoi.wire.http import Request, Response

if TYPE_CHECKING:
    from kumoi.gateway.internal.interface import Internal

LONGEST_WAIT = 60.0
"""Real seconds that a request may wait for a mail."""
_PREFIX = "/_kumoi/mail"


def _place(internal: Internal, query: Query) -> State:
    return internal.doorway.state.at(account_of(query), "")


def _wanted(query: Query) -> mailbox.Wanted:
    number_of(query, "after", 0)
    return matching(query)


async def _list(internal: Internal, _request: Request, query: Query) -> Any:
    """The letters that a query means, once there is one or its time is over."""
    place, wanted = _place(internal, query), _wanted(query)
    limit, wait = number_of(query, "limit", 100, mailbox.KEPT), _seconds(query)
    found = await mailbox.latest(place, limit, wanted)
    if not found and wait:
        found = await _waited(place, limit, wanted, wait)
    return {"mails": [summary(one) for one in found]}


def _seconds(query: Query) -> float:
    try:
        wait = float(query.get("wait") or 0)
    except ValueError:
        wait = -1.0
    if not wait >= 0:
        raise BadRequest("wait is a number of seconds")
    return min(wait, LONGEST_WAIT)


async def _waited(place: State, limit: int, wanted: mailbox.Wanted, seconds: float) -> list[Letter]:
    try:
        async with asyncio.timeout(seconds), mailbox.arrivals(place) as watch:
            found = await mailbox.latest(place, limit, wanted)
            while not found:
                await anext(aiter(watch))
                found = await mailbox.latest(place, limit, wanted)
            return found
    except TimeoutError:
        return []


async def _clear(internal: Internal, _request: Request, query: Query) -> Any:
    return {"deleted": await mailbox.clear(_place(internal, query), _wanted(query))}


def _steps(request: Request) -> list[str]:
    return [step for step in request.path.removeprefix(_PREFIX).split("/") if step]


async def _delete(internal: Internal, request: Request, query: Query) -> Any:
    place, steps = _place(internal, query), _steps(request)
    letter = await mailbox.find(place, steps[0])
    if letter is None or len(steps) > 1:
        return _none(steps)
    await mailbox.delete(place, letter.number)
    return {"deleted": 1}


def _none(steps: list[str]) -> Response:
    content = orjson.dumps({"error": f"there is no mail {'/'.join(steps)[:200]}"})
    return Response(404, [("Content-Type", "application/json")], content)


async def _show(internal: Internal, request: Request, query: Query) -> Any:
    """One letter, or a part of it."""
    place, steps = _place(internal, query), _steps(request)
    letter = await mailbox.find(place, steps[0])
    if letter is None:
        return _none(steps)
    raw = await message_of(place, letter)
    content = await asyncio.to_thread(messages.read, raw)
    match steps[1:]:
        case []:
            return _told(letter, content)
        case ["raw"]:
            name = f'attachment; filename="{letter.number}.eml"'
            return _file("message/rfc822", name, raw)
        case ["html"] if content.html is not None:
            headers = [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Security-Policy", f"sandbox; {POLICY}"),
                ("Referrer-Policy", "no-referrer"),
            ]
            return Response(200, headers, safe_html(content).encode("utf-8", "replace"))
        case ["attachments", place_of] if place_of.isdecimal() and int(place_of[:9]) < len(content.attachments):
            one = content.attachments[int(place_of)]
            name = quote(one.name or f"attachment-{place_of}", safe="", errors="replace")
            return _file("application/octet-stream", f"attachment; filename*=UTF-8''{name}", one.content)
    return _none(steps)


def _told(letter: Letter, content: messages.Content) -> dict[str, Any]:
    """A letter whole, but for the bytes of its attachments."""
    attachments = [
        {"place": place, "name": one.name, "type": one.type, "id": one.id, "size": len(one.content)}
        for place, one in enumerate(content.attachments)
    ]
    return {
        **summary(letter),
        "headers": content.headers,
        "text": letter.text or content.text,
        "html": content.html,
        "framed": None if content.html is None else framed(content),
        "attachments": attachments,
    }


def _file(kind: str, disposition: str, content: bytes) -> Response:
    headers = [
        ("Content-Type", kind),
        ("Content-Disposition", disposition),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Response(200, headers, content)


ROUTES: Routes = {
    ("GET", _PREFIX): _list,
    ("DELETE", _PREFIX): _clear,
    ("GET", f"{_PREFIX}/*"): _show,
    ("DELETE", f"{_PREFIX}/*"): _delete,
}
