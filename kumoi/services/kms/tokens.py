"""Grant tokens: what a grant is called by who was given it; sealed, so that nobody makes one up."""

from __future__ import annotations

import base64
import binascii

import msgspec

from kumoi.doorway.sealing import Sealer
from kumoi.wire.errors import aws_error

_SEALED_FOR = "kms/grant token"


class GrantToken(msgspec.Struct, frozen=True):
    """Which grant, of which key."""

    key_arn: str
    grant: str

    def text(self, sealer: Sealer) -> str:
        """The token."""
        return base64.b64encode(sealer.seal(msgspec.msgpack.encode(self), _SEALED_FOR)).decode()


def read_grant_token(sealer: Sealer, text: str) -> GrantToken:
    """Read a token; InvalidGrantTokenException."""
    try:
        sealed = base64.b64decode(text, validate=True)
        return msgspec.msgpack.decode(sealer.open(sealed, _SEALED_FOR), type=GrantToken)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise aws_error("InvalidGrantTokenException", "The grant token is not valid.") from None
