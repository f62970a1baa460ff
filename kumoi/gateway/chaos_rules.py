"""Faults in the shape that other emulators' chaos APIs have, at `/_kumoi/chaos/` (and `/_localstack/chaos/`).

A rule names a service, an operation and a region, each optional, and the error that such calls get with a probability;
an effect is a latency for every call. POST sets the list, PATCH adds to it, DELETE takes rules out of it, and each
answers the list as it is then. The rules are declared faults like any other.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from kumoi.doorway import Fault, Faults

_PREFIX, _LATENCY = "chaos:", "chaos-effects"


class RuleError(msgspec.Struct, rename={"status_code": "statusCode"}):
    """What such calls are answered with."""

    status_code: int = 503
    code: str = "ServiceUnavailable"


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """One rule; what is absent matches all."""

    service: str | None = None
    operation: str | None = None
    region: str | None = None
    probability: float = 1.0
    error: RuleError = msgspec.field(default_factory=RuleError)


class Effects(msgspec.Struct, forbid_unknown_fields=True):
    """What every call suffers: milliseconds of latency."""

    latency: float = 0.0


def change_rules(faults: Faults, method: str, rules: list[Rule]) -> list[Any]:
    """Do what a method asks with some rules; the rules there are then. ValueError for what is no fault."""
    declared = [_fault(rule) for rule in rules]
    if method == "DELETE":
        for fault in declared:
            faults.remove(fault.id)
    else:
        if method in ("POST", "PUT"):
            for known in _known(faults):
                faults.remove(known.id)
        for fault in declared:
            faults.add(fault)
    return [_rule(fault) for fault in _known(faults)]


def change_effects(faults: Faults, effects: Effects | None) -> dict[str, float]:
    """Set the latency where effects are given; the one there is then. ValueError for what is no latency."""
    if effects is not None:
        latency = Fault(action="delay", delay_ms=effects.latency, id=_LATENCY)
        faults.remove(_LATENCY)
        if effects.latency:
            faults.add(latency)
    return {"latency": next((fault.delay_ms for fault, _ in faults.list() if fault.id == _LATENCY), 0.0)}


def _known(faults: Faults) -> list[Fault]:
    return [fault for fault, _ in faults.list() if fault.id.startswith(_PREFIX)]


def _fault(rule: Rule) -> Fault:
    content = msgspec.json.encode(rule)
    return Fault(
        action="fail",
        service=rule.service or "*",
        operation=rule.operation or "*",
        region=rule.region or "*",
        probability=rule.probability,
        error=rule.error.code,
        status=rule.error.status_code,
        id=_PREFIX + hashlib.blake2b(content, digest_size=8).hexdigest(),
    )


def _rule(fault: Fault) -> dict[str, Any]:
    given = {"service": fault.service, "operation": fault.operation, "region": fault.region}
    return {
        **{name: value for name, value in given.items() if value != "*"},
        "probability": fault.probability,
        "error": {"statusCode": fault.status, "code": fault.error},
    }
