"""What a network action cuts off: functions that have the subnets in their VpcConfig; and databases that fail over.

No packet passes through a VPC here. A function in a subnet is one that names it; one with several subnets is in each of
them now and then, so that it is cut off as often as its subnets are. `all` and `vpc` take its network away; `s3`,
`dynamodb` and another Region leave its requests there without an answer, as a network ACL does.

Source: "Network actions" and "Amazon RDS actions" of the AWS FIS Actions reference.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import msgspec

from kumoi.names import Arn
from kumoi.services.fis.records import ActionRun, Experiment
from kumoi.services.fis.rules import invalid

Ask = Callable[..., Awaitable[dict[str, Any]]]

CONNECTIVITY = "aws:network:disrupt-connectivity"
CROSS_REGION = "aws:network:route-table-disrupt-cross-region-connectivity"
NETWORKS = (CONNECTIVITY, CROSS_REGION)
FAILOVER, REBOOT = "aws:rds:failover-db-cluster", "aws:rds:reboot-db-instances"
OUTAGE_SECONDS = 30.0
"""How long a cluster is without a writer after a failover or a reboot; AWS names no figure."""
_MISSING = {
    "availability-zone": "Kumoi has no Availability Zones",
    "prefix-list": "Kumoi has no prefix lists",
    "s3express": "Kumoi has no S3 Express One Zone",
}


async def found(asks: Mapping[str, Ask], experiment: Experiment, action: ActionRun) -> ActionRun:
    """An action that begins, with what it is to break in each account; AwsError where there is nothing to."""
    kind = action.definition["actionId"]
    arns = [
        Arn.parse(arn)
        for target in (action.definition.get("targets") or {}).values()
        for arn in (experiment.resolved or {}).get(target, ())
        if kind in (*NETWORKS, FAILOVER, REBOOT)
    ]
    if kind in NETWORKS:
        cut: dict[str, float] = {}
        for account, ask in asks.items():
            subnets = {arn.resource.removeprefix("subnet/") for arn in arns if arn.account == account}
            found = await _functions(ask, subnets) if subnets else {}
            cut |= {f"{account}:{name}": share for name, share in found.items()}
        return _cut(action, cut)
    if kind == FAILOVER:
        clusters = [f"{arn.account}:{arn.resource.removeprefix('cluster:')}" for arn in arns]
        return msgspec.structs.replace(action, clusters=clusters)
    if kind == REBOOT:
        rebooted = set()
        for arn in arns:
            named = {"DBInstanceIdentifier": arn.resource.removeprefix("db:")}
            answer = await asks[arn.account]("rds", "DescribeDBInstances", **named)
            rebooted |= {f"{arn.account}:{one['DBClusterIdentifier']}" for one in answer["DBInstances"]}
        return msgspec.structs.replace(action, clusters=sorted(rebooted))
    return action


def cuts(kind: str, given: Mapping[str, str], region: str, cut: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """The faults of a network action; ValidationException for a scope that Kumoi has nothing of."""
    scope = given.get("scope")
    if scope in _MISSING:
        raise invalid(f"The scope {scope} is not supported locally: {_MISSING[scope]}.")
    if kind == CROSS_REGION and given["region"] == region:
        raise invalid(f"The Region {region} is the experiment's own.")
    for named, share in cut.items():
        account, _, name = named.rpartition(":")
        place = {"account": account} if account else {}
        if scope in ("all", "vpc"):
            struck = {"action": "cut", "point": "run", "service": "lambda", "resource": f"{name}:*"}
            yield {**place, **struck, "probability": share}
            continue
        mine = {**place, "source": f"lambda:{name}", "caller": f"*:assumed-role/*/{name}"}
        where = {"region": given["region"]} if kind == CROSS_REGION else {"service": str(scope)}
        yield {"action": "hang", **mine, **where, "probability": share}


def _cut(action: ActionRun, cut: dict[str, float]) -> ActionRun:
    if not cut:
        raise invalid("No function has one of the subnets in its VpcConfig: there is nothing that Kumoi could cut off.")
    names = ", ".join(sorted(name.rpartition(":")[2] for name in cut))
    return msgspec.structs.replace(action, cut=cut, reason=f"Action is running: cut off are {names}."[:512])


async def _functions(ask: Ask, subnets: set[str]) -> dict[str, float]:
    """The functions in some of the subnets, with the share of their own subnets that these are."""
    shares = {}
    marker: dict[str, str] = {}
    while True:
        answer = await ask("lambda", "ListFunctions", **marker)
        for one in answer["Functions"]:
            own = set((one.get("VpcConfig") or {}).get("SubnetIds") or ())
            if own & subnets:
                shares[one["FunctionName"]] = len(own & subnets) / len(own)
        if not answer.get("NextMarker"):
            return shares
        marker = {"Marker": answer["NextMarker"]}
