"""What a stack is told to be: its topics hear of each event; its rules are asserted; its role acts."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "kept"}}


def read(text: str) -> dict[str, str]:
    lines = (line.partition("=") for line in text.splitlines())
    return {name: value.strip("'") for name, _, value in lines}


def test_topics_hear_of_each_event_though_one_could_not_be_told_at_once(kumoi: Any, stacks: Any) -> None:
    sns, sqs = kumoi.client("sns"), kumoi.client("sqs")
    topic = sns.create_topic(Name="events")["TopicArn"]
    queue = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    missing = topic.replace(":events", ":gone")
    fault = {"service": "sns", "operation": "Publish", "account": kumoi.account, "action": "fail", "times": 1}
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{kumoi.url}/_kumoi/faults", json.dumps(fault).encode(), headers)
    urllib.request.urlopen(asked).close()
    stacks.deploy("told", {"Group": GROUP}, NotificationARNs=[topic, missing])
    expected = {
        ("told", "CREATE_IN_PROGRESS"),
        ("Group", "CREATE_IN_PROGRESS"),
        ("Group", "CREATE_COMPLETE"),
        ("told", "CREATE_COMPLETE"),
    }
    heard: dict[tuple[str, str], dict[str, str]] = {}
    while expected - heard.keys():
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)
        assert answer.get("Messages"), f"only {sorted(heard)} were told"
        for one in answer["Messages"]:
            body = json.loads(one["Body"])
            assert body["Subject"] == "AWS CloudFormation Notification"
            event = read(body["Message"])
            heard[event["LogicalResourceId"], event["ResourceStatus"]] = event
    last = heard["told", "CREATE_COMPLETE"]
    stack = stacks.client.describe_stacks(StackName="told")["Stacks"][0]
    assert stack["NotificationARNs"] == [topic, missing]
    assert last["StackId"] == last["PhysicalResourceId"] == stack["StackId"]
    assert last["Namespace"] == kumoi.account
    assert json.loads(heard["Group", "CREATE_IN_PROGRESS"]["ResourceProperties"]) == {"LogGroupName": "kept"}


def test_rules_are_asserted_before_anything_is_made(stacks: Any) -> None:
    template = {
        "Parameters": {"Stage": {"Type": "String"}},
        "Rules": {
            "Known": {
                "Assertions": [
                    {
                        "Assert": {"Fn::Contains": [["dev", "prod"], {"Ref": "Stage"}]},
                        "AssertDescription": "The stage is dev or prod.",
                    }
                ]
            }
        },
        "Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}},
    }

    def create(stage: str) -> None:
        given = [{"ParameterKey": "Stage", "ParameterValue": stage}]
        stacks.client.create_stack(StackName="ruled", TemplateBody=json.dumps(template), Parameters=given)

    with pytest.raises(ClientError, match=r"The stage is dev or prod\."):
        create("test")
    assert stacks.status("ruled") is None
    create("dev")
    assert stacks.settled("ruled")["StackStatus"] == "CREATE_COMPLETE"


def test_extensions_of_the_language_need_their_transform(stacks: Any) -> None:
    resources = {
        "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::ToJsonString": {"a": 1}}}}
    }
    with pytest.raises(ClientError, match="Encountered unsupported function: Fn::ToJsonString"):
        stacks.deploy("plain", resources)
    done = stacks.deploy("plain", resources, Transform="AWS::LanguageExtensions")
    assert done["StackStatus"] == "CREATE_COMPLETE"


def test_a_change_set_hands_on_its_role(kumoi: Any, stacks: Any) -> None:
    role = f"arn:aws:iam::{kumoi.account}:role/deployer"
    made = stacks.client.create_change_set(
        StackName="acting",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}),
        RoleARN=role,
    )
    stacks.client.execute_change_set(ChangeSetName=made["Id"])
    assert stacks.settled("acting")["RoleARN"] == role
