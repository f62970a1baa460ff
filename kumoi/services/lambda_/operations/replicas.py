"""Replicas of functions in other regions, as Lambda@Edge wants them.

CloudFront says which versions distributions use and where its functions run (`ReplicateFunctions`, which is no
operation of the API: only the platform itself calls it). Each gets a copy `us-east-1.NAME` there, version by version,
which runs, logs and counts in that region. The master cannot be deleted while copies exist.
Source: "Delete Lambda@Edge functions and replicas" of the CloudFront guide, MasterArn of the Lambda API reference.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn, arn
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.executor import Executor
from kumoi.services.lambda_.identifiers import FunctionIdentifier, version_number
from kumoi.services.lambda_.records import FunctionHead, Replication, heads, replications, versions
from kumoi.state import Transaction, transactional

MASTER_REGION = "us-east-1"
PREFIX = f"{MASTER_REGION}."


def is_replica(name: str) -> bool:
    """Whether a function is a copy of one in another region."""
    return name.startswith(PREFIX)


@lambda_.operation
async def replicate_functions(call: Call, Masters: list[str], Regions: list[str]) -> dict[str, Any]:
    """Have copies of these versions (ARNs), and of no others, in these regions; answers what was not found."""
    wanted = {}
    for master in Masters:
        name, _, version = Arn.parse(master).resource.removeprefix("function:").partition(":")
        wanted[(name, version)] = master
    missing, retired = await _replicate(call.doorway.state.at(call.account, MASTER_REGION), wanted, tuple(Regions))
    for region, name in retired:
        call.part(Executor).retire(call.account, region, name)
    return {"NotFound": missing}


@transactional
async def _replicate(
    tx: Transaction, wanted: dict[tuple[str, str], str], regions: tuple[str, ...]
) -> tuple[list[str], list[tuple[str, str]]]:
    known = {(one.name, one.version): one for one in await replications.list(tx)}
    retired: list[tuple[str, str]] = []
    for key, one in known.items():
        if key not in wanted:
            for region in one.regions:
                await _remove(tx.at(tx.account, region), one)
                retired.append((region, PREFIX + one.name))
            await replications.delete(tx, *key)
    missing = []
    for (name, version), master in wanted.items():
        had = known[(name, version)].regions if (name, version) in known else ()
        function = await versions.get(tx, name, version_number(version))
        head = await heads.get(tx, name)
        if function is None or head is None:
            missing.append(master)
            continue
        copy = msgspec.structs.replace(
            function,
            name=PREFIX + name,
            logging=msgspec.structs.replace(function.logging, group=f"/aws/lambda/{PREFIX}{name}"),
            extras={**function.extras, "MasterArn": master},
        )
        for region in regions:
            if region in had:
                continue
            there = tx.at(tx.account, region)
            await heads.put(there, FunctionHead(copy.name, next_version=head.next_version))
            await versions.put(there, copy)
        await replications.put(tx, Replication(name, version, tuple(dict.fromkeys((*had, *regions)))))
    return missing, retired


async def _remove(tx: Transaction, one: Replication) -> None:
    name = PREFIX + one.name
    await versions.delete(tx, name, version_number(one.version))
    if not await versions.list(tx, name):
        await heads.delete(tx, name)


async def refuse_replicated(tx: Transaction, identifier: FunctionIdentifier) -> None:
    """Raise where copies of a function (or of the version that is named) exist."""
    if tx.region != MASTER_REGION:
        return
    for one in await replications.list(tx, identifier.name):
        if identifier.qualifier in (None, one.version):
            replicated = arn("lambda", MASTER_REGION, tx.account, f"function:{one.name}:{one.version}")
            raise invalid(
                f"Lambda was unable to delete {replicated} because it is a replicated function. Please see our"
                " documentation for Deleting Lambda@Edge Functions and Replicas."
            )
