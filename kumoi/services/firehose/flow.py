"""Records on their way from a buffer to a destination, and those that failed on it; pure.

Source of the failures' form: "Data transformation failure handling" and "Failed record conversion" of the guide.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson

from kumoi.services.firehose.prefixes import Keys
from kumoi.services.firehose.records import Arrivals, Buffer, Place

Kind = Literal["processing-failed", "format-conversion-failed", "http-endpoint-failed"]


class Flowing(NamedTuple):
    """A record: its id (the same each time its buffer is tried), what it holds, when it came, where it was before."""

    id: str
    content: bytes
    arrived: float
    place: Place | None = None
    keys: Keys = Keys()


class Failed(NamedTuple):
    """A record that failed; `told` are members of its kind's own."""

    kind: Kind
    record: Flowing
    code: str
    message: str
    attempts: int
    ended: float
    told: Mapping[str, Any] = {}

    def line(self) -> bytes:
        """The line of an error object that tells of it."""
        conversion = self.kind == "format-conversion-failed"
        code, message = ("lastErrorCode", "lastErrorMessage") if conversion else ("errorCode", "errorMessage")
        return orjson.dumps(
            {
                "attemptsMade": self.attempts,
                "arrivalTimestamp": int(self.record.arrived * 1000),
                code: self.code,
                message: self.message,
                "attemptEndingTimestamp": int(self.ended * 1000),
                "rawData": base64.b64encode(self.record.content).decode(),
                **self.told,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


def flowing(buffer: Buffer, arrivals: Sequence[Arrivals]) -> Iterator[Flowing]:
    """The records of a buffer in the order of their arrival."""
    number = 0
    for one in arrivals:
        places: Sequence[Place | None] = one.places or [None] * len(one.contents)
        for content, place in zip(one.contents, places, strict=True):
            identifier = f"49{buffer.id.partition('-')[0]:0>20}{number:033d}0"
            yield Flowing(identifier, content, one.at, place)
            number += 1
