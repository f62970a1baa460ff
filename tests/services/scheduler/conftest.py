from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/scheduler"


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("scheduler")


@pytest.fixture
def target() -> dict[str, Any]:
    """A target that notes each occurrence: a log group of its own, its tags telling of it."""
    tags = {name: f"<aws.scheduler.{name}>" for name in ("scheduled-time", "schedule-arn", "attempt-number")}
    request = {"LogGroupName": "/seen/<aws.scheduler.execution-id>", "tags": tags}
    return {
        "Arn": "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup",
        "RoleArn": ROLE,
        "Input": json.dumps(request),
    }


@pytest.fixture
def create(client: Any, target: dict[str, Any]) -> Callable[..., str]:
    """Create a schedule that notes its occurrences; answers its ARN."""

    def make(expression: str, name: str = "s", **more: Any) -> str:
        given = {"Target": target, "FlexibleTimeWindow": {"Mode": "OFF"}, **more}
        return str(client.create_schedule(Name=name, ScheduleExpression=expression, **given)["ScheduleArn"])

    return make


@pytest.fixture
def seen(kumoi: Any) -> Callable[..., list[dict[str, str]]]:
    """Wait until as many occurrences were noted as said; their tags in order of their time."""
    logs = kumoi.client("logs")

    def occurrences(count: int) -> list[dict[str, str]]:
        deadline = time.monotonic() + 60
        while True:
            groups = logs.describe_log_groups(logGroupNamePrefix="/seen/")["logGroups"]
            if len(groups) >= count:
                found = [logs.list_tags_log_group(logGroupName=group["logGroupName"])["tags"] for group in groups]
                return sorted(found, key=lambda tags: str(tags["scheduled-time"]))
            assert time.monotonic() < deadline, f"{len(groups)} of {count} occurrences"
            time.sleep(0.02)

    return occurrences
