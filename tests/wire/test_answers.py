"""Each protocol by example: what a handler answers, and what stands on the wire of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kumoi.wire import BufferedBody, Headers, Request, Response, Wire, cbor

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JSON_TYPE = ("Content-Type", "application/x-amz-json-1.1")
S3_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def request(method: str, target: str, body: bytes = b"", *headers: tuple[str, str]) -> Request:
    path, _, query = target.partition("?")
    return Request(method, path, query, Headers(headers), BufferedBody(body))


def target(name: str, version: str = "1.1") -> list[tuple[str, str]]:
    return [("X-Amz-Target", name), ("Content-Type", f"application/x-amz-json-{version}")]


def answered(wire: Wire, service: str, name: str, result: dict[str, Any], sent: Request | None = None) -> Response:
    codec = wire.codec(service)
    sent = sent or request("POST", "/")
    protocol = codec.protocol_of(sent)
    return codec.operation_codec(codec.operation(name), protocol).encode(sent, result, "id-1")


ANSWERS = [
    (
        "ec2",
        "DescribeVpcs",
        {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": True}]},
        [("Content-Type", "text/xml"), ("x-amzn-RequestId", "id-1")],
        b'<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><requestId>id-1</requestId>'
        b"<vpcSet><item><isDefault>true</isDefault><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>",
    ),
    ("logs", "CreateLogGroup", {}, [JSON_TYPE, ("x-amzn-RequestId", "id-1")], b"{}"),
    (
        "logs",
        "DescribeLogGroups",
        {"logGroups": [{"logGroupName": "g", "kmsKeyId": None}], "nextToken": None, "extra": 1},
        [JSON_TYPE, ("x-amzn-RequestId", "id-1")],
        b'{"logGroups":[{"logGroupName":"g"}]}',
    ),
    (
        "dynamodb",
        "GetItem",
        {"Item": {"a": {"B": b"\0\1"}, "b": {"N": "1"}}},
        [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-RequestId", "id-1"), ("x-amz-crc32", "2797317945")],
        b'{"Item":{"a":{"B":"AAE="},"b":{"N":"1"}}}',
    ),
    (
        "dynamodb",
        "DescribeTable",
        {"Table": {"TableName": "t", "CreationDateTime": MOMENT}},
        [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-RequestId", "id-1"), ("x-amz-crc32", "2288835573")],
        b'{"Table":{"TableName":"t","CreationDateTime":1767323045}}',
    ),
    (
        "sts",
        "GetCallerIdentity",
        {"Account": "000000000000", "Arn": "a<b>&c"},
        [("Content-Type", "text/xml"), ("x-amzn-RequestId", "id-1")],
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        b"<Account>000000000000</Account><Arn>a&lt;b&gt;&amp;c</Arn></GetCallerIdentityResult><ResponseMetadata>"
        b"<RequestId>id-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
    ),
    (
        "iam",
        "DeleteRole",
        {},
        [("Content-Type", "text/xml"), ("x-amzn-RequestId", "id-1")],
        b'<DeleteRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata>'
        b"<RequestId>id-1</RequestId></ResponseMetadata></DeleteRoleResponse>",
    ),
    (
        "lambda",
        "Invoke",
        {"StatusCode": 202, "FunctionError": "Unhandled", "ExecutedVersion": "1", "Payload": b'{"a":null}'},
        [
            ("x-amzn-RequestId", "id-1"),
            ("X-Amz-Function-Error", "Unhandled"),
            ("X-Amz-Executed-Version", "1"),
            ("Content-Type", "application/json"),
        ],
        b'{"a":null}',
    ),
]


@pytest.mark.parametrize(("service", "name", "result", "headers", "body"), ANSWERS)
def test_answers(wire: Wire, service: str, name: str, result: dict[str, Any], headers: Any, body: bytes) -> None:
    response = answered(wire, service, name, result)
    assert response.body == body
    assert response.headers == headers


def test_a_member_can_be_the_status(wire: Wire) -> None:
    assert answered(wire, "lambda", "Invoke", {"StatusCode": 202}).status == 202
    assert answered(wire, "lambda", "DeleteAlias", {}).status == 204


S3_ANSWERS = [
    (
        "ListObjectsV2",
        {
            "Name": "b",
            "Contents": [{"Key": "k", "LastModified": MOMENT, "Size": 1}, {"Key": "l"}],
            "IsTruncated": False,
        },
        f"<ListBucketResult {S3_XMLNS}><IsTruncated>false</IsTruncated><Contents><Key>k</Key>"
        "<LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>1</Size></Contents>"
        "<Contents><Key>l</Key></Contents><Name>b</Name></ListBucketResult>",
    ),
    (
        "GetBucketLocation",
        {"LocationConstraint": "eu-west-1"},
        f"<LocationConstraint {S3_XMLNS}>eu-west-1</LocationConstraint>",
    ),
    ("GetBucketLocation", {}, f"<LocationConstraint {S3_XMLNS}></LocationConstraint>"),
    (
        "CreateMultipartUpload",
        {"Bucket": "b", "Key": "k", "UploadId": "u"},
        f"<InitiateMultipartUploadResult {S3_XMLNS}><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>"
        "</InitiateMultipartUploadResult>",
    ),
    (
        "GetBucketAcl",
        {"Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "me"}, "Permission": "READ"}]},
        f"<AccessControlPolicy {S3_XMLNS}><AccessControlList><Grant>"
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>me</ID></Grantee>'
        "<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
    ),
]


@pytest.mark.parametrize(("name", "result", "text"), S3_ANSWERS)
def test_answers_of_s3(wire: Wire, name: str, result: dict[str, Any], text: str) -> None:
    response = answered(wire, "s3", name, result)
    assert response.body == f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    names = [key for key, _ in response.headers]
    assert names == ["x-amz-request-id", "x-amz-id-2", "Content-Type"]


def test_a_part_of_an_object_is_a_206(wire: Wire) -> None:
    response = answered(wire, "s3", "GetObject", {"Body": b"b", "ContentRange": "bytes 1-1/3"})
    assert (response.status, response.body) == (206, b"b")
    assert ("Content-Range", "bytes 1-1/3") in response.headers


def test_an_answer_in_cbor(wire: Wire) -> None:
    sent = request("POST", "/service/G/operation/GetMetricStatistics", b"", ("smithy-protocol", "rpc-v2-cbor"))
    response = answered(
        wire, "cloudwatch", "GetMetricStatistics", {"Label": "l", "Datapoints": [{"Timestamp": 5, "Unit": None}]}, sent
    )
    assert ("smithy-protocol", "rpc-v2-cbor") in response.headers
    assert isinstance(response.body, bytes)
    moment = datetime.fromtimestamp(5, UTC)
    assert cbor.decode(response.body) == {"Label": "l", "Datapoints": [{"Timestamp": moment}]}


def test_json_answers_come_in_the_version_that_was_asked(wire: Wire) -> None:
    sent = request("POST", "/", b"{}", *target("AmazonSQS.ListQueues", "1.1"))
    assert answered(wire, "sqs", "ListQueues", {}, sent).headers[0] == JSON_TYPE
