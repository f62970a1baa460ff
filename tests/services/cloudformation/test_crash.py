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


def slow_down(url: str, service: str, operation: str, milliseconds: int) -> None:
    """Have an operation take so long."""
    fault = {"service": service, "operation": operation, "action": "delay", "delay_ms": milliseconds}
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{url}/_kumoi/faults", json.dumps(fault).encode(), headers)).close()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [3, 45])
def test_what_a_crash_interrupts_is_rolled_back(killable: Any, steps: int) -> None:
    killable.start()
    stacks, logs = killable.client("cloudformation"), killable.client("logs")
    slow_down(killable.url, "logs", "CreateLogGroup", 10)
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


def group(days: int, **more: object) -> dict[str, object]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days}} | more


def settled(stacks: Any, name: str) -> str:
    while (status := stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("_IN_PROGRESS"):
        continue
    return str(status)


def delayed(killable: Any, operation: str, milliseconds: int) -> None:
    fault = {"service": "logs", "operation": operation, "action": "delay", "delay_ms": milliseconds, "phase": "after"}
    body = json.dumps(fault).encode()
    asked = urllib.request.Request(f"{killable.url}/_kumoi/faults", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(asked).close()


def reached(stacks: Any, name: str, status: str) -> bool:
    events = stacks.describe_stack_events(StackName=name)["StackEvents"]
    return any((one["LogicalResourceId"], one["ResourceStatus"]) == (name, status) for one in events)


@pytest.mark.slow
def test_a_crash_in_an_update_is_undone_and_one_in_its_cleaning_up_is_not(killable: Any) -> None:
    killable.start()
    stacks, logs = killable.client("cloudformation"), killable.client("logs")
    names = [f"G{number}" for number in range(30)]
    before = {name: group(7) for name in names}
    stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": before}))
    assert settled(stacks, "s") == "CREATE_COMPLETE"
    changed = {name: group(14, **({"DependsOn": names[at - 1]} if at else {})) for at, name in enumerate(names)}
    delayed(killable, "PutRetentionPolicy", 300)
    updating = threading.Thread(target=_quietly, args=(stacks.update_stack, changed))
    updating.start()

    def days() -> list[int]:
        return [one["retentionInDays"] for one in logs.describe_log_groups(logGroupNamePrefix="s-")["logGroups"]]

    while 14 not in days():  # changed, and not yet noted: the answer is on its way
        continue
    killable.kill()
    updating.join()
    killable.start()
    assert settled(stacks, "s") == "UPDATE_ROLLBACK_COMPLETE"
    assert days() == [7] * 30
    delayed(killable, "DeleteLogGroup", 300)
    updating = threading.Thread(target=_quietly, args=(stacks.update_stack, {"G0": group(30)}))
    updating.start()
    while not reached(stacks, "s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
        continue
    killable.kill()
    updating.join()
    killable.start()
    assert settled(stacks, "s") == "UPDATE_COMPLETE"
    assert days() == [30]


def _quietly(update: Any, resources: dict[str, object]) -> None:
    try:
        update(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
    except (BotoCoreError, ClientError):
        return  # the platform is gone


@pytest.mark.slow
def test_what_an_interrupted_import_took_in_is_let_go_and_stays(killable: Any) -> None:
    killable.start()
    stacks, sqs = killable.client("cloudformation"), killable.client("sqs")
    urls = [sqs.create_queue(QueueName=f"q{number}")["QueueUrl"] for number in range(40)]
    queue = {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete"}
    resources = {
        f"Q{number}": {
            **queue,
            "Properties": {"QueueName": f"q{number}"},
            **({"DependsOn": f"Q{number - 1}"} if number else {}),
        }
        for number in range(40)
    }
    change_set = stacks.create_change_set(
        StackName="adopting",
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps({"Resources": resources}),
        ResourcesToImport=[
            {
                "ResourceType": "AWS::SQS::Queue",
                "LogicalResourceId": f"Q{number}",
                "ResourceIdentifier": {"QueueUrl": url},
            }
            for number, url in enumerate(urls)
        ],
    )["Id"]
    slow_down(killable.url, "sqs", "GetQueueAttributes", 100)
    stacks.execute_change_set(ChangeSetName=change_set)
    assert len(stacks.list_stack_resources(StackName="adopting")["StackResourceSummaries"]) < len(urls)
    killable.kill()
    killable.start()
    while (stack := stacks.describe_stacks(StackName="adopting")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    assert stack["StackStatus"] == "IMPORT_ROLLBACK_COMPLETE"
    assert stacks.list_stack_resources(StackName="adopting")["StackResourceSummaries"] == []
    assert len(sqs.list_queues()["QueueUrls"]) == len(urls)
