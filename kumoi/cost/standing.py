"""What is billed by time: what services hold now, as items of a month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kumoi.cost.rules import GIB, Modes
from kumoi.doorway import Doorway, Held

HOURS = 730.0
"""Hours of a month, as AWS counts them."""
POLLS = 15 * 60 * HOURS
"""Requests that Lambda makes a month to a queue that is empty: five pollers that wait 20 s each time (unverified)."""
LOG_COMPRESSION = 0.15
"""What stored log bytes shrink to, as AWS estimates it itself."""

_ITEMS: Mapping[tuple[str, str], tuple[str, float]] = {
    ("s3", "bytes"): ("s3.gb-months", 1 / GIB),
    ("dynamodb", "bytes"): ("dynamodb.gb-months", 1 / GIB),
    ("dynamodb", "read_capacity"): ("dynamodb.read-capacity-hours", HOURS),
    ("dynamodb", "write_capacity"): ("dynamodb.write-capacity-hours", HOURS),
    ("logs", "bytes"): ("logs.gb-months", LOG_COMPRESSION / GIB),
    ("lambda", "provisioned_gb"): ("lambda.provisioned-gb-hours", HOURS),
    ("sqs", "poller"): ("sqs.standard-requests", POLLS),
    ("kinesis", "shard"): ("kinesis.shard-hours", HOURS),
    ("kinesis", "on_demand_stream"): ("kinesis.stream-hours", HOURS),
    ("secretsmanager", "secret"): ("secretsmanager.secret-months", 1.0),
    ("kms", "key"): ("kms.key-months", 1.0),
    ("ssm", "advanced"): ("ssm.advanced-months", 1.0),
    ("cloudwatch", "metric"): ("cloudwatch.metric-months", 1.0),
    ("cloudwatch", "alarm"): ("cloudwatch.alarm-months", 1.0),
    ("ec2", "nat"): ("vpc.nat-hours", HOURS),
    ("ec2", "endpoint"): ("vpc.endpoint-hours", HOURS),
    ("ec2", "address"): ("vpc.address-hours", HOURS),
    ("elbv2", "balancer"): ("elb.alb-hours", HOURS),
    ("route53", "zone"): ("route53.zone-months", 1.0),
    ("route53", "check"): ("route53.check-months", 1.0),
    ("rds", "acu"): ("rds.acu-hours", HOURS),
    ("cognito-idp", "essentials_user"): ("cognito.essentials-users", 1.0),
    ("cognito-idp", "lite_user"): ("cognito.lite-users", 1.0),
    ("cognito-idp", "plus_user"): ("cognito.plus-users", 1.0),
}
GROWING = frozenset({"s3.gb-months", "dynamodb.gb-months", "logs.gb-months"})
"""Items that grow with each journey."""
USERS = frozenset({"cognito.essentials-users", "cognito.lite-users", "cognito.plus-users"})
"""Items of which each user is one."""


class Standing(NamedTuple):
    """So much of an item a month, as long as a node is there."""

    account: str
    region: str
    node: str
    item: str
    amount: float


def standing_of(account: str, region: str, held: Iterable[Held]) -> list[Standing]:
    """What is held as items of a month."""
    found: list[Standing] = []
    for one in held:
        item, factor = _ITEMS.get((one.node.partition(":")[0], one.unit), ("", 0.0))
        if item == "sqs.standard-requests" and one.node.endswith(".fifo"):
            item = "sqs.fifo-requests"
        if item and one.amount:
            found.append(Standing(account, region, one.node, item, one.amount * factor))
    return found


def modes_of(held: Iterable[Held]) -> Modes:
    """The nodes that are not billed by their calls."""
    held = list(held)
    return Modes(
        frozenset(one.node for one in held if one.unit in ("read_capacity", "write_capacity")),
        frozenset(one.node for one in held if one.unit == "on_demand_stream"),
    )


async def held_by(doorway: Doorway, account: str, region: str) -> list[Held]:
    """What every service holds of an account in a region."""
    state = doorway.state.at(account, region)
    return [one for service in doorway.registry for one in await service.held(state)]
