"""What the mailbox keeps: letters, and the content of those that are MIME messages. One mailbox for an account."""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What would have left for somebody.

    `number` counts an account's letters; `id` is the message id that the sending service answered. `protocol` is
    `email`, `email-json`, `sms` or `application`, `service` who sent it (`ses`, `sns`, `cognito-idp`), `cause` what it
    was sent for: a topic, a user pool, a configuration set. `text` is the whole of a letter without MIME content.
    `outcomes` tells of recipients who did not just get it (`bounce`, `complaint`, `suppressed`, `rejected`); `notes`
    holds what else the service says of it. `time` is in epoch seconds, `size` in bytes of content.
    """

    number: int = 0
    id: str
    time: float
    service: str
    region: str
    protocol: str
    sender: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str | None = None
    text: str = ""
    size: int = 0
    cause: str = ""
    outcomes: dict[str, str] = {}
    notes: dict[str, str] = {}

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it is for."""
        return (*self.to, *self.cc, *self.bcc)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a letter's content; pieces are joined in their order."""

    number: int
    at: int
    content: bytes


letters: Space[Letter] = Space("mailbox.letter", Letter, lambda one: (one.number,), scope="account")
pieces: Space[Piece] = Space("mailbox.piece", Piece, lambda one: (one.number, one.at), scope="account")
