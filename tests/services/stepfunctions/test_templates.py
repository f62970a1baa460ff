"""State machines made by templates: CloudFormation's types, SAM's, and schedules and rules that start them."""

from __future__ import annotations

import json
from typing import Any

TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Plain": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": "arn:aws:iam::000000000000:role/r",
                "DefinitionString": json.dumps(
                    {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${word}", "End": True}}}
                ),
                "DefinitionSubstitutions": {"word": "substituted"},
            },
        },
        "Version": {
            "Type": "AWS::StepFunctions::StateMachineVersion",
            "Properties": {"StateMachineArn": {"Ref": "Plain"}},
        },
        "Alias": {
            "Type": "AWS::StepFunctions::StateMachineAlias",
            "Properties": {
                "Name": "live",
                "RoutingConfiguration": [{"StateMachineVersionArn": {"Ref": "Version"}, "Weight": 100}],
            },
        },
        "Work": {"Type": "AWS::StepFunctions::Activity", "Properties": {"Name": "work"}},
        "Sam": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Role": "arn:aws:iam::000000000000:role/r",
                "Definition": {
                    "StartAt": "Send",
                    "States": {
                        "Send": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::sqs:sendMessage",
                            "Parameters": {"QueueUrl": "${QueueUrl}", "MessageBody.$": "$.detail.word"},
                            "End": True,
                        }
                    },
                },
                "DefinitionSubstitutions": {"QueueUrl": {"Ref": "Queue"}},
                "Events": {
                    "Told": {"Type": "EventBridgeRule", "Properties": {"Pattern": {"source": ["tests"]}}},
                },
            },
        },
    },
    "Outputs": {
        "Plain": {"Value": {"Ref": "Plain"}},
        "Name": {"Value": {"Fn::GetAtt": ["Plain", "Name"]}},
        "Alias": {"Value": {"Ref": "Alias"}},
        "Queue": {"Value": {"Ref": "Queue"}},
    },
}


def test_templates(states: Any, kumoi: Any) -> None:
    cloudformation = kumoi.client("cloudformation")
    cloudformation.create_stack(
        StackName="s",
        TemplateBody=json.dumps(TEMPLATE),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert outputs["Plain"].endswith(f":stateMachine:{outputs['Name']}")
    assert states.ended(states.start(outputs["Alias"]))["output"] == '"substituted"'
    entry = {"Source": "tests", "DetailType": "d", "Detail": '{"word": "hello"}'}
    kumoi.client("events").put_events(Entries=[entry])
    (message,) = kumoi.client("sqs").receive_message(QueueUrl=outputs["Queue"], WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "hello"
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert not states.client.list_state_machines()["stateMachines"]
