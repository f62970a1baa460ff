"""Sampling rules: which one a request falls under, how rules are shown and what they may say. Pure.

Rules are tried by rising priority; `*` and `?` stand for anything, upper and lower case are the same. The Default rule,
of priority 10000, takes what is left. AWS's samples one request a second and five percent of the others; here all of
them, until it is updated. Source: "Configuring sampling rules" of the developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from kumoi.doorway import Sampled
from kumoi.policy.patterns import expression
from kumoi.services.xray.answers import invalid
from kumoi.services.xray.records import SamplingRule

DEFAULT = "Default"
DEFAULT_PRIORITY = 10_000

_MEMBERS = {
    "ResourceARN": "resource",
    "Priority": "priority",
    "FixedRate": "rate",
    "ReservoirSize": "reservoir",
    "ServiceName": "service",
    "ServiceType": "service_type",
    "Host": "host",
    "HTTPMethod": "method",
    "URLPath": "path",
    "Attributes": "attributes",
    "SamplingRateBoost": "boost",
}


def default_rule() -> SamplingRule:
    """The rule that every account begins with."""
    return SamplingRule(name=DEFAULT, priority=DEFAULT_PRIORITY, rate=1.0, reservoir=1)


def in_order(rules: Iterable[SamplingRule]) -> list[SamplingRule]:
    """Rules as they are tried, the default one last."""
    found = {DEFAULT: default_rule(), **{rule.name: rule for rule in rules}}
    return sorted(found.values(), key=lambda rule: (rule.priority, rule.name))


def rule_for(rules: Iterable[SamplingRule], request: Sampled) -> SamplingRule:
    """The rule that a request falls under."""
    for rule in in_order(rules):
        if rule.name == DEFAULT or _falls(rule, request):
            return rule
    raise AssertionError("the default rule takes every request")


def _falls(rule: SamplingRule, request: Sampled) -> bool:
    """Whether a rule takes a request; those of AWS's services have no attributes that a rule could ask for."""
    return (
        _like(rule.service, request.service)
        and _like(rule.service_type, request.service_type)
        and _like(rule.resource, request.resource)
        and _like(rule.host, request.host)
        and _like(rule.method, request.method)
        and _like(rule.path, request.path)
        and not rule.attributes
    )


def _like(pattern: str, text: str) -> bool:
    return pattern == "*" or _glob(pattern).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(expression(pattern), re.IGNORECASE | re.DOTALL)


def shown(rule: SamplingRule, arn: str) -> dict[str, Any]:
    """A SamplingRuleRecord of the API."""
    answer: dict[str, Any] = {"RuleName": rule.name, "RuleARN": arn, "Version": 1}
    answer |= {member: getattr(rule, name) for member, name in _MEMBERS.items() if member != "SamplingRateBoost"}
    if rule.boost:
        answer["SamplingRateBoost"] = rule.boost
    return {"SamplingRule": answer, "CreatedAt": rule.created, "ModifiedAt": rule.modified}


def new_rule(given: Mapping[str, Any], now: float, tags: dict[str, str]) -> SamplingRule:
    """A rule as CreateSamplingRule is given it; InvalidRequestException."""
    name = given.get("RuleName")
    if not name:
        raise invalid("A sampling rule must have a RuleName.")
    if name == DEFAULT:
        raise invalid("The Default sampling rule exists already, and can only be updated.")
    if given.get("RuleARN"):
        raise invalid("A sampling rule is created by its RuleName, not by a RuleARN.")
    if not re.fullmatch(r"[\w\-.~]+", name):
        raise invalid(f"Invalid RuleName: {name}")
    if given["Version"] != 1:
        raise invalid("The Version of a sampling rule must be 1.")
    return changed(SamplingRule(name=name, priority=1, rate=0.0, reservoir=0, created=now, tags=tags), given, now)


def changed(rule: SamplingRule, given: Mapping[str, Any], now: float) -> SamplingRule:
    """A rule with what an update says; of the default rule only the rate and the reservoir can be changed."""
    changes = {name: given[member] for member, name in _MEMBERS.items() if given.get(member) is not None}
    if rule.name == DEFAULT and not changes.keys() <= {"rate", "reservoir"}:
        raise invalid("Invalid update request for default sampling rule")
    if not 0 <= changes.get("rate", 0.0) <= 1:
        raise invalid("FixedRate must be between 0 and 1.")
    if changes.get("reservoir", 0) < 0:
        raise invalid("ReservoirSize must not be negative.")
    if not 1 <= changes.get("priority", 1) <= 9_999:
        raise invalid("Priority must be between 1 and 9999.")
    return msgspec.structs.replace(rule, **changes, modified=now)
