"""Streams and consumers of templates."""

from __future__ import annotations

import json
from typing import Any

TEMPLATE = {
    "Resources": {
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2, "RetentionPeriodHours": 48}},
        "Consumer": {
            "Type": "AWS::Kinesis::StreamConsumer",
            "Properties": {"ConsumerName": "c", "StreamARN": {"Fn::GetAtt": ["Stream", "Arn"]}},
        },
    },
    "Outputs": {
        "Name": {"Value": {"Ref": "Stream"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Stream", "Arn"]}},
        "Consumer": {"Value": {"Ref": "Consumer"}},
    },
}


def test_a_stack_makes_changes_and_deletes_a_stream(kumoi: Any) -> None:
    cloudformation, kinesis = kumoi.client("cloudformation"), kumoi.client("kinesis")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName="s")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    summary = kinesis.describe_stream_summary(StreamName=outputs["Name"])["StreamDescriptionSummary"]
    assert (summary["StreamARN"], summary["OpenShardCount"], summary["RetentionPeriodHours"]) == (outputs["Arn"], 2, 48)
    consumer = kinesis.describe_stream_consumer(ConsumerARN=outputs["Consumer"])["ConsumerDescription"]
    assert (consumer["ConsumerName"], consumer["StreamARN"]) == ("c", outputs["Arn"])
    changed = json.loads(json.dumps(TEMPLATE))
    changed["Resources"]["Stream"]["Properties"]["RetentionPeriodHours"] = 24
    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(changed))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    summary = kinesis.describe_stream_summary(StreamName=outputs["Name"])["StreamDescriptionSummary"]
    assert summary["RetentionPeriodHours"] == 24
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert kinesis.list_streams()["StreamNames"] == []
