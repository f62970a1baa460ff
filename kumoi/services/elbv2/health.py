"""Whether targets are healthy: checked at each interval of the platform's clock, while a listener forwards to them.

What was found is held in memory: after a restart, targets are checked anew. A new target is healthy after one good
check; afterwards thresholds count. A function is checked only where its group says so. Source: "Health checks for
Application Load Balancer target groups".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from kumoi.doorway import Doorway, Principal
from kumoi.http_client import HttpClient, Unreachable
from kumoi.services.elbv2.addresses import address_of
from kumoi.services.elbv2.lookup import users_of_groups
from kumoi.services.elbv2.records import Target, TargetGroup, groups
from kumoi.state import Timer, Transaction, transactional
from kumoi.wire.errors import AwsError

TOPIC = "elbv2.health"
_AGENT = "ELB-HealthChecker/2.0"


class Said(NamedTuple):
    """A target's health as DescribeTargetHealth tells it."""

    state: str
    reason: str = ""
    description: str = ""

    def answer(self) -> dict[str, str]:
        """As the API answers it."""
        members = {"State": self.state, "Reason": self.reason, "Description": self.description}
        return {name: value for name, value in members.items() if value}


INITIAL = Said("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
HEALTHY = Said("healthy")
NOT_REGISTERED = Said("unused", "Target.NotRegistered", "Target is not registered to the target group")
_UNUSED = Said("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
_UNCHECKED = Said("unavailable", "Target.HealthCheckDisabled", "Health checks are not enabled for this target")


@dataclass(slots=True)
class _Record:
    said: Said = INITIAL
    good: int = 0
    bad: int = 0


class Health:
    """What is known of every target's health."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._known: dict[str, dict[Target, _Record]] = {}

    def told(self, group: TargetGroup, target: Target, *, used: bool) -> Said:
        """A target's health; `used` is whether a listener forwards to its group."""
        if not used:
            return _UNUSED
        if not group.properties["HealthCheckEnabled"]:
            return _UNCHECKED
        found = self._known.get(group.arn, {}).get(target)
        return INITIAL if found is None else found.said

    def usable(self, group: TargetGroup) -> list[Target]:
        """The targets that get requests: the healthy ones, or all where none is (or none is checked)."""
        known = self._known.get(group.arn, {})
        healthy = [one for one in group.targets if one in known and known[one].said == HEALTHY]
        return healthy or group.targets

    def forget(self, arn: str, targets: Iterable[Target] | None = None) -> None:
        """Know nothing of some targets of a group any more, or of all."""
        known = self._known.get(arn)
        if known is None:
            return
        for target in list(known) if targets is None else targets:
            known.pop(target, None)
        if not known:
            del self._known[arn]

    async def fire(self, timer: Timer) -> None:
        """Check a group whose time it is; the next time is set before."""
        state = self._doorway.state.at(timer.account, timer.region)
        group = await _begin(state, timer, timer.payload.decode())
        if group is not None:
            await asyncio.gather(*(self._check(group, target) for target in group.targets))

    async def _check(self, group: TargetGroup, target: Target) -> None:
        problem = await (self._ask_function(group, target) if group.kind == "lambda" else self._ask(group, target))
        record = self._known.setdefault(group.arn, {}).setdefault(target, _Record())
        record.good, record.bad = (record.good + 1, 0) if problem is None else (0, record.bad + 1)
        if problem is None:
            if record.said.state == "initial" or record.good >= group.properties["HealthyThresholdCount"]:
                record.said = HEALTHY
        elif record.said == HEALTHY and record.bad < group.properties["UnhealthyThresholdCount"]:
            return
        else:
            record.said = problem

    async def _ask(self, group: TargetGroup, target: Target) -> Said | None:
        """Ask an HTTP server; what is wrong, None where nothing is."""
        given = group.properties
        port = given["HealthCheckPort"]
        authority = address_of(target, target.port if port == "traffic-port" else int(port))
        url = f"{given['HealthCheckProtocol'].lower()}://{authority}{given['HealthCheckPath']}"
        client, seconds = self._doorway.parts[HttpClient], float(given["HealthCheckTimeoutSeconds"])
        fields = [("User-Agent", _AGENT), ("Accept-Encoding", "gzip, compressed"), ("Connection", "close")]
        try:
            answer = await client.send("GET", url, fields, seconds=seconds)
        except Unreachable as error:
            if error.timeout:
                return Said("unhealthy", "Target.Timeout", "Request timed out")
            return Said("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
        return _mismatch(given["Matcher"]["HttpCode"], answer.status)

    async def _ask_function(self, group: TargetGroup, target: Target) -> Said | None:
        event = {
            "requestContext": {"elb": {"targetGroupArn": group.arn}},
            "httpMethod": "GET",
            "path": group.properties["HealthCheckPath"],
            "queryStringParameters": {},
            "headers": {"user-agent": _AGENT},
            "body": "",
            "isBase64Encoded": False,
        }
        caller = Principal.of_service(
            group.account, "elasticloadbalancing.amazonaws.com", f"elbv2:{group.name}", group.arn
        )
        params = {"FunctionName": target.id, "Payload": orjson.dumps(event)}
        try:
            answer = await self._doorway.ask("lambda", "Invoke", params, caller, group.region)
            status = int(orjson.loads(answer["Payload"])["statusCode"])
        except (AwsError, ValueError, KeyError, TypeError):
            return Said("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
        return _mismatch(group.properties["Matcher"]["HttpCode"], status)


def check_soon(tx: Transaction, group: TargetGroup) -> None:
    """Have a group's targets checked once this transaction has committed."""
    if group.targets and group.properties["HealthCheckEnabled"]:
        tx.timer(tx.now, TOPIC, group.name.encode(), key=group.arn)


def matches(codes: str, status: int) -> bool:
    """Whether a status is among those of a matcher: `200`, `200,202`, `200-299`."""
    for part in codes.split(","):
        first, _, last = part.partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False


def _mismatch(codes: str, status: int) -> Said | None:
    if matches(re.sub(r"\s", "", codes), status):
        return None
    return Said("unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


@transactional
async def _begin(tx: Transaction, timer: Timer, name: str) -> TargetGroup | None:
    """The group to be checked, its next time set; None where it is not used any more."""
    tx.complete_timer(timer)
    group = await groups.get(tx, name)
    if group is None or group.arn != timer.key or not group.targets or not group.properties["HealthCheckEnabled"]:
        return None
    if not (await users_of_groups(tx)).get(group.arn):
        return None
    tx.timer(tx.now + group.properties["HealthCheckIntervalSeconds"], TOPIC, name.encode(), key=group.arn)
    return group
