"""Questions about names: as TestDNSAnswer asks them, and as parts of the platform do."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from kumoi.doorway import Call
from kumoi.services.route53 import route53
from kumoi.services.route53.domain_names import BadName, canonical, is_within
from kumoi.services.route53.errors import invalid_input
from kumoi.services.route53.evaluation import Answer, Asking, evaluate
from kumoi.services.route53.pointers import asking_of, zones_of
from kumoi.services.route53.records import Zone
from kumoi.services.route53.store import find_zone, name_node
from kumoi.state import Transaction, transactional


@route53.operation(name="TestDNSAnswer")
async def test_dns_answer(
    call: Call,
    HostedZoneId: str,
    RecordName: str,
    RecordType: str,
    ResolverIP: str | None = None,
    EDNS0ClientSubnetIP: str | None = None,
    EDNS0ClientSubnetMask: str | None = None,
) -> dict[str, Any]:
    """What a name of a zone means to whoever asks; where they are on earth is not known here."""
    try:
        name = canonical(RecordName)
    except BadName as problem:
        raise invalid_input(str(problem)) from None
    zone, answer = await _answer(call.state, _asking(call), HostedZoneId, name, RecordType)
    name_node(call, zone)
    return {
        "Nameserver": zone.servers[0],
        "RecordName": name.removesuffix("."),
        "RecordType": RecordType,
        "RecordData": [one.value for one in answer.records or answer.authority if one.type != "SOA"],
        "ResponseCode": answer.code,
        "Protocol": "UDP",
    }


def _asking(call: Call) -> Asking:
    return asking_of(call.doorway.parts, call.region)._replace(draw=random.random)


@transactional
async def _answer(tx: Transaction, asking: Asking, zone_id: str, name: str, kind: str) -> tuple[Zone, Answer]:
    zone = await find_zone(tx, zone_id)
    if not is_within(name, zone.name):
        raise invalid_input(f"The record name {name} does not lie within the hosted zone {zone.name}")
    return zone, await evaluate(tx, asking, zone, name, kind)


@route53.operation(name="Resolve")
async def resolve(call: Call, Name: str, Type: str, Public: bool = False) -> dict[str, Any]:
    """What a name means by the zones of the platform, whichever account's; `Zone` is None where none covers it.

    `Covered` tells whether a zone of the caller's account does.

    Of zones of the same name the first that has something counts. Only the platform's parts ask this: it is no
    operation of the API.
    """
    try:
        name = canonical(Name)
    except BadName:
        return {"Zone": None, "Covered": False, "Code": "NXDOMAIN", "Records": [], "Authority": []}
    covering, zone, answer = await _resolve(call.doorway.state.at("", ""), _asking(call), name, Type, Public)
    covered = call.account in covering
    if zone is None:
        return {"Zone": None, "Covered": covered, "Code": "REFUSED", "Records": [], "Authority": []}
    call.account = zone.account
    name_node(call, zone)
    call.meter("queries", 1)
    return {
        "Zone": zone.name,
        "Covered": covered,
        "Code": answer.code,
        "Records": [one._asdict() for one in answer.records],
        "Authority": [one._asdict() for one in answer.authority],
    }


class _Found(NamedTuple):
    """The accounts whose zones cover a name, the zone that answers, and its answer."""

    covering: frozenset[str]
    zone: Zone | None
    answer: Answer


@transactional
async def _resolve(tx: Transaction, asking: Asking, name: str, kind: str, public: bool) -> _Found:
    known = await zones_of(tx, name, public=public)
    covering = frozenset(one.account for one in known)
    first: tuple[Zone | None, Answer] = (None, Answer("REFUSED"))
    for zone in known:
        if first[0] is not None and zone.name != first[0].name:
            break
        answer = await evaluate(tx.at(zone.account, ""), asking, zone, name, kind)
        if answer.records:
            return _Found(covering, zone, answer)
        if first[0] is None:
            first = zone, answer
    return _Found(covering, *first)
