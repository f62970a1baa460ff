"""A platform killed in the middle of a deployment: the next one rolls it back."""

from __future__ import annotations

import json
import threading
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError


def template(count: int) -> str:
    """A chain of groups, so that a deployment has many steps to be killed between."""
    return json.dumps(
        {
            "Resources": {
                f"G{number}": {
                    "Type": "AWS::Logs::LogGroup",
                    "Properties": {"RetentionInDays": 1},
                    **({"DependsOn": f"G{number - 1}"} if number else {}),
                }
                for number in range(count)
            }
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("steps", [3, 20, 45])
def test_what_a_crash_interrupts_is_rolled_back(killable: Any, steps: int) -> None:
    killable.start()
    stacks, logs = killable.client("cloudformation"), killable.client("logs")
    fault = json.dumps({"service": "logs", "operation": "CreateLogGroup", "action": "delay", "delay_ms": 10}).encode()
    asked = urllib.request.Request(f"{killable.url}/_kumoi/faults", fault, {"Content-Type": "application/json"})
    urllib.request.urlopen(asked).close()
    stacks.create_stack(StackName="before", TemplateBody=template(1))

    def create() -> None:
        try:
            stacks.create_stack(StackName="chain", TemplateBody=template(400))
        except (BotoCoreError, ClientError):
            return  # the platform is gone

    writer = threading.Thread(target=create)
    writer.start()
    while len(logs.describe_log_groups(logGroupNamePrefix="chain-")["logGroups"]) < steps:
        continue
    killable.kill()
    writer.join()
    killable.start()
    while (stack := stacks.describe_stacks(StackName="chain")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert logs.describe_log_groups(logGroupNamePrefix="chain-")["logGroups"] == []
    assert stacks.describe_stacks(StackName="before")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert len(logs.describe_log_groups()["logGroups"]) == 1
    stacks.delete_stack(StackName="chain")
    stacks.create_stack(StackName="chain", TemplateBody=template(3))
