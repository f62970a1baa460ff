"""StartLiveTail: events of some groups as they come, as a stream."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.logs import logs
from kumoi.services.logs.events import find_group
from kumoi.services.logs.filter_pattern import parse
from kumoi.services.logs.live_tails import LiveTails, Session
from kumoi.services.logs.rules import group_arn, group_name, invalid

MOST_GROUPS = 10


@logs.operation
async def start_live_tail(
    call: Call,
    logGroupIdentifiers: list[str],
    logStreamNames: list[str] | None = None,
    logStreamNamePrefixes: list[str] | None = None,
    logEventFilterPattern: str = "",
) -> dict[str, Any]:
    """Follow up to ten groups; streams may be named where it is one."""
    if not 1 <= len(logGroupIdentifiers) <= MOST_GROUPS:
        raise invalid(f"A live tail follows 1 to {MOST_GROUPS} log groups.")
    if any(not one.startswith("arn:") or one.endswith(":*") for one in logGroupIdentifiers):
        raise invalid("logGroupIdentifiers must be ARNs of log groups, without :* at the end.")
    if logStreamNames and logStreamNamePrefixes:
        raise invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive.")
    if (logStreamNames or logStreamNamePrefixes) and len(logGroupIdentifiers) > 1:
        raise invalid("Streams can be named only where one log group is followed.")
    pattern = parse(logEventFilterPattern)
    groups = {}
    for identifier in logGroupIdentifiers:
        group = await find_group(call.state, group_name(identifier))
        groups[group.name] = group_arn(call.account, call.region, group.name)
    session = Session(call.account, call.region, groups, pattern, logStreamNames or (), logStreamNamePrefixes or ())
    start = {
        "requestId": call.request_id,
        "sessionId": uuid(),
        "logGroupIdentifiers": list(groups.values()),
        "logStreamNames": logStreamNames or [],
        "logStreamNamePrefixes": logStreamNamePrefixes or [],
        "logEventFilterPattern": logEventFilterPattern,
    }
    return {"responseStream": call.part(LiveTails).events(session, start)}
