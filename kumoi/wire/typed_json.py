"""JSON bodies that are just as the model has them, parsed and checked in one pass below Python (msgspec).

Nearly all bodies are. What this refuses is read again by json_shapes.py, which says what is wrong with it, or leaves
out what is null: whatever both take, they take as the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import msgspec

from kumoi.wire.model import Shape
from kumoi.wire.scalars import BITS

REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What a parser raises for a body that it leaves to others."""


def parser(shape: Shape) -> Callable[[bytes], dict[str, Any]] | None:
    """A parser of bodies that are this structure; None where it has members of other kinds than are checked here."""
    try:
        return msgspec.json.Decoder(_type(shape, {})).decode
    except LookupError:
        return None


def _type(shape: Shape, structures: dict[str, Any]) -> Any:
    """What msgspec is to expect; LookupError for what it cannot. Structures may contain themselves."""
    if shape.document or shape.event_stream or "location" in shape.traits:
        raise LookupError(shape.name)
    if shape.type == "list":
        return list[_type(shape.item, structures)]  # type: ignore[misc]
    if shape.type == "map":
        return dict[str, _type(shape.value, structures)]  # type: ignore[misc]
    if shape.type in BITS:
        limit = 1 << (BITS[shape.type] - 1)
        return Annotated[int, msgspec.Meta(ge=-limit, le=limit - 1)]
    if shape.type != "structure":
        return _SCALARS[shape.type]
    found = structures.get(shape.name)
    if found is None:
        found = structures[shape.name] = TypedDict(shape.name, {}, total=False)  # type: ignore[operator]
        found.__annotations__ = {member: _type(inner, structures) for member, inner in shape.members.items()}
    return found


_SCALARS = {"string": str, "character": str, "boolean": bool, "blob": bytes}
