"""The shapes of channels' messages, found and checked as they come in, and told beside each message.

A pipeline need not look at a message again to know what it holds: it reads the batch by the shapes that its messages
were checked against. A message without one (it is large, no JSON object, or its attributes change their types) is
looked at by pipelines. A shape is stored before the first message that has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import orjson

from kumoi.services.iotanalytics.channel_log import ChannelKey
from kumoi.services.iotanalytics.records import ChannelShape, channel_shapes
from kumoi.services.iotanalytics.shapes import Shape, Shapeless, joined, merged, shape_of
from kumoi.state import State, Transaction, transactional

MOST_BYTES = 256 << 10
"""Bytes of a batch that are looked at: it keeps the loop for a millisecond."""
MOST_SHAPES = 64
PATIENCE = 50
"""Batches that are not looked at after one that had no shape."""


class Known(msgspec.Struct):
    """What is known of a channel: its shapes by name, the one that came last, and batches to let pass."""

    shapes: dict[str, Shape]
    last: str | None = None
    wait: int = 0


class ChannelShapes:
    """The shapes of all channels."""

    def __init__(self) -> None:
        self._known: dict[ChannelKey, Known] = {}

    async def of(self, state: State, key: ChannelKey, payloads: Sequence[bytes]) -> str | None:
        """The name of a shape that all of these messages have; None when there is none."""
        known = await self._of(state, key)
        if known.wait:
            known.wait -= 1
            return None
        if sum(map(len, payloads)) > MOST_BYTES:
            return None
        try:
            lines = joined(payloads)
            before = known.shapes[known.last] if known.last is not None else None
            try:
                if before is None:
                    raise Shapeless
                before.check(lines)
            except Shapeless:
                shape = shape_of(lines, before)
                shape.check(lines)
                await self._learn(state, key, known, shape)
        except Shapeless:
            known.wait = PATIENCE
            return None
        return known.last

    async def shape(self, state: State, key: ChannelKey, names: Sequence[str]) -> Shape:
        """One shape for messages of several; Shapeless when there is none."""
        known = await self._of(state, key)
        if not names or not all(name in known.shapes for name in names):
            raise Shapeless
        found = known.shapes[names[0]]
        for name in names[1:]:
            found = Shape(merged(found.types, known.shapes[name].types))
        return found

    def forget(self, account: str | None) -> None:
        """Forget what is remembered of an account's channels, or of all."""
        for key in [key for key in self._known if account in (None, key.account)]:
            del self._known[key]

    async def _of(self, state: State, key: ChannelKey) -> Known:
        if key not in self._known:
            listed = await state.run(channel_shapes.list, key.id)
            shapes = {one.name: Shape(one.types) for one in listed}
            newest = max(listed, key=lambda one: one.number, default=None)
            self._known.setdefault(key, Known(shapes, None if newest is None else newest.name))
        return self._known[key]

    async def _learn(self, state: State, key: ChannelKey, known: Known, shape: Shape) -> None:
        name = _name(shape.types)
        if name not in known.shapes:
            if len(known.shapes) >= MOST_SHAPES:
                raise Shapeless
            await _put(state, ChannelShape(key.id, name, len(known.shapes), shape.types))
            known.shapes[name] = shape
        known.last = name


def _name(types: Mapping[str, Any]) -> str:
    return blake2b(orjson.dumps(types), digest_size=8).hexdigest()


@transactional
async def _put(tx: Transaction, shape: ChannelShape) -> None:
    await channel_shapes.put(tx, shape)
