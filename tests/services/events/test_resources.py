"""EventBridge's resource types in a stack."""

from __future__ import annotations

import json
from typing import Any


def described(client: Any) -> dict[str, Any]:
    while (stack := client.describe_stacks(StackName="stack")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    return dict(stack)


def test_a_stack_of_everything_is_made_changed_and_deleted(kumoi: Any, client: Any) -> None:
    formation = kumoi.client("cloudformation")
    tags = [{"Key": "team", "Value": "a"}]

    def own_tags(arn: str) -> set[str]:
        told = {tag["Key"] for tag in client.list_tags_for_resource(ResourceARN=arn)["Tags"]}
        return {key for key in told if not key.startswith("aws:")}

    def template(days: int, rate: int, **bus: Any) -> str:
        resources: dict[str, Any] = {
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "mine", **bus}},
            "Allowed": {
                "Type": "AWS::Events::EventBusPolicy",
                "Properties": {
                    "EventBusName": {"Ref": "Bus"},
                    "StatementId": "partner",
                    "Statement": {
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                        "Action": "events:PutEvents",
                        "Resource": {"Fn::GetAtt": ["Bus", "Arn"]},
                    },
                },
            },
            "Kept": {
                "Type": "AWS::Events::Archive",
                "Properties": {
                    "SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]},
                    "RetentionDays": days,
                    **({"EventPattern": {"source": ["app"]}} if days == 7 else {}),
                },
            },
            "Login": {
                "Type": "AWS::Events::Connection",
                "Properties": {
                    "AuthorizationType": "API_KEY",
                    "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}},
                },
            },
            "Out": {
                "Type": "AWS::Events::ApiDestination",
                "Properties": {
                    "ConnectionArn": {"Fn::GetAtt": ["Login", "Arn"]},
                    "HttpMethod": "POST",
                    "InvocationEndpoint": "https://example.com/hook",
                    "InvocationRateLimitPerSecond": rate,
                },
            },
            "On": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventBusName": {"Ref": "Bus"},
                    "EventPattern": {"source": ["app"]},
                    "Tags": [{"Key": f"days-{days}", "Value": "yes"}],
                    "Targets": [
                        {
                            "Id": "out",
                            "Arn": {"Fn::GetAtt": ["Out", "Arn"]},
                            "RoleArn": f"arn:aws:iam::{kumoi.account}:role/r",
                        }
                    ],
                },
            },
        }
        outputs = {name: {"Value": {"Ref": name}} for name in ("Bus", "Kept", "Login", "Out", "On")}
        outputs["Secret"] = {"Value": {"Fn::GetAtt": ["Login", "SecretArn"]}}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    formation.create_stack(StackName="stack", TemplateBody=template(7, 5, Description="first", Tags=tags))
    stack = described(formation)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    names = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert names["Bus"] == "mine"
    assert names["On"].startswith("mine|")
    assert ":secret:events!connection/" in names["Secret"]
    statements = json.loads(client.describe_event_bus(Name="mine")["Policy"])["Statement"]
    assert [one["Sid"] for one in statements] == ["partner"]
    assert client.describe_archive(ArchiveName=names["Kept"])["RetentionDays"] == 7
    rule = names["On"].partition("|")[2]
    (target,) = client.list_targets_by_rule(Rule=rule, EventBusName="mine")["Targets"]
    bus = client.describe_event_bus(Name="mine")
    rule_arn = client.describe_rule(Name=rule, EventBusName="mine")["Arn"]
    assert (bus["Description"], own_tags(bus["Arn"]), own_tags(rule_arn)) == ("first", {"team"}, {"days-7"})
    assert target["Arn"] == client.describe_api_destination(Name=names["Out"])["ApiDestinationArn"]

    formation.update_stack(StackName="stack", TemplateBody=template(30, 50))
    stack = described(formation)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack
    archive = client.describe_archive(ArchiveName=names["Kept"])
    assert (archive["RetentionDays"], "EventPattern" in archive) == (30, False)
    assert client.describe_api_destination(Name=names["Out"])["InvocationRateLimitPerSecond"] == 50
    assert "Description" not in client.describe_event_bus(Name="mine")
    assert (own_tags(bus["Arn"]), own_tags(rule_arn)) == (set(), {"days-30"})

    formation.delete_stack(StackName=stack["StackId"])
    while formation.describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"] != "DELETE_COMPLETE":
        continue
    assert [bus["Name"] for bus in client.list_event_buses()["EventBuses"]] == ["default"]
    assert client.list_archives()["Archives"] == []
    assert client.list_connections()["Connections"] == []
    assert client.list_api_destinations()["ApiDestinations"] == []
