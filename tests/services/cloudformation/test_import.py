"""Imports: what exists becomes a stack's, as it is; what may not be imported is refused, and let go when it fails."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


def queue(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "Properties": {"QueueName": name, **more}}


def wanted(name: str, url: str, kind: str = "AWS::SQS::Queue", by: str = "QueueUrl") -> dict[str, Any]:
    return {"ResourceType": kind, "LogicalResourceId": name, "ResourceIdentifier": {by: url}}


def propose(
    stacks: Any, resources: dict[str, Any], *to_import: dict[str, Any], name: str = "adopting", **sections: Any
) -> dict[str, Any]:
    """The change set of an import."""
    made = stacks.client.create_change_set(
        StackName=name,
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        ResourcesToImport=list(to_import),
        TemplateBody=json.dumps({"Resources": resources, **sections}),
    )
    return dict(stacks.client.describe_change_set(ChangeSetName=made["Id"]))


def test_a_queue_and_a_table_become_a_stacks(kumoi: Any, stacks: Any) -> None:
    sqs, dynamodb = kumoi.client("sqs"), kumoi.client("dynamodb")
    url = sqs.create_queue(QueueName="old")["QueueUrl"]
    schema = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    dynamodb.create_table(TableName="orders", **schema)
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "1"}})
    table = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "Properties": {"TableName": "orders", **schema},
    }
    resources = {"Queue": queue("old"), "Table": table}
    identified = stacks.client.get_template_summary(TemplateBody=json.dumps({"Resources": resources}))
    assert {one["ResourceType"]: one["ResourceIdentifiers"] for one in identified["ResourceIdentifierSummaries"]} == {
        "AWS::DynamoDB::Table": ["TableName"],
        "AWS::SQS::Queue": ["QueueUrl"],
    }
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}, "Url": {"Value": {"Ref": "Queue"}}}
    proposed = propose(
        stacks,
        resources,
        wanted("Queue", url),
        wanted("Table", "orders", "AWS::DynamoDB::Table", "TableName"),
        Outputs=outputs,
    )
    assert proposed["Status"] == "CREATE_COMPLETE", proposed
    changes = [one["ResourceChange"] for one in proposed["Changes"]]
    assert [(one["Action"], one["PhysicalResourceId"]) for one in changes] == [("Import", url), ("Import", "orders")]
    stacks.client.execute_change_set(ChangeSetName=proposed["ChangeSetId"])
    assert stacks.settled("adopting")["StackStatus"] == "IMPORT_COMPLETE", stacks.reasons("adopting")
    assert stacks.outputs("adopting") == {"Arn": f"arn:aws:sqs:us-east-1:{kumoi.account}:old", "Url": url}

    again = propose(stacks, {**resources, "Q": queue("old")}, wanted("Q", url))
    assert (again["Status"], "already exists in stack" in again["StatusReason"]) == ("FAILED", True)

    resources["Queue"] = queue("old", VisibilityTimeout=77)
    assert stacks.deploy("adopting", resources)["StackStatus"] == "UPDATE_COMPLETE"
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "77"
    stacks.delete("adopting")
    with pytest.raises(ClientError, match="NonExistent"):
        sqs.get_queue_attributes(QueueUrl=url)
    assert dynamodb.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]


def test_what_is_not_there_is_not_imported_and_the_rest_is_let_go(kumoi: Any, stacks: Any) -> None:
    sqs = kumoi.client("sqs")
    url = sqs.create_queue(QueueName="there")["QueueUrl"]
    resources = {"There": queue("there"), "Missing": {**queue("missing"), "DependsOn": "There"}}
    proposed = propose(stacks, resources, wanted("There", url), wanted("Missing", f"{url}-not"))
    stacks.client.execute_change_set(ChangeSetName=proposed["ChangeSetId"])
    done = stacks.settled("adopting")
    assert done["StackStatus"] == "IMPORT_ROLLBACK_COMPLETE"
    assert not stacks.client.list_stack_resources(StackName="adopting")["StackResourceSummaries"]
    stacks.delete("adopting")
    assert sqs.get_queue_attributes(QueueUrl=url)


def test_two_stacks_that_would_import_a_queue_do_not_share_it(kumoi: Any, stacks: Any) -> None:
    url = kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    first = propose(stacks, {"Q": queue("q")}, wanted("Q", url))
    second = propose(stacks, {"Q": queue("q")}, wanted("Q", url), name="another")
    assert second["Status"] == "CREATE_COMPLETE"
    stacks.client.execute_change_set(ChangeSetName=first["ChangeSetId"])
    assert stacks.settled("adopting")["StackStatus"] == "IMPORT_COMPLETE"
    with pytest.raises(ClientError, match="already exists in stack"):
        stacks.client.execute_change_set(ChangeSetName=second["ChangeSetId"])


def test_what_was_the_stacks_before_stays_the_stacks(kumoi: Any, stacks: Any) -> None:
    url = kumoi.client("sqs").create_queue(QueueName="there")["QueueUrl"]
    stacks.deploy("adopting", {"Own": queue("own")})
    proposed = propose(stacks, {"Own": queue("own"), "Missing": queue("missing")}, wanted("Missing", f"{url}-not"))
    stacks.client.execute_change_set(ChangeSetName=proposed["ChangeSetId"])
    assert stacks.settled("adopting")["StackStatus"] == "IMPORT_ROLLBACK_COMPLETE"
    summaries = stacks.client.list_stack_resources(StackName="adopting")["StackResourceSummaries"]
    assert [one["LogicalResourceId"] for one in summaries] == ["Own"]


def test_imports_that_are_refused(kumoi: Any, stacks: Any) -> None:
    url = kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    kept = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}
    stream = {"Type": "AWS::Logs::LogStream", "DeletionPolicy": "Delete", "Properties": {"LogGroupName": "g"}}
    for resources, to_import, told in (
        ({"Q": kept}, wanted("Q", url), "have no DeletionPolicy"),
        ({"Q": queue("q"), "R": queue("r")}, wanted("Q", url), "missing from ResourceToImport"),
        ({"Q": queue("q")}, wanted("Other", url), "missing from ResourceToImport"),
        ({"Q": queue("q")}, wanted("Q", url, by="Name"), "is identified by QueueUrl"),
        ({"Q": queue("q")}, wanted("Q", url, "AWS::SNS::Topic"), "says that [Q] is AWS::SNS::Topic"),
        ({"S": stream}, wanted("S", "s", "AWS::Logs::LogStream"), "not supported for import"),
    ):
        proposed = propose(stacks, resources, to_import)
        assert (proposed["Status"], told in proposed["StatusReason"]) == ("FAILED", True), proposed["StatusReason"]
    stacks.client.delete_stack(StackName="adopting")
    stacks.deploy("adopting", {"A": queue("a")})
    proposed = propose(stacks, {"A": queue("a", VisibilityTimeout=5), "Q": queue("q")}, wanted("Q", url))
    assert "You have modified resources [A]" in proposed["StatusReason"]
    with pytest.raises(ClientError, match="ResourcesToImport is for change sets"):
        propose(stacks, {"Q": queue("q")})


def test_nothing_is_imported_into_a_stack_that_stands_half_made(kumoi: Any, stacks: Any) -> None:
    url = kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    broken = {"Type": "AWS::Logs::LogGroup", "DependsOn": "A", "Properties": {"RetentionInDays": 8}}
    stacks.deploy("adopting", {"A": queue("a"), "B": broken}, DisableRollback=True)
    assert stacks.status("adopting") == "CREATE_FAILED"
    with pytest.raises(ClientError, match="CREATE_FAILED state and can not be updated"):
        propose(stacks, {"A": queue("a"), "Q": queue("q")}, wanted("Q", url))
