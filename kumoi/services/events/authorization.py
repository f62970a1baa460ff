"""Which permissions EventBridge's calls need: on buses, which have policies of their own, on rules and the rest.

AWS services put their own events on an account's default bus without being asked. Source: "Actions, resources, and
condition keys for Amazon EventBridge" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role
from kumoi.names import Arn
from kumoi.policy import PolicyError, compile_policy
from kumoi.services.events.lookup import get_bus
from kumoi.services.events.naming import bus_name, bus_place, rule_arn
from kumoi.wire.errors import AwsError

_PUT = "events:PutEvents"
_NAMED = {
    "Archive": ("ArchiveName", "archive"),
    "Replay": ("ReplayName", "replay"),
    "Connection": ("Name", "connection"),
    "ApiDestination": ("Name", "api-destination"),
}


def resource(call: Call) -> str:
    """The bus, rule, archive, replay, connection or API destination that a call names."""
    params, operation = call.params, call.operation
    if isinstance(params.get("ResourceARN"), str):
        return str(params["ResourceARN"])
    if isinstance(params.get("ConnectionArn"), str) and operation == "RetrieveConnectionCredentials":
        return str(params["ConnectionArn"])
    for kind, (member, prefix) in _NAMED.items():
        if kind in operation:
            return call.arn("events", f"{prefix}/{params[member]}") if member in params else EVERYTHING
    if "EventBus" in operation or "Permission" in operation:
        return _bus(call, params.get("Name") or params.get("EventBusName"))
    rule = params.get("Rule") or params.get("Name")
    if isinstance(rule, str):
        with suppress(AwsError):
            return rule_arn(call.account, call.region, bus_name(params.get("EventBusName")), rule)
    return EVERYTHING


def put_events(call: Call) -> Iterator[Ask]:
    """Every bus that an entry names, with what the entries say."""
    if call.caller.is_service:
        return
    by_bus: dict[str, list[Mapping[str, Any]]] = {}
    for entry in call.params.get("Entries") or ():
        if isinstance(entry, Mapping):
            by_bus.setdefault(_bus(call, entry.get("EventBusName")), []).append(entry)
    for bus, entries in by_bus.items():
        keys: dict[str, Sequence[str]] = {}
        for member, key in (("Source", "events:source"), ("DetailType", "events:detail-type")):
            keys[key] = tuple(dict.fromkeys(str(one[member]) for one in entries if member in one))
        yield Ask(_PUT, bus, keys)


def forward(call: Call) -> Iterator[Ask]:
    """Putting an event on another bus."""
    yield Ask(_PUT, _bus(call, call.params.get("EventBusName")))


def rule_with_role(call: Call) -> Iterator[Ask]:
    """The rule, and the roles handed to it or its targets."""
    yield from AUTHORIZATION.usual(call)
    roles = [call.params.get("RoleArn")]
    roles += [one.get("RoleArn") for one in call.params.get("Targets") or () if isinstance(one, Mapping)]
    for role in dict.fromkeys(roles):
        yield from pass_role(call, role, "events.amazonaws.com")


def context(call: Call) -> dict[str, Sequence[str]]:
    """EventBridge's own condition keys of rules."""
    targets = call.params.get("Targets")
    if not isinstance(targets, list):
        return {}
    return {"events:targetarn": tuple(str(one.get("Arn")) for one in targets if isinstance(one, Mapping))}


async def owned(call: Call, ask: Ask) -> Owned:
    """The account of a resource, and the policy of a bus."""
    try:
        place = Arn.parse(ask.resource)
    except ValueError:
        return Owned(call.account)
    kind, _, name = place.resource.partition("/")
    bus = None if kind != "event-bus" else await get_bus(call.doorway.state.at(place.account, place.region), name)
    if bus is None or bus.policy is None:
        return Owned(place.account)
    with suppress(PolicyError):
        document = orjson.dumps(bus.policy).decode()
        return Owned(place.account, (compile_policy(document, "resource", "bus policy"),))
    return Owned(place.account)


def _bus(call: Call, named: object) -> str:
    with suppress(AwsError):
        return bus_place(named if isinstance(named, str) else None, call.account, call.region).arn
    return EVERYTHING


_LISTS = (
    *("TestEventPattern", "ListEventBuses", "ListArchives", "ListReplays", "ListConnections"),
    *("ListApiDestinations", "ListRuleNamesByTarget", "ListRules"),
)

AUTHORIZATION = Authorization(
    "events",
    resource=resource,
    resources=dict.fromkeys(_LISTS, everything),
    asks={
        "PutEvents": put_events,
        "ForwardEvent": forward,
        "PutRule": rule_with_role,
        "PutTargets": rule_with_role,
    },
    context=context,
    policy=owned,
)
