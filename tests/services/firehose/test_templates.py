"""Templates with delivery streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/firehose"


@pytest.fixture
def stacks(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


def settled(stacks: Any) -> dict[str, Any]:
    """The stack, once nothing is under way."""
    while (stack := stacks.describe_stacks(StackName="s")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    return dict(stack)


def template(**properties: Any) -> str:
    stream = {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": properties}
    outputs = {"Name": {"Value": {"Ref": "Stream"}}, "Arn": {"Value": {"Fn::GetAtt": "Stream.Arn"}}}
    bucket = {"Type": "AWS::S3::Bucket"}
    return json.dumps({"Resources": {"Stream": stream, "Bucket": bucket}, "Outputs": outputs})


def destination(**settings: Any) -> dict[str, Any]:
    return {"RoleARN": ROLE, "BucketARN": {"Fn::GetAtt": "Bucket.Arn"}, **settings}


def described(firehose: Any, name: str) -> dict[str, Any]:
    return dict(firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"])


def test_a_stream_is_made_changed_and_deleted(
    kumoi: Any, firehose: Any, stacks: Any, refused: Callable[..., tuple[str, str]]
) -> None:
    delimiter = {
        "Type": "AppendDelimiterToRecord",
        "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}],
    }
    first = template(
        ExtendedS3DestinationConfiguration=destination(
            Prefix="in/",
            BufferingHints={"SizeInMBs": "1", "IntervalInSeconds": "60"},
            ProcessingConfiguration={"Enabled": "true", "Processors": [delimiter]},
        ),
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"},
        Tags=[{"Key": "team", "Value": "red"}],
    )
    stacks.create_stack(StackName="s", TemplateBody=first)
    stack = settled(stacks)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.describe_stack_events(StackName="s")["StackEvents"]
    told = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    name = told["Name"]
    assert told["Arn"] == f"arn:aws:firehose:us-east-1:{kumoi.account}:deliverystream/{name}"
    made = described(firehose, name)
    extended = made["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert extended["BufferingHints"] == {"SizeInMBs": 1, "IntervalInSeconds": 60}
    assert extended["ProcessingConfiguration"]["Enabled"] is True
    assert made["DeliveryStreamEncryptionConfiguration"]["Status"] == "ENABLED"
    second = template(
        ExtendedS3DestinationConfiguration=destination(CompressionFormat="GZIP"), Tags=[{"Key": "cost", "Value": "1"}]
    )
    stacks.update_stack(StackName="s", TemplateBody=second)
    assert settled(stacks)["StackStatus"] == "UPDATE_COMPLETE"
    made = described(firehose, name)
    extended = made["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert (made["VersionId"], extended["Prefix"], extended["CompressionFormat"]) == ("2", "", "GZIP")
    assert extended["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 300}
    assert extended["ProcessingConfiguration"] == {"Enabled": False}
    assert made["DeliveryStreamEncryptionConfiguration"]["Status"] == "DISABLED"
    tags = firehose.list_tags_for_delivery_stream(DeliveryStreamName=name)["Tags"]
    assert tags == [{"Key": "cost", "Value": "1"}]
    stacks.delete_stack(StackName="s")
    while name in firehose.list_delivery_streams()["DeliveryStreamNames"]:
        continue
    assert refused(firehose.describe_delivery_stream, DeliveryStreamName=name)[0] == "ResourceNotFoundException"


def test_an_http_endpoint_with_a_name_of_its_own(firehose: Any, stacks: Any) -> None:
    def endpoint(seconds: str, prefix: str) -> str:
        settings = {
            "EndpointConfiguration": {"Url": "https://example.com/in", "AccessKey": "k"},
            "RetryOptions": {"DurationInSeconds": seconds},
            "S3Configuration": destination(Prefix=prefix),
        }
        return template(DeliveryStreamName="mine", HttpEndpointDestinationConfiguration=settings)

    stacks.create_stack(StackName="s", TemplateBody=endpoint("30", "a/"))
    assert settled(stacks)["StackStatus"] == "CREATE_COMPLETE"
    stacks.update_stack(StackName="s", TemplateBody=endpoint("60", "b/"))
    assert settled(stacks)["StackStatus"] == "UPDATE_COMPLETE"
    made = described(firehose, "mine")["Destinations"][0]["HttpEndpointDestinationDescription"]
    assert made["RetryOptions"] == {"DurationInSeconds": 60}
    assert made["S3DestinationDescription"]["Prefix"] == "b/"
    assert made["EndpointConfiguration"] == {"Url": "https://example.com/in"}


def test_what_kumoi_lacks_rolls_the_stack_back_with_a_reason(stacks: Any) -> None:
    splunk = {"HECEndpoint": "https://x", "HECEndpointType": "Raw", "S3Configuration": destination()}
    stacks.create_stack(StackName="s", TemplateBody=template(SplunkDestinationConfiguration=splunk))
    assert settled(stacks)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = stacks.describe_stack_events(StackName="s")["StackEvents"]
    assert any("does not deliver to Splunk" in one.get("ResourceStatusReason", "") for one in events)
