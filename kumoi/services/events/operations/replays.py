"""Replays: archived events sent to their bus once more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.events import events, replayer
from kumoi.services.events.naming import bus_arn, bus_place, exists, invalid, not_found, page
from kumoi.services.events.records import Replay, archives, replays
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_ACTIVE = 10


@events.operation
async def start_replay(
    call: Call,
    ReplayName: str,
    EventSourceArn: str,
    EventStartTime: datetime,
    EventEndTime: datetime,
    Destination: dict[str, Any],
    Description: str | None = None,
) -> dict[str, Any]:
    """Send the events of a time span (end excluded) from an archive to its bus, or to some of the bus's rules."""
    if EventStartTime >= EventEndTime:
        raise invalid("EventEndTime", "EventStartTime must be before EventEndTime.")
    replay = Replay(
        name=ReplayName,
        archive=_archive_name(EventSourceArn),
        archive_id="",
        bus=bus_place(Destination["Arn"], call.account, call.region).name,
        first=EventStartTime.timestamp(),
        last=EventEndTime.timestamp(),
        description=Description,
        rule_arns=tuple(Destination["FilterArns"]) if Destination.get("FilterArns") else None,
        started=call.now,
    )
    await _start(call.state, replay)
    return {**_answer(call, replay), "ReplayStartTime": replay.started}


@events.operation
async def describe_replay(call: Call, ReplayName: str) -> dict[str, Any]:
    """A replay and how far it is."""
    replay = await _find(call.state, ReplayName)
    filters = {} if replay.rule_arns is None else {"FilterArns": list(replay.rule_arns)}
    return {
        "ReplayArn": call.arn("events", f"replay/{replay.name}"),
        "Description": replay.description,
        "Destination": {"Arn": bus_arn(call.account, call.region, replay.bus), **filters},
        **_summary(call, replay),
    }


@events.operation
async def list_replays(
    call: Call,
    NamePrefix: str = "",
    State: str | None = None,
    EventSourceArn: str | None = None,
    NextToken: str | None = None,
    Limit: int | None = None,
) -> dict[str, Any]:
    """Replays by name."""
    archive = None if EventSourceArn is None else _archive_name(EventSourceArn)
    found = [
        replay
        for replay in await _all(call.state)
        if replay.name.startswith(NamePrefix) and State in (None, replay.state) and archive in (None, replay.archive)
    ]
    shown, more = page(found, lambda replay: replay.name, NextToken, Limit)
    return {"Replays": [_summary(call, replay) for replay in shown], **more}


@events.operation
async def cancel_replay(call: Call, ReplayName: str) -> dict[str, Any]:
    """Have a replay send no more; what it has sent stays sent."""
    return _answer(call, await _cancel(call.state, ReplayName))


def _archive_name(archive: str) -> str:
    try:
        parsed = Arn.parse(archive)
    except ValueError:
        raise invalid("EventSourceArn") from None
    if parsed.service != "events" or not parsed.resource.startswith("archive/"):
        raise invalid("EventSourceArn")
    return parsed.resource.removeprefix("archive/")


def _summary(call: Call, replay: Replay) -> dict[str, Any]:
    return {
        "ReplayName": replay.name,
        "EventSourceArn": call.arn("events", f"archive/{replay.archive}"),
        "State": replay.state,
        "EventStartTime": replay.first,
        "EventEndTime": replay.last,
        "EventLastReplayedTime": None if replay.replayed is None else replay.replayed[0] / 1000,
        "ReplayStartTime": replay.started,
        "ReplayEndTime": replay.ended,
    }


def _answer(call: Call, replay: Replay) -> dict[str, Any]:
    return {"ReplayArn": call.arn("events", f"replay/{replay.name}"), "State": replay.state}


@transactional
async def _start(tx: Transaction, replay: Replay) -> None:
    archive = await archives.get(tx, replay.archive)
    if archive is None:
        raise invalid("EventSourceArn", f"Archive {replay.archive} does not exist.")
    if archive.bus != replay.bus:
        raise invalid("Destination.Arn", "Cross event bus replay is not permitted.")
    if await replays.get(tx, replay.name) is not None:
        raise exists(f"Replay {replay.name} already exists.")
    if sum(one.state in replayer.ACTIVE for one in await replays.list(tx)) >= MAX_ACTIVE:
        raise aws_error("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    await replays.put(tx, msgspec.structs.replace(replay, archive_id=archive.id))
    replayer.go_on(tx, replay)


@transactional
async def _find(tx: Transaction, name: str) -> Replay:
    replay = await replays.get(tx, name)
    if replay is None:
        raise not_found(f"Replay {name} does not exist.")
    return replay


@transactional
async def _all(tx: Transaction) -> list[Replay]:
    return await replays.list(tx)


@transactional
async def _cancel(tx: Transaction, name: str) -> Replay:
    replay = await _find(tx, name)
    if replay.state not in replayer.ACTIVE:
        raise aws_error("IllegalStatusException", f"Replay {name} is not in a valid state for this operation.")
    replay = msgspec.structs.replace(replay, state="CANCELLING")
    await replays.put(tx, replay)
    replayer.go_on(tx, replay)
    return replay
