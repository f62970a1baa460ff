"""Params that are settled before a request has come: those of requests which differ in nothing that params are read of.

Of a REST operation whose body is a payload of plain bytes, or nothing, all params but that one are in the path, the
query and the headers. Where these are the same as in a request that was decoded and found valid, so are they.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any

import msgspec

from kumoi.wire.errors import AwsError
from kumoi.wire.http import Request
from kumoi.wire.validation import constraints

if TYPE_CHECKING:
    from kumoi.wire.codec import Exchange
    from kumoi.wire.model import OperationModel

_PLAIN = (str, int, float, bool)
"""What nobody can change who is handed it."""


class Settled(msgspec.Struct, frozen=True):
    """The params of all requests of a kind but one: `payload` is the member that their body is, None for none."""

    params: dict[str, Any]
    payload: str | None

    def with_body(self, body: bytes) -> dict[str, Any]:
        """The params of one request."""
        if body and self.payload is not None:
            return {**self.params, self.payload: body}
        return self.params.copy()


def settle(exchange: Exchange, request: Request, own: Set[str]) -> Settled | None:
    """What is settled of requests like this one, each with its own body and values of the header fields `own`.

    None where these, or more of the body than that it is one, decide about params.
    """
    operation = exchange.operation
    if not exchange.protocol.startswith("rest") or not _located(operation, own):
        return None
    try:
        params = exchange.decode(request, b"")
    except AwsError:
        return None
    if not all(type(value) in _PLAIN for value in params.values()):
        return None
    return Settled(params, operation.input.traits.get("payload") if operation.input is not None else None)


def _located(operation: OperationModel, own: Set[str]) -> bool:
    """Whether all params but a payload of any bytes are read from the path, the query and other headers than `own`."""
    if operation.input is None:
        return True
    payload = operation.input.traits.get("payload")
    for name, member in operation.input.members.items():
        where = member.traits.get("location")
        if where is None:
            if name != payload or member.type != "blob" or member.streaming or constraints(member):
                return False
        elif where == "header":
            if (member.location_name or name).lower() in own:
                return False
        elif where == "headers":
            prefix = (member.location_name or "").lower()
            if any(field.startswith(prefix) for field in own):
                return False
    return True
