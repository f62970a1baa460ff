"""Templates of experiments through boto3, and the catalogue that they choose from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.kumoi_clock


def test_client_tokens_make_one_thing(client: Any, create: Any) -> None:
    first = create(clientToken="t")
    assert create(clientToken="t")["id"] == first["id"]
    with pytest.raises(ClientError, match="ConflictException"):
        create(clientToken="t", description="other")
    begun = [
        client.start_experiment(experimentTemplateId=first["id"], clientToken="s")["experiment"]["id"] for _ in range(2)
    ]
    assert begun[0] == begun[1]


def test_templates_are_changed_tagged_listed_and_deleted(client: Any, create: Any) -> None:
    made = create(tags={"a": "1"})
    name = made["id"]
    changed = client.update_experiment_template(id=name, description="other")["experimentTemplate"]
    assert (changed["description"], changed["actions"]) == ("other", made["actions"])
    client.tag_resource(resourceArn=made["arn"], tags={"b": "2"})
    client.untag_resource(resourceArn=made["arn"], tagKeys=["a"])
    assert client.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"b": "2"}
    assert [one["id"] for one in client.list_experiment_templates()["experimentTemplates"]] == [name]
    client.delete_experiment_template(id=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_experiment_template(id=name)


def test_a_template_has_no_target_accounts(client: Any, create: Any, start: Any) -> None:
    named = {"experimentTemplateId": create()["id"]}
    assert client.list_target_account_configurations(**named)["targetAccountConfigurations"] == []
    with pytest.raises(ClientError, match="ValidationException.*single-account"):
        client.create_target_account_configuration(
            accountId="1" * 12, roleArn=f"arn:aws:iam::{'1' * 12}:role/r", **named
        )
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_target_account_configuration(accountId="1" * 12, **named)
    found = client.list_experiment_target_account_configurations(experimentId=start()["id"])
    assert found["targetAccountConfigurations"] == []


def test_the_catalogue_is_told_in_pages(client: Any) -> None:
    first = client.list_actions(maxResults=2)
    rest = client.list_actions(nextToken=first["nextToken"])["actions"]
    everything = [one["id"] for one in (*first["actions"], *rest)]
    assert len(set(everything)) == len(everything) > 10
    told = client.get_action(id="aws:lambda:invocation-error")["action"]
    assert told["targets"] == {"Functions": {"resourceType": "aws:lambda:function"}}
    assert told["parameters"]["duration"]["required"]
    kind = client.get_target_resource_type(resourceType="aws:lambda:function")["targetResourceType"]
    assert "functionQualifier" in kind["parameters"]
    assert client.list_target_resource_types()["targetResourceTypes"]


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("get_experiment", {"id": "EXPx"}),
        ("stop_experiment", {"id": "%00/../"}),
        ("start_experiment", {"experimentTemplateId": "EXTx"}),
        ("get_action", {"id": "aws:no:action"}),
        ("get_safety_lever", {"id": "other"}),
        ("list_actions", {"nextToken": "???"}),
        ("tag_resource", {"resourceArn": "a" * 30, "tags": {"a": "b"}}),
        ("list_experiment_resolved_targets", {"experimentId": "x"}),
    ],
)
def test_garbage_is_refused(client: Any, operation: str, given: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        getattr(client, operation)(**given)
    assert error.value.response["Error"]["Code"] in ("ResourceNotFoundException", "ValidationException")


def test_a_stack_makes_a_template(kumoi: Any, client: Any, role: str) -> None:
    stacks = kumoi.client("cloudformation")
    properties = {
        "Description": "d",
        "RoleArn": role,
        "StopConditions": [{"Source": "none"}],
        "Targets": {},
        "Actions": {"Wait": {"ActionId": "aws:fis:wait", "Parameters": {"duration": "PT1M"}}},
        "Tags": {"Name": "n"},
    }
    template = {"Resources": {"T": {"Type": "AWS::FIS::ExperimentTemplate", "Properties": properties}}}
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    name = stacks.describe_stack_resource(StackName="s", LogicalResourceId="T")["StackResourceDetail"]
    found = client.get_experiment_template(id=name["PhysicalResourceId"])["experimentTemplate"]
    assert found["actions"] == {"Wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}}
    assert found["tags"]["Name"] == "n"
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert client.list_experiment_templates()["experimentTemplates"] == []
