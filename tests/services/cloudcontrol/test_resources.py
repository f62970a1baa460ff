"""Resources by Cloud Control, with boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

QUEUE = "AWS::SQS::Queue"


@pytest.fixture
def control(kumoi: Any) -> Any:
    return kumoi.client("cloudcontrol")


@pytest.fixture
def refused() -> Callable[..., str]:
    """The code of the error that a call answers."""

    def code(call: Callable[..., Any], **params: Any) -> str:
        with pytest.raises(ClientError) as error:
            call(**params)
        return str(error.value.response["Error"]["Code"])

    return code


def patch(**values: Any) -> str:
    return json.dumps([{"op": "add", "path": f"/{name}", "value": value} for name, value in values.items()])


def test_a_queue_from_its_making_to_its_end(kumoi: Any, control: Any, refused: Callable[..., str]) -> None:
    state = {"QueueName": "q", "VisibilityTimeout": 40, "Tags": [{"Key": "a", "Value": "b"}]}
    event = control.create_resource(TypeName=QUEUE, DesiredState=json.dumps(state))["ProgressEvent"]
    assert (event["OperationStatus"], event["Operation"], event["TypeName"]) == ("SUCCESS", "CREATE", QUEUE)
    control.get_waiter("resource_request_success").wait(RequestToken=event["RequestToken"])
    sqs = kumoi.client("sqs")
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    identifier = event["Identifier"]
    assert identifier.rpartition("/")[2] == "q"
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "b"}
    described = control.get_resource(TypeName=QUEUE, Identifier=identifier)["ResourceDescription"]
    properties = json.loads(described["Properties"])
    assert (properties["QueueName"], int(properties["VisibilityTimeout"])) == ("q", 40)
    assert properties["Arn"].endswith(":q")

    event = control.update_resource(TypeName=QUEUE, Identifier=identifier, PatchDocument=patch(VisibilityTimeout=7))[
        "ProgressEvent"
    ]
    assert event["OperationStatus"] == "SUCCESS", event
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert found == {"VisibilityTimeout": "7"}
    renamed = patch(QueueName="r")
    assert refused(control.update_resource, TypeName=QUEUE, Identifier=identifier, PatchDocument=renamed) == (
        "NotUpdatableException"
    )
    listed = control.list_resources(TypeName=QUEUE)["ResourceDescriptions"]
    assert [one["Identifier"] for one in listed] == [identifier]
    event = control.delete_resource(TypeName=QUEUE, Identifier=identifier)["ProgressEvent"]
    assert (event["OperationStatus"], event["Identifier"]) == ("SUCCESS", identifier)
    assert control.list_resources(TypeName=QUEUE)["ResourceDescriptions"] == []
    assert refused(control.get_resource, TypeName=QUEUE, Identifier=identifier) == "ResourceNotFoundException"
    assert len(control.list_resource_requests()["ResourceRequestStatusSummaries"]) == 3
    failed = control.delete_resource(TypeName=QUEUE, Identifier=identifier)["ProgressEvent"]
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "NotFound")
    wanted = {"OperationStatuses": ["FAILED"]}
    (one,) = control.list_resource_requests(ResourceRequestStatusFilter=wanted)["ResourceRequestStatusSummaries"]
    assert one["RequestToken"] == failed["RequestToken"]


KEYS = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
TRUST = {"Version": "2012-10-17", "Statement": []}


@pytest.mark.parametrize(
    ("kind", "state", "change"),
    [
        ("AWS::DynamoDB::Table", {**KEYS, "BillingMode": "PAY_PER_REQUEST"}, {"DeletionProtectionEnabled": False}),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}, {"Description": "d"}),
        ("AWS::KMS::Key", {"Description": "d"}, {"Description": "e"}),
        ("AWS::Kinesis::Stream", {"ShardCount": 1}, {"RetentionPeriodHours": 48}),
        ("AWS::Logs::LogGroup", {}, {"RetentionInDays": 7}),
        ("AWS::S3::Bucket", {"BucketName": "cc-bucket"}, {"VersioningConfiguration": {"Status": "Enabled"}}),
        ("AWS::SNS::Topic", {"DisplayName": "d"}, {"DisplayName": "e"}),
        ("AWS::SSM::Parameter", {"Type": "String", "Value": "v"}, {"Value": "w"}),
    ],
)
def test_types(control: Any, kind: str, state: dict[str, Any], change: dict[str, Any]) -> None:
    event = control.create_resource(TypeName=kind, DesiredState=json.dumps(state))["ProgressEvent"]
    assert event["OperationStatus"] == "SUCCESS", event
    identifier = event["Identifier"]
    assert identifier in [one["Identifier"] for one in control.list_resources(TypeName=kind)["ResourceDescriptions"]]
    event = control.update_resource(TypeName=kind, Identifier=identifier, PatchDocument=patch(**change))[
        "ProgressEvent"
    ]
    assert event["OperationStatus"] == "SUCCESS", event
    described = control.get_resource(TypeName=kind, Identifier=identifier)["ResourceDescription"]
    properties = json.loads(described["Properties"])
    assert {name: properties[name] for name in change} == change
    event = control.delete_resource(TypeName=kind, Identifier=identifier)["ProgressEvent"]
    assert event["OperationStatus"] == "SUCCESS", event


def test_the_same_request_twice(control: Any, refused: Callable[..., str]) -> None:
    given = {"TypeName": "AWS::SNS::Topic", "ClientToken": "once", "DesiredState": "{}"}
    first = control.create_resource(**given)["ProgressEvent"]
    assert control.create_resource(**given)["ProgressEvent"] == first
    assert len(control.list_resources(TypeName="AWS::SNS::Topic")["ResourceDescriptions"]) == 1
    other = {**given, "DesiredState": '{"DisplayName": "d"}'}
    assert refused(control.create_resource, **other) == "ClientTokenConflictException"


def test_what_is_refused(control: Any, refused: Callable[..., str]) -> None:
    assert refused(control.get_resource, TypeName="AWS::No::Thing", Identifier="x") == "TypeNotFoundException"
    assert refused(control.list_resources, TypeName="AWS::SNS::Subscription") == "UnsupportedActionException"
    for state in ("{", "[]"):
        assert refused(control.create_resource, TypeName=QUEUE, DesiredState=state) == "InvalidRequestException"
    missing = "RequestTokenNotFoundException"
    assert refused(control.get_resource_request_status, RequestToken="none") == missing
    assert refused(control.cancel_resource_request, RequestToken="none") == missing
    failed = control.create_resource(TypeName=QUEUE, DesiredState='{"VisibilityTimeout": 99999999}')["ProgressEvent"]
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "InvalidRequest")
    assert refused(control.cancel_resource_request, RequestToken=failed["RequestToken"]) == (
        "ConcurrentModificationException"
    )
    table = control.create_resource(TypeName="AWS::DynamoDB::Table", DesiredState='{"KeySchema": 1}')["ProgressEvent"]
    assert (table["OperationStatus"], table["ErrorCode"]) == ("FAILED", "InvalidRequest")
    state = json.dumps({"QueueName": "q"})
    event = control.create_resource(TypeName=QUEUE, DesiredState=state)["ProgressEvent"]
    given = {"TypeName": QUEUE, "Identifier": event["Identifier"]}
    assert refused(control.update_resource, **given, PatchDocument="[1]") == "InvalidRequestException"
