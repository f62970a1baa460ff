"""CPU of weighing policies, and of the authoriser around a call, by mode.

    .venv/bin/python bench/policies.py

Evaluations are of compiled policies, as every call meets them. Microseconds of CPU: the median of several repetitions.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kumoi.blobs import MemoryBlobs
from kumoi.clock import Clock
from kumoi.doorway import (
    AuthMode,
    Authorization,
    Call,
    Doorway,
    Faults,
    Hops,
    Identity,
    Parts,
    Principal,
    Registry,
    Service,
)
from kumoi.doorway.authoriser import IdentityPolicies
from kumoi.lake import Lake
from kumoi.policy import Caller, Policies, Policy, Request, compile_policy, decide
from kumoi.services.iam import aws_managed
from kumoi.state.sqlite import SqliteState

REPETITIONS = 7
ROUNDS = 5_000
ACCOUNT = "111111111111"
CALLER = Caller(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/app/one", f"arn:aws:iam::{ACCOUNT}:role/app")
CONTEXT = {"aws:principaltag/team": ("blue",), "aws:sourceip": ("10.1.2.3",), "aws:securetransport": ("true",)}


def policy(*statements: dict[str, Any]) -> Policy:
    return compile_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def managed(name: str) -> Policy:
    return compile_policy(aws_managed.document(aws_managed.ARN + name) or "")


USUAL = [
    managed("service-role/AWSLambdaBasicExecutionRole"),
    managed("AWSXRayDaemonWriteAccess"),
    policy(
        allow(["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::in", "arn:aws:s3:::in/*"]),
        allow("sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:jobs"),
        allow(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], "arn:aws:dynamodb:*:*:table/Orders*"),
    ),
]
HARD = [
    policy(
        allow(
            "s3:*", "arn:aws:s3:::${aws:PrincipalTag/team}-*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        ),
        allow("dynamodb:*", "*", Condition={"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}}),
        allow("*", "*", "Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}),
    )
]
CASES: list[tuple[str, Request, Policies]] = [
    (
        "a function's three policies",
        Request(CALLER, "dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Orders"),
        Policies(USUAL),
    ),
    ("the same, denied", Request(CALLER, "sns:Publish", f"arn:aws:sns:us-east-1:{ACCOUNT}:news"), Policies(USUAL)),
    (
        "AdministratorAccess",
        Request(CALLER, "s3:GetObject", "arn:aws:s3:::in/a"),
        Policies([managed("AdministratorAccess")]),
    ),
    ("ReadOnlyAccess", Request(CALLER, "xray:GetTraceSummaries", "*"), Policies([managed("ReadOnlyAccess")])),
    (
        "variables, addresses, conditions",
        Request(CALLER, "s3:GetObject", "arn:aws:s3:::blue-in/a", CONTEXT),
        Policies(HARD),
    ),
    (
        "the same, within a boundary and a session policy",
        Request(CALLER, "s3:GetObject", "arn:aws:s3:::blue-in/a", CONTEXT),
        Policies(HARD, (), USUAL[2], [managed("AmazonS3FullAccess")]),
    ),
]


def measured(work: Callable[[], Any]) -> float:
    """Microseconds of CPU of one call of `work`."""
    found = []
    for _ in range(REPETITIONS):
        began = time.process_time()
        for _ in range(ROUNDS):
            work()
        found.append((time.process_time() - began) / ROUNDS * 1e6)
    return statistics.median(found)


class Fixed:
    """Everybody has the usual policies."""

    async def of(self, principal: Principal) -> IdentityPolicies:
        return IdentityPolicies(CALLER, USUAL)

    async def trust(self, role_arn: str) -> Policy | None:
        return None


async def dispatch_costs() -> list[tuple[str, float]]:
    """Microseconds of CPU of a dispatch of a call that does nothing, by mode and caller."""
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Orders"
    service = Service("dynamodb", "kumoi.services", modules=())
    service._authorization = Authorization("dynamodb", resource=lambda call: table)

    @service.operation
    async def put_item(call: Call) -> None:
        return None

    clock = Clock()
    state = await SqliteState.open(None, clock=clock)
    root = Principal.root(ACCOUNT)
    session = Principal(ACCOUNT, CALLER.arn, "AROA:one", "lambda:app")
    modes: list[tuple[AuthMode, Principal, str]] = [
        ("off", session, "off"),
        ("audit", root, "audit, an account's root"),
        ("audit", session, "audit, a function in its role"),
        ("enforce", session, "enforce, a function in its role"),
    ]
    found = []
    for mode, caller, name in modes:
        lake = await Lake.open(None)
        hops = Hops(lake)
        identity = await Identity.open(state, clock, mode)
        identity.authoriser.source = Fixed()
        doorway = Doorway(
            Registry([service]),
            state=state,
            blobs=MemoryBlobs(),
            lake=lake,
            clock=clock,
            identity=identity,
            faults=Faults(clock),
            hops=hops,
            parts=Parts(),
            directory=Path,
        )
        costs = []
        for _ in range(REPETITIONS):
            began = time.process_time()
            for _ in range(ROUNDS):
                await doorway.dispatch(Call(doorway, "dynamodb", "PutItem", {}, caller, ACCOUNT))
            costs.append((time.process_time() - began) / ROUNDS * 1e6)
            hops.clear()
        found.append((name, statistics.median(costs)))
        hops.flush()
    await lake.close()
    await state.close()
    return found


async def guard_off() -> float:
    """Microseconds of CPU of the guard alone, when it is off."""
    clock = Clock()
    state = await SqliteState.open(None, clock=clock)
    identity = await Identity.open(state, clock, "off")
    service = Service("shop", "kumoi.services", modules=())
    doorway: Any = None
    call = Call(doorway, "shop", "Buy", {}, Principal.root(ACCOUNT), ACCOUNT)
    costs = []
    for _ in range(REPETITIONS):
        began = time.process_time()
        for _ in range(ROUNDS):
            await identity.authorise(call, service)
        costs.append((time.process_time() - began) / ROUNDS * 1e6)
    await state.close()
    return statistics.median(costs)


if __name__ == "__main__":
    for name, request, policies in CASES:
        print(f"{name:50} {decide(request, policies).kind:13} {measured(partial(decide, request, policies)):7.2f} µs")
    for name, cost in asyncio.run(dispatch_costs()):
        print(f"dispatch, {name:54} {cost:7.2f} µs")
    print(f"{'the guard alone, off':64} {asyncio.run(guard_off()):7.2f} µs")
