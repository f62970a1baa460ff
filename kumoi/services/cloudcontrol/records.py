"""What Cloud Control keeps: requests, for a week. Times are epoch seconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from kumoi.state.space import Space

Operation = Literal["CREATE", "UPDATE", "DELETE"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that has been carried out: `error` is why it failed, `model` (JSON) what the resource then was.

    `client` is the client token it came with, and `asked` what it asked, to tell the same request from another.
    """

    token: str
    kind: str
    operation: Operation
    time: float
    identifier: str = ""
    error: str = ""
    message: str = ""
    model: str = ""
    client: str = ""
    asked: str = ""


requests: Space[Request] = Space("cloudcontrol.request", Request, lambda one: (one.token,))
