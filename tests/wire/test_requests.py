"""Each protocol by example: what stands on the wire of a request, and what a handler is given; what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kumoi.wire import AwsError, BufferedBody, Headers, Request, Wire, cbor

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


def request(method: str, target: str, body: bytes = b"", *headers: tuple[str, str]) -> Request:
    path, _, query = target.partition("?")
    return Request(method, path, query, Headers(headers), BufferedBody(body))


def target(name: str, version: str = "1.1") -> list[tuple[str, str]]:
    return [("X-Amz-Target", name), ("Content-Type", f"application/x-amz-json-{version}")]


def decoded(wire: Wire, service: str, sent: Request) -> tuple[str, dict[str, Any]]:
    codec = wire.codec(service)
    body = sent.body.content
    exchange = codec.match(sent, body if codec.needs_form(sent) else None)
    return exchange.name, exchange.decode(sent, sent.body if exchange.streams_input else body)


def refused(wire: Wire, service: str, sent: Request) -> AwsError:
    with pytest.raises(AwsError) as caught:
        decoded(wire, service, sent)
    return caught.value


REQUESTS = [
    pytest.param(
        "logs",
        request(
            "POST",
            "/",
            b'{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"\xc3\xa9","x":2}],"n":null}',
            *target("Logs_20140328.PutLogEvents"),
        ),
        "PutLogEvents",
        {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "é"}]},
        id="json: unknown members and nulls are dropped",
    ),
    pytest.param(
        "dynamodb",
        request(
            "POST",
            "/",
            b'{"TableName":"t","Item":{"a":{"B":"AAEC"},"b":{"L":[{"N":"1"},{"M":{"c":{"NULL":true}}}]}}}',
            *target("DynamoDB_20120810.PutItem", "1.0"),
        ),
        "PutItem",
        {"TableName": "t", "Item": {"a": {"B": b"\0\1\2"}, "b": {"L": [{"N": "1"}, {"M": {"c": {"NULL": True}}}]}}},
        id="json: blobs deep inside a shape that contains itself",
    ),
    pytest.param(
        "kinesis",
        request(
            "POST",
            "/",
            b'{"StreamName":"s","ShardId":"0","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1767323045.5}',
            *target("Kinesis_20131202.GetShardIterator"),
        ),
        "GetShardIterator",
        {
            "StreamName": "s",
            "ShardId": "0",
            "ShardIteratorType": "AT_TIMESTAMP",
            "Timestamp": MOMENT.replace(microsecond=500_000),
        },
        id="json: a timestamp in epoch seconds",
    ),
    pytest.param(
        "iam",
        request(
            "POST",
            "/",
            b"Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%7D"
            b"&MaxSessionDuration=3600&Tags.member.1.Key=k+1&Tags.member.1.Value=&Tags.member.2.Key=l&Tags.member.2.Value=v",
            FORM,
        ),
        "CreateRole",
        {
            "RoleName": "r",
            "AssumeRolePolicyDocument": "{}",
            "MaxSessionDuration": 3600,
            "Tags": [{"Key": "k 1", "Value": ""}, {"Key": "l", "Value": "v"}],
        },
        id="query: a form",
    ),
    pytest.param(
        "sts",
        request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15"),
        "GetCallerIdentity",
        {},
        id="query: a query string",
    ),
    pytest.param(
        "sns",
        request(
            "POST",
            "/",
            b"Action=Publish&Message=m&TopicArn=t&MessageAttributes.entry.1.Name=n"
            b"&MessageAttributes.entry.1.Value.DataType=Binary&MessageAttributes.entry.1.Value.BinaryValue=AAE%3D",
            FORM,
        ),
        "Publish",
        {"Message": "m", "TopicArn": "t", "MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b"\0\1"}}},
        id="query: a map with a blob",
    ),
    pytest.param(
        "ec2",
        request(
            "POST",
            "/",
            b"Action=CreateSecurityGroup&GroupDescription=d&GroupName=g&TagSpecification.1.ResourceType=security-group"
            b"&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v&DryRun=true",
            FORM,
        ),
        "CreateSecurityGroup",
        {
            "Description": "d",
            "GroupName": "g",
            "TagSpecifications": [{"ResourceType": "security-group", "Tags": [{"Key": "k", "Value": "v"}]}],
            "DryRun": True,
        },
        id="ec2: names that begin with capitals, lists without wrappers",
    ),
    pytest.param(
        "lambda",
        request(
            "POST",
            "/2015-03-31/functions/my%3Afunction/invocations?Qualifier=%24LATEST",
            b'{"n": null}',
            ("X-Amz-Invocation-Type", "Event"),
            ("x-amz-log-type", "Tail"),
        ),
        "Invoke",
        {
            "FunctionName": "my:function",
            "Qualifier": "$LATEST",
            "InvocationType": "Event",
            "LogType": "Tail",
            "Payload": b'{"n": null}',
        },
        id="rest-json: path, query, headers and a raw payload",
    ),
    pytest.param(
        "lambda",
        request(
            "DELETE",
            "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af?tagKeys=a&tagKeys=b",
        ),
        "UntagResource",
        {"Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "TagKeys": ["a", "b"]},
        id="rest-json: a list in the query",
    ),
    pytest.param(
        "lambda",
        request(
            "PUT",
            "/2015-03-31/functions/f/code",
            b'{"ZipFile":"UEs=","FunctionName":"not from the body","Publish":true,"later":{"x":[1]}}',
        ),
        "UpdateFunctionCode",
        {"FunctionName": "f", "ZipFile": b"PK", "Publish": True},
        id="rest-json: a bound member is not read from the body",
    ),
    pytest.param(
        "s3",
        request("GET", "/bucket?list-type=2&prefix=a%2Fb&max-keys=7&encoding-type=url"),
        "ListObjectsV2",
        {"Bucket": "bucket", "Prefix": "a/b", "MaxKeys": 7, "EncodingType": "url"},
        id="rest-xml: query members",
    ),
    pytest.param(
        "s3",
        request(
            "PUT",
            "/bucket?tagging",
            b'<?xml version="1.0"?><Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>'
            b"<Tag><Key>k</Key><Value>a &amp; b</Value></Tag><Tag><Key>l</Key><Value/></Tag></TagSet></Tagging>",
        ),
        "PutBucketTagging",
        {"Bucket": "bucket", "Tagging": {"TagSet": [{"Key": "k", "Value": "a & b"}, {"Key": "l", "Value": ""}]}},
        id="rest-xml: a document",
    ),
    pytest.param(
        "s3",
        request(
            "POST",
            "/bucket?delete",
            b"<Delete><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>1</VersionId></Object>"
            b"<Quiet>true</Quiet></Delete>",
        ),
        "DeleteObjects",
        {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "1"}], "Quiet": True}},
        id="rest-xml: a flattened list",
    ),
    pytest.param(
        "s3",
        request(
            "PUT",
            "/bucket?acl",
            b'<AccessControlPolicy xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><AccessControlList><Grant>'
            b'<Grantee xsi:type="CanonicalUser"><ID>me</ID></Grantee><Permission>READ</Permission></Grant>'
            b"</AccessControlList></AccessControlPolicy>",
        ),
        "PutBucketAcl",
        {
            "Bucket": "bucket",
            "AccessControlPolicy": {
                "Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "me"}, "Permission": "READ"}]
            },
        },
        id="rest-xml: an attribute",
    ),
    pytest.param(
        "cloudwatch",
        request(
            "POST",
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            cbor.encode({"Namespace": "n", "MetricData": [{"MetricName": "m", "Timestamp": MOMENT, "Value": 1.5}]}),
            ("smithy-protocol", "rpc-v2-cbor"),
        ),
        "PutMetricData",
        {"Namespace": "n", "MetricData": [{"MetricName": "m", "Timestamp": MOMENT, "Value": 1.5}]},
        id="cbor",
    ),
    pytest.param(
        "cloudwatch",
        request(
            "POST",
            "/",
            b'{"Namespace":"n","MetricData":[]}',
            *target("GraniteServiceVersion20100801.PutMetricData", "1.0"),
        ),
        "PutMetricData",
        {"Namespace": "n", "MetricData": []},
        id="the same service in json",
    ),
    pytest.param(
        "cloudwatch",
        request("POST", "/", b"Action=PutMetricData&Namespace=n&MetricData.member.1.MetricName=m", FORM),
        "PutMetricData",
        {"Namespace": "n", "MetricData": [{"MetricName": "m"}]},
        id="the same service in query",
    ),
]


@pytest.mark.parametrize(("service", "sent", "name", "params"), REQUESTS)
def test_requests(wire: Wire, service: str, sent: Request, name: str, params: dict[str, Any]) -> None:
    assert decoded(wire, service, sent) == (name, params)


def test_s3_metadata_and_a_streamed_body(wire: Wire) -> None:
    sent = request(
        "PUT",
        "/bucket/a%2Fb//c/",
        b"content",
        ("x-amz-meta-Colour", "blue"),
        ("Expires", "Fri, 02 Jan 2026 03:04:05 GMT"),
    )
    name, params = decoded(wire, "s3", sent)
    assert params.pop("Body") is sent.body
    assert (name, params) == (
        "PutObject",
        {
            "Bucket": "bucket",
            "Key": "a/b//c/",
            "Metadata": {"Colour": "blue"},
            "Expires": "Fri, 02 Jan 2026 03:04:05 GMT",
        },
    )


REFUSALS = [
    ("logs", request("POST", "/", b"{", *target("Logs_20140328.PutLogEvents")), "SerializationException"),
    ("logs", request("POST", "/", b"[]", *target("Logs_20140328.PutLogEvents")), "SerializationException"),
    (
        "logs",
        request("POST", "/", b'{"limit":"5"}', *target("Logs_20140328.DescribeLogGroups")),
        "SerializationException",
    ),
    (
        "logs",
        request("POST", "/", b'{"limit":1.0}', *target("Logs_20140328.DescribeLogGroups")),
        "SerializationException",
    ),
    (
        "logs",
        request("POST", "/", b'{"limit":true}', *target("Logs_20140328.DescribeLogGroups")),
        "SerializationException",
    ),
    (
        "logs",
        request("POST", "/", b'{"limit":99999999999}', *target("Logs_20140328.DescribeLogGroups")),
        "SerializationException",
    ),
    (
        "logs",
        request("POST", "/", b'{"logGroupNamePrefix":"\xff"}', *target("Logs_20140328.DescribeLogGroups")),
        "SerializationException",
    ),
    (
        "dynamodb",
        request("POST", "/", b'{"TableName":"t","Item":{"a":{"B":"?"}}}', *target("DynamoDB_20120810.PutItem")),
        "SerializationException",
    ),
    (
        "dynamodb",
        request("POST", "/", b'{"Item":' + b'{"a":{"M":' * 6000 + b"{}" + b"}}" * 6000 + b"}", *target("X.PutItem")),
        "SerializationException",
    ),
    ("logs", request("POST", "/", b"{}", *target("Logs_20140328.Nothing")), "UnknownOperationException"),
    ("logs", request("POST", "/", b"{}"), "UnknownOperationException"),
    ("iam", request("POST", "/", b"Action=Nothing", FORM), "InvalidAction"),
    ("iam", request("POST", "/", b"", FORM), "MissingAction"),
    ("iam", request("POST", "/", b"Action=ListRoles&MaxItems=many", FORM), "MalformedInput"),
    ("iam", request("POST", "/", b"Action=ListRoles&PathPrefix=%ff", FORM), "MalformedInput"),
    ("iam", request("POST", "/", b"Action=ListRoles&" + b"a." * 100 + b"b=1", FORM), "MalformedInput"),
    ("s3", request("PUT", "/b?tagging", b"<Tagging>"), "MalformedXML"),
    ("s3", request("PUT", "/b?tagging", b'<!DOCTYPE a [<!ENTITY b "c">]><Tagging/>'), "MalformedXML"),
    ("s3", request("GET", "/b?list-type=2&prefix=%ff"), "InvalidURI"),
    ("s3", request("PATCH", "/b"), "MethodNotAllowed"),
    ("s3", request("GET", "/b?list-type=2&max-keys=many"), "InvalidArgument"),
    ("lambda", request("GET", "/2099-01-01/nothing"), "UnknownOperationException"),
    ("lambda", request("PATCH", "/2015-03-31/functions/f"), "MethodNotAllowedException"),
    (
        "cloudwatch",
        request("POST", "/service/G/operation/PutMetricData", b"\xff", ("smithy-protocol", "rpc-v2-cbor")),
        "SerializationException",
    ),
    ("ec2", request("POST", "/", b"Action=DescribeVpcs&MaxResults=1e3", FORM), "MalformedInput"),
]


@pytest.mark.parametrize(("service", "sent", "code"), REFUSALS)
def test_what_cannot_be_read_is_refused_in_the_protocols_words(
    wire: Wire, service: str, sent: Request, code: str
) -> None:
    assert refused(wire, service, sent).code == code


def test_empty_numbers_and_bad_dates_count_for_nothing_in_s3(wire: Wire) -> None:
    assert decoded(wire, "s3", request("GET", "/b?list-type=2&max-keys="))[1] == {"Bucket": "b"}
    sent = request("GET", "/b/k", b"", ("If-Modified-Since", "yesterday"))
    assert decoded(wire, "s3", sent)[1] == {"Bucket": "b", "Key": "k", "IfModifiedSince": None}


def test_generated_source_shows_in_tracebacks(wire: Wire) -> None:
    sent = request("POST", "/", b'{"limit":"5"}', *target("Logs_20140328.DescribeLogGroups"))
    traceback = refused(wire, "logs", sent).__traceback__
    names = []
    while traceback is not None:
        names.append(traceback.tb_frame.f_code.co_filename)
        traceback = traceback.tb_next
    assert "<kumoi wire: logs DescribeLogGroups decode>" in names
