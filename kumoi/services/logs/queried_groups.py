"""Which log groups an Insights query reads: those the request names, or those of its SOURCE."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kumoi.doorway import Call
from kumoi.services.logs.events import TABLE, cutoff
from kumoi.services.logs.index_policies import indexed
from kumoi.services.logs.records import LogGroup, groups
from kumoi.services.logs.rules import group_name, invalid
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

if TYPE_CHECKING:
    from kumoi.insights.syntax import Query, Source

MOST_NAMED = 50
MOST_FOUND = 10_000
MOST_PREFIXES = 5


class Groups(NamedTuple):
    """The three ways to name groups in a request; one of them may be used."""

    name: str | None = None
    names: list[str] | None = None
    identifiers: list[str] | None = None


class Queried(NamedTuple):
    """The groups a query reads, by name, in these regions; events before `cutoff` (epoch ms) have expired."""

    groups: list[str]
    regions: list[str]
    cutoff: int | None


async def queried_groups(call: Call, query: Query, named: Groups) -> Queried:
    """The groups a query reads; an error names one that does not exist."""
    source = query.source
    if source is not None and any(one is not None for one in named):
        raise invalid("Log groups cannot be specified beside a query with SOURCE.")
    if source is not None and source.regions:
        return _everywhere(call, source)
    found = await _here(call, query, named)
    if fields := query.indexed():
        found = await indexed(call.state, found, fields)
    now = int(call.now * 1000)
    cutoffs = [one for group in found if (one := cutoff(group, now)) is not None]
    expired = min(cutoffs) if cutoffs and len(cutoffs) == len(found) else None
    return Queried([group.name for group in found], [call.region], expired)


def _everywhere(call: Call, source: Source) -> Queried:
    """The groups that have events in other regions too: Kumoi's own `regions:` of SOURCE, `*` for all."""
    found = [
        (one["region"], one["log_group"])
        for one in call.lake.partitions(TABLE.name)
        if one["account"] == call.account
        and ("*" in source.regions or one["region"] in source.regions)
        and (not source.prefixes or one["log_group"].startswith(source.prefixes))
    ]
    if not found:
        raise aws_error("ResourceNotFoundException", "SOURCE finds no log group.")
    return Queried(sorted({group for _, group in found}), sorted({region for region, _ in found}), None)


async def _here(call: Call, query: Query, named: Groups) -> list[LogGroup]:
    given = [one for one in ([named.name] if named.name else None, named.names, named.identifiers) if one is not None]
    if query.source is not None:
        if query.source.every:
            return await _found(call, query.source)
        given = [list(query.source.groups)]
    if len(given) != 1:
        raise invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.")
    wanted = list(dict.fromkeys(group_name(one) for one in given[0]))
    if not wanted:
        raise invalid("At least one log group must be specified.")
    if len(wanted) > MOST_NAMED:
        raise invalid(f"A query can read up to {MOST_NAMED} log groups.")
    return await _all_of(call.state, wanted, call.account, call.request_id)


async def _found(call: Call, source: Source) -> list[LogGroup]:
    """The groups of `SOURCE logGroups(…)`."""
    if len(source.prefixes) > MOST_PREFIXES:
        raise invalid(f"SOURCE takes up to {MOST_PREFIXES} prefixes.")
    others = [account for account in source.accounts if account not in (call.account, "ALL")]
    if others:
        raise invalid(f"Kumoi queries the log groups of one account: {call.account}, not {', '.join(others)}.")
    found = [
        group
        for group in await _every(call.state)
        if (not source.prefixes or group.name.startswith(source.prefixes))
        and group.log_class == (source.log_class or "STANDARD")
    ]
    if len(found) > MOST_FOUND:
        raise invalid(f"SOURCE finds {len(found)} log groups, more than {MOST_FOUND}.")
    if not found:
        raise aws_error("ResourceNotFoundException", "SOURCE finds no log group.")
    return found


@transactional
async def _all_of(tx: Transaction, names: list[str], account: str, request_id: str) -> list[LogGroup]:
    found = []
    for name in names:
        group = await groups.get(tx, name)
        if group is None:
            raise aws_error(
                "ResourceNotFoundException",
                f"Log group '{name}' does not exist for account ID '{account}' (Service: AWSLogs; Status Code: 400; "
                f"Error Code: ResourceNotFoundException; Request ID: {request_id}; Proxy: null)",
            )
        found.append(group)
    return found


@transactional
async def _every(tx: Transaction) -> list[LogGroup]:
    return await groups.list(tx)
