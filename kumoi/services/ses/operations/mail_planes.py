"""The mailbox over HTTP: `/_kumoi/mail`, Kumoi's own, and `/_aws/ses`, the form that tests of LocalStack read.

GET    /_kumoi/mail?to=ann@example.com&wait=5     the newest first; waits for one where there is none
GET    /_kumoi/mail/NUMBER                        one of them, read: text, HTML, headers, attachments
GET    /_kumoi/mail/NUMBER/raw                    the MIME message (.eml)
GET    /_kumoi/mail/NUMBER/html                   its HTML, for a frame: no scripts, nothing loaded from elsewhere
GET    /_kumoi/mail/NUMBER/attachments/PLACE      an attachment
DELETE /_kumoi/mail/NUMBER, /_kumoi/mail?to=…     forget one, or all that the query means
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, quote

import orjson

from kumoi import mailbox
from kumoi.doorway import Call
from kumoi.mailbox import Letter, messages
from kumoi.services.ses import ses
from kumoi.services.ses.mail_views import POLICY, framed, localstack_message, matching, read_of, safe_html, summary
from kumoi.state import State
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import Response

LONGEST_WAIT = 60.0
"""Real seconds that a request may wait for a mail."""


def _query(call: Call) -> dict[str, str]:
    assert call.http is not None, "data planes are reached by requests only"
    return {name: values[-1] for name, values in parse_qs(call.http.query, keep_blank_values=True).items()}


def _place(call: Call, query: dict[str, str]) -> State:
    """The account whose mailbox is meant; refused for others' where policies are enforced."""
    assert call.http is not None, "data planes are reached by requests only"
    account = query.get("account", call.account)
    if not account.isdecimal() or len(account) > 12:
        raise aws_error("BadRequest", "account is a number of twelve digits.", status=400)
    identity = call.doorway.identity
    if identity.enforces and not identity.rules(call.http.headers.get("authorization")):
        if not call.http.local:
            raise aws_error("AccessDenied", "With --auth enforce, the mailbox is read on the machine itself.")
        if account != call.caller.account:
            raise aws_error("AccessDenied", "The mailbox of another account cannot be read.")
    return call.doorway.state.at(account.zfill(12), call.region)


def _json(content: Any, status: int = 200) -> Response:
    body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
    return Response(status, [("Content-Type", "application/json")], body)


def _number(query: dict[str, str], name: str, default: float, most: float) -> float:
    text = query.get(name, "")
    try:
        found = float(text) if text else default
    except ValueError:
        found = -1.0
    if not found >= 0:
        raise aws_error("BadRequest", f"{name} is a number that is not negative.", status=400)
    return min(found, most)


@ses.data_plane("mail")
async def mail(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer a request below `/_kumoi/mail`; `{"error": …}` with a status of 400 and more where it is refused."""
    try:
        return await _mail(call, path)
    except AwsError as error:
        return _json({"error": error.message}, error.default_status)


async def _mail(call: Call, path: str) -> Response:
    assert call.http is not None, "data planes are reached by requests only"
    query = _query(call)
    place = _place(call, query)
    steps = [step for step in path.removeprefix("/_kumoi/mail").split("/") if step]
    method = call.http.method
    if method == "DELETE" and not steps:
        return _json({"deleted": await mailbox.clear(place, matching(query))})
    if method not in ("GET", "HEAD", "DELETE"):
        raise aws_error("MethodNotAllowed", "use GET or DELETE", status=405)
    if not steps:
        return _json({"mails": [summary(one) for one in await _found(place, query)]})
    letter = await mailbox.find(place, steps[0])
    if letter is None:
        raise _none(steps[0])
    if method == "DELETE":
        await mailbox.delete(place, letter.number)
        return _json({"deleted": 1})
    return await _shown(place, letter, steps[1:])


async def _found(place: State, query: dict[str, str]) -> list[Letter]:
    """The letters that a query means, once there is one or its time is over."""
    limit, wait = int(_number(query, "limit", 100, mailbox.KEPT)), _number(query, "wait", 0, LONGEST_WAIT)
    wanted = matching(query)
    if not wait:
        return await mailbox.latest(place, limit, wanted)
    found: list[Letter] = []
    try:
        async with asyncio.timeout(wait), mailbox.arrivals(place) as watch:
            found = await mailbox.latest(place, limit, wanted)
            while not found:
                await anext(aiter(watch))
                found = await mailbox.latest(place, limit, wanted)
    except TimeoutError:
        return []
    return found


def _none(named: str) -> AwsError:
    return aws_error("NotFound", f"There is no mail {named[:200]!r}.", status=404)


async def _shown(place: State, letter: Letter, steps: list[str]) -> Response:
    raw = await read_of(place, letter)
    content = messages.read(raw)
    match steps:
        case []:
            attachments = [
                {"place": at, "name": one.name, "type": one.type, "id": one.id, "size": len(one.content)}
                for at, one in enumerate(content.attachments)
            ]
            text = content.text if letter.protocol.startswith("email") else letter.text
            told = {**summary(letter), "headers": content.headers, "text": text, "html": content.html}
            told["framed"] = None if content.html is None else framed(content)
            return _json({**told, "attachments": attachments})
        case ["raw"]:
            headers = [
                ("Content-Type", "message/rfc822"),
                ("Content-Disposition", f'attachment; filename="{letter.number}.eml"'),
                ("X-Content-Type-Options", "nosniff"),
            ]
            return Response(200, headers, raw)
        case ["html"] if content.html is not None:
            headers = [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Security-Policy", f"sandbox; {POLICY}"),
                ("Referrer-Policy", "no-referrer"),
            ]
            return Response(200, headers, safe_html(content).encode("utf-8", "replace"))
        case ["attachments", number] if number.isdecimal() and int(number[:9]) < len(content.attachments):
            one = content.attachments[int(number)]
            name = quote(one.name or f"attachment-{number}", safe="")
            headers = [
                ("Content-Type", "application/octet-stream"),
                ("Content-Disposition", f"attachment; filename*=UTF-8''{name}"),
                ("X-Content-Type-Options", "nosniff"),
            ]
            return Response(200, headers, one.content)
    raise _none("/".join((str(letter.number), *steps)))


@ses.data_plane("ses-messages")
async def ses_messages(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer `/_aws/ses`: GET lists what SES sent (`?id=`, `?email=` the sender), DELETE forgets it."""
    assert call.http is not None, "data planes are reached by requests only"
    query = _query(call)
    place = _place(call, {})

    def wanted(letter: Letter) -> bool:
        sender = query.get("email")
        named = sender is None or letter.sender == sender or letter.sender.endswith(f"<{sender}>")
        return letter.service == "ses" and named and query.get("id", letter.id) == letter.id

    if call.http.method == "DELETE":
        await mailbox.clear(place, wanted)
        return Response(204, [], b"")
    if call.http.method not in ("GET", "HEAD"):
        raise aws_error("MethodNotAllowed", "use GET or DELETE", status=405)
    found = await mailbox.latest(place, mailbox.KEPT, wanted)
    told = [localstack_message(one, await read_of(place, one)) for one in reversed(found)]
    return _json({"messages": told})
