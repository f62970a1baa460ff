"""Sampling rules, and what SDKs ask: the rules, their share of each reservoir, in return for what they sampled."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.answers import invalid, page
from kumoi.services.xray.records import SamplingRule, SamplingStatistics, Settings, rules, settings, statistics
from kumoi.services.xray.sampling import DEFAULT, changed, default_rule, in_order, new_rule, shown
from kumoi.services.xray.tags import given_tags
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_RULES = 25
INTERVAL = 10
"""After how many seconds a client asks again."""
_FORGOTTEN = 60.0
"""After how many seconds without a word a client no longer has a share of a reservoir."""
_KEPT = 3600.0
"""For how many seconds what a client told last is summed up."""


def rule_arn(call: Call, name: str) -> str:
    """A sampling rule's ARN."""
    return call.arn("xray", f"sampling-rule/{name}")


@xray.operation
async def create_sampling_rule(
    call: Call, SamplingRule: dict[str, Any], Tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Make a rule."""
    rule = new_rule(SamplingRule, call.now, given_tags(Tags))
    await _create(call.state, rule)
    return {"SamplingRuleRecord": shown(rule, rule_arn(call, rule.name))}


@transactional
async def _create(tx: Transaction, rule: SamplingRule) -> None:
    known = [one for one in await rules.list(tx) if one.name != DEFAULT]
    if any(one.name == rule.name for one in known):
        raise invalid(f"Sampling rule {rule.name} already exists.")
    if len(known) >= MOST_RULES:
        raise aws_error("RuleLimitExceededException", f"You have reached the maximum of {MOST_RULES} sampling rules.")
    await rules.put(tx, rule)
    await _touch(tx)


async def _touch(tx: Transaction) -> None:
    """Rules have changed: clients are told to fetch them anew."""
    found = await settings.get(tx) or Settings()
    await settings.put(tx, msgspec.structs.replace(found, rules_modified=tx.now))


@xray.operation
async def update_sampling_rule(call: Call, SamplingRuleUpdate: dict[str, Any]) -> dict[str, Any]:
    """Change a rule."""
    name = _named(call, SamplingRuleUpdate.get("RuleName"), SamplingRuleUpdate.get("RuleARN"))
    rule = await _update(call.state, name, SamplingRuleUpdate)
    return {"SamplingRuleRecord": shown(rule, rule_arn(call, rule.name))}


@transactional
async def _update(tx: Transaction, name: str, given: dict[str, Any]) -> SamplingRule:
    rule = changed(await _rule(tx, name), given, tx.now)
    await rules.put(tx, rule)
    await _touch(tx)
    return rule


async def _rule(tx: Transaction, name: str) -> SamplingRule:
    found = await rules.get(tx, name) or (default_rule() if name == DEFAULT else None)
    if found is None:
        raise invalid("Sampling rule does not exist.")
    return found


@xray.operation
async def delete_sampling_rule(call: Call, RuleName: str | None = None, RuleARN: str | None = None) -> dict[str, Any]:
    """Remove a rule; answers what it was."""
    name = _named(call, RuleName, RuleARN)
    if name == DEFAULT:
        raise invalid("The Default sampling rule cannot be deleted.")
    rule = await _delete(call.state, name)
    return {"SamplingRuleRecord": shown(rule, rule_arn(call, rule.name))}


@transactional
async def _delete(tx: Transaction, name: str) -> SamplingRule:
    rule = await _rule(tx, name)
    await rules.delete(tx, name)
    await statistics.delete_all(tx, name)
    await _touch(tx)
    return rule


def _named(call: Call, name: str | None, arn: str | None) -> str:
    """The rule that is meant: by its name or its ARN, not both."""
    if (name is None) == (arn is None):
        raise invalid("Either RuleName or RuleARN must be specified, and not both.")
    if name is not None:
        return name
    prefix = rule_arn(call, "")
    if arn is None or not arn.startswith(prefix):
        raise invalid("Sampling rule does not exist.")
    return arn.removeprefix(prefix)


@xray.operation
async def get_sampling_rules(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """All rules, the default one among them."""
    found = sorted(in_order(await _rules(call.state)), key=lambda rule: rule.name)
    some, following = page(found, lambda rule: rule.name, NextToken)
    return {"SamplingRuleRecords": [shown(rule, rule_arn(call, rule.name)) for rule in some], **following}


@transactional
async def _rules(tx: Transaction) -> list[SamplingRule]:
    return await rules.list(tx)


@xray.operation
async def get_sampling_targets(
    call: Call,
    SamplingStatisticsDocuments: list[dict[str, Any]],
    SamplingBoostStatisticsDocuments: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A client tells what it sampled, and gets its share of each rule's reservoir for the next ten seconds."""
    told = [
        SamplingStatistics(
            rule=one["RuleName"],
            client=one["ClientID"],
            time=one["Timestamp"].timestamp(),
            requests=one["RequestCount"],
            sampled=one["SampledCount"],
            borrowed=one.get("BorrowCount", 0),
        )
        for one in SamplingStatisticsDocuments
    ]
    targets, unknown, modified = await _targets(call.state, told)
    boosts = SamplingBoostStatisticsDocuments or []
    return {
        "SamplingTargetDocuments": [
            {
                "RuleName": rule.name,
                "FixedRate": rule.rate,
                "ReservoirQuota": quota,
                "ReservoirQuotaTTL": call.now + INTERVAL,
                "Interval": INTERVAL,
            }
            for rule, quota in targets
        ],
        "LastRuleModification": modified,
        "UnprocessedStatistics": [_unprocessed(name) for name in unknown],
        "UnprocessedBoostStatistics": [
            {**_unprocessed(one["RuleName"]), "Message": "Kumoi does not boost sampling rates."} for one in boosts
        ],
    }


def _unprocessed(rule: str) -> dict[str, str]:
    return {"RuleName": rule, "ErrorCode": "InvalidRuleName", "Message": "Sampling rule does not exist."}


@transactional
async def _targets(
    tx: Transaction, told: list[SamplingStatistics]
) -> tuple[list[tuple[SamplingRule, int]], list[str], float]:
    targets, unknown = [], []
    for one in told:
        rule = await rules.get(tx, one.rule) or (default_rule() if one.rule == DEFAULT else None)
        if rule is None:
            unknown.append(one.rule)
            continue
        await statistics.put(tx, msgspec.structs.replace(one, time=tx.now))
        clients = await _clients(tx, one.rule)
        whole, rest = divmod(rule.reservoir, max(len(clients), 1))
        targets.append((rule, whole + (clients.index(one.client) < rest)))
    return targets, unknown, (await settings.get(tx) or Settings()).rules_modified


async def _clients(tx: Transaction, rule: str) -> list[str]:
    """Who samples by a rule at present; what others told long ago is dropped: each process is a client of its own."""
    clients = []
    for known in await statistics.list(tx, rule):
        if known.time > tx.now - _FORGOTTEN:
            clients.append(known.client)
        elif known.time < tx.now - _KEPT:
            await statistics.delete(tx, rule, known.client)
    return clients


@xray.operation
async def get_sampling_statistic_summaries(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """What clients told last of each rule, added up."""
    sums: dict[str, dict[str, Any]] = {}
    for one in await _statistics(call.state):
        found = sums.setdefault(
            one.rule,
            {"RuleName": one.rule, "Timestamp": 0.0, "RequestCount": 0, "BorrowCount": 0, "SampledCount": 0},
        )
        found["Timestamp"] = max(found["Timestamp"], one.time)
        found["RequestCount"] += one.requests
        found["BorrowCount"] += one.borrowed
        found["SampledCount"] += one.sampled
    some, following = page([sums[name] for name in sorted(sums)], lambda one: str(one["RuleName"]), NextToken)
    return {"SamplingStatisticSummaries": list(some), **following}


@transactional
async def _statistics(tx: Transaction) -> list[SamplingStatistics]:
    return await statistics.list(tx)
