"""What policies were asked, out of the hops: who needed which permissions, and what was (or would be) denied."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.lake import View
from kumoi.wire.errors import AwsError

_ASKED = """
    SELECT principal, asked, denied, source, count(*) AS calls, max(time) AS latest
    FROM hops WHERE asked <> '' GROUP BY principal, asked, denied, source ORDER BY latest DESC
"""


async def permissions(doorway: Doorway, account: str | None) -> list[dict[str, Any]]:
    """What principals asked for: each kind of call once, with how often and when last (epoch ms), the latest first."""
    doorway.hops.flush()
    found = await doorway.lake.query(_ASKED, views={"hops": View("hops", account, None)})
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


async def roles_of(doorway: Doorway, account: str, region: str, stack: str) -> list[str]:
    """The names of a stack's roles; LookupError where there is no such stack."""
    try:
        answer = await doorway.ask(
            "cloudformation", "ListStackResources", {"StackName": stack}, Principal.root(account), region
        )
    except AwsError as error:
        raise LookupError(error.message) from None
    return [
        one["PhysicalResourceId"]
        for one in answer["StackResourceSummaries"]
        if one["ResourceType"] == "AWS::IAM::Role" and one.get("PhysicalResourceId")
    ]
