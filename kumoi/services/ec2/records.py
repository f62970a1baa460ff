"""What EC2 stores beside the items of networks."""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space


class Begun(msgspec.Struct, frozen=True):
    """That the account's default network was made in a region."""

    at: float


begun: Space[Begun] = Space("ec2.begun", Begun, lambda _: (), remembered=True)
