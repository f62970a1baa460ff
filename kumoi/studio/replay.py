"""Recorded calls: shown without their secrets, and made again, as they were or edited."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Doorway, Principal, Trace
from kumoi.doorway.payloads import Payload, packed
from kumoi.doorway.redaction import HIDDEN, redacted, secrets_in
from kumoi.studio.calls import SOURCE
from kumoi.wire import Wire, aws_error
from kumoi.wire.model import Shape


def shown(payload: Payload) -> dict[str, Any]:
    """What a call was given and answered, for people: secrets are hidden."""
    return {
        "service": payload.service,
        "operation": payload.operation,
        "region": payload.region,
        "given": None if payload.given is None else redacted(orjson.loads(payload.given)),
        "answered": None if payload.answered is None else redacted(orjson.loads(payload.answered)),
    }


async def again(doorway: Doorway, wire: Wire, payload: Payload, edited: Any) -> dict[str, Any]:
    """Make a recorded call once more, in a trace of its own; `edited` are other parameters, or None.

    What is hidden in edited parameters is what it was.
    """
    if payload.given is None:
        raise aws_error("ValidationException", "What this call was given was too large to keep.")
    if doorway.registry.data_plane(payload.operation) is not None:
        raise aws_error("ValidationException", "A request to a data plane is repeated by its client.")
    kept = orjson.loads(payload.given)
    params = kept if edited is None else _restored(edited, kept)
    model = wire.codec(payload.service).operation(payload.operation)
    if model.input is not None:
        params = _bytes(model.input, params)
    trace = Trace.new(doorway.clock.now())
    caller = Principal(
        payload.account, f"arn:aws:iam::{payload.account}:root", payload.account, SOURCE, payload.account
    )
    answer = await doorway.ask(payload.service, payload.operation, params, caller, payload.region, trace)
    answered = packed(answer)
    return {"trace": trace.root, "answered": None if answered is None else redacted(orjson.loads(answered))}


def _restored(edited: Any, kept: Any) -> Any:
    if edited == HIDDEN:
        return kept
    if isinstance(edited, dict) and isinstance(kept, dict):
        return {name: _restored(inner, kept.get(name)) for name, inner in edited.items()}
    if isinstance(edited, list) and isinstance(kept, list):
        longer = [*kept, *[None] * (len(edited) - len(kept))]
        return [_restored(inner, before) for inner, before in zip(edited, longer, strict=False)]
    if isinstance(edited, str) and HIDDEN in edited and isinstance(kept, str):
        try:
            return orjson.dumps(_restored(orjson.loads(edited), orjson.loads(kept))).decode()
        except orjson.JSONDecodeError:
            for part in secrets_in(kept):
                edited = edited.replace(HIDDEN, part, 1)
    return edited


def _bytes(shape: Shape, value: Any) -> Any:
    """Texts back to bytes where the shape has bytes, as the recorder found them."""
    if shape.type == "blob":
        return value.encode() if isinstance(value, str) else value
    if shape.type == "structure" and isinstance(value, dict):
        return {
            name: _bytes(shape.members[name], inner) if name in shape.members else inner
            for name, inner in value.items()
        }
    if shape.type == "list" and isinstance(value, list):
        return [_bytes(shape.item, inner) for inner in value]
    if shape.type == "map" and isinstance(value, dict):
        return {name: _bytes(shape.value, inner) for name, inner in value.items()}
    return value
