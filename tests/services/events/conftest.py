from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("events")


@pytest.fixture
def logged(kumoi: Any) -> Callable[..., list[str]]:
    """Wait until a log group has as many events as said; their messages in order of time."""
    logs = kumoi.client("logs")

    def messages(count: int, group: str = "/seen") -> list[str]:
        deadline = time.monotonic() + 60
        while True:
            found = logs.filter_log_events(logGroupName=group)["events"]
            if len(found) >= count:
                return [event["message"] for event in found]
            assert time.monotonic() < deadline, f"{len(found)} of {count} events in {group}: {found}"
            time.sleep(0.02)

    return messages


@pytest.fixture
def listen(kumoi: Any, client: Any) -> Callable[..., str]:
    """Make a rule with a log group as its target; answers the rule's ARN."""
    logs = kumoi.client("logs")

    def make(
        pattern: Any = None, *, name: str = "rule", group: str = "/seen", bus: str | None = None, **more: Any
    ) -> str:
        rule: dict[str, Any] = {"Name": name, **({"EventBusName": bus} if bus else {})}
        if pattern is not None:
            rule["EventPattern"] = json.dumps(pattern)
        if "schedule" in more:
            rule["ScheduleExpression"] = more.pop("schedule")
        arn = client.put_rule(**rule)["RuleArn"]
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            logs.create_log_group(logGroupName=group)
        target = {"Id": "log", "Arn": f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:{group}:*", **more}
        client.put_targets(Rule=name, Targets=[target], **({"EventBusName": bus} if bus else {}))
        return str(arn)

    return make


@pytest.fixture
def put(client: Any) -> Callable[..., dict[str, Any]]:
    """Put one event; answers its result."""

    def send(detail: Any = None, source: str = "app", kind: str = "made", **more: Any) -> dict[str, Any]:
        entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail or {}), **more}
        return client.put_events(Entries=[entry])["Entries"][0]

    return send
