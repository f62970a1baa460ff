"""What the handlers of `/_kumoi/` have in common: bodies read, and the error of what cannot be answered as asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from kumoi.names import DEFAULT_ACCOUNT
from kumoi.wire.http import BodyTooLarge, Request

if TYPE_CHECKING:
    from kumoi.gateway.internal.interface import Internal

_BODY_LIMIT = 1_048_576

Query = dict[str, str]
Handler = Callable[["Internal", Request, Query], Awaitable[Any]]
Routes = Mapping[tuple[str, str], Handler]
"""Handlers by method and path."""
BodyT = TypeVar("BodyT")


class BadRequest(Exception):
    """The request cannot be answered as asked; the text says why."""


def account_of(query: Query) -> str:
    """The account that is meant, the default one where none is named; BadRequest for what is no account."""
    account = query.get("account") or DEFAULT_ACCOUNT
    if not (len(account) == 12 and account.isascii() and account.isdigit()):
        raise BadRequest("account is a number of twelve digits")
    return account


def number_of(query: Query, name: str, usual: int, most: int = 10**18 - 1) -> int:
    """A whole number of the query, `usual` where there is none, no more than `most`; BadRequest for what is none."""
    text = query.get(name)
    if text is None:
        return usual
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequest(f"{name} is a whole number")
    return min(int(text), most)


async def read_body(request: Request, kind: type[BodyT], limit: int = _BODY_LIMIT) -> BodyT:
    """A JSON body of at most `limit` bytes as a structure; BadRequest for another one."""
    try:
        return msgspec.json.decode(await request.body.read(limit), type=kind)
    except (msgspec.MsgspecError, BodyTooLarge, ValueError) as error:
        raise BadRequest(str(error)) from None
