"""Each protocol by example: what stands on the wire, and what a handler is given and answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kumoi.wire import AwsError, BufferedBody, Headers, Request, Response, UnknownService, Wire, aws_error, cbor

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
S3_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


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


def answered(wire: Wire, service: str, name: str, result: dict[str, Any], sent: Request | None = None) -> Response:
    codec = wire.codec(service)
    sent = sent or request("POST", "/")
    protocol = codec.protocol_of(sent)
    return codec.operation_codec(codec.operation(name), protocol).encode(sent, result, "id-1")


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
        request("POST", "/", b'{"Item":' + b'{"a":{"M":' * 900 + b"{}" + b"}}" * 900 + b"}", *target("X.PutItem")),
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
    ("ec2", request("POST", "/", b"Action=RunInstances", FORM), "NotImplemented"),
]


@pytest.mark.parametrize(("service", "sent", "code"), REFUSALS)
def test_what_cannot_be_read_is_refused_in_the_protocols_words(
    wire: Wire, service: str, sent: Request, code: str
) -> None:
    assert refused(wire, service, sent).code == code


JSON_TYPE = ("Content-Type", "application/x-amz-json-1.1")
ANSWERS = [
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


def test_headers_of_an_error(wire: Wire) -> None:
    error = aws_error("NotModified", "Not Modified").with_headers(("ETag", '"e"'))
    response = wire.codec("s3").error_response(request("GET", "/b/k"), error, "id")
    assert (response.status, response.body) == (304, b"")
    assert response.headers[-1] == ("ETag", '"e"')


def test_empty_numbers_and_bad_dates_count_for_nothing_in_s3(wire: Wire) -> None:
    assert decoded(wire, "s3", request("GET", "/b?list-type=2&max-keys="))[1] == {"Bucket": "b"}
    sent = request("GET", "/b/k", b"", ("If-Modified-Since", "yesterday"))
    assert decoded(wire, "s3", sent)[1] == {"Bucket": "b", "Key": "k", "IfModifiedSince": None}


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


MISSING = aws_error("ResourceNotFoundException", "no such thing", Extra="left out")
ERRORS = [
    (
        "logs",
        request("POST", "/", b"", *target("Logs_20140328.PutLogEvents")),
        MISSING,
        400,
        b'{"__type":"ResourceNotFoundException","message":"no such thing"}',
    ),
    (
        "dynamodb",
        request("POST", "/", b"", *target("DynamoDB_20120810.GetItem", "1.0")),
        MISSING,
        400,
        b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no such thing"}',
    ),
    (
        "lambda",
        request("GET", "/2015-03-31/functions/f"),
        MISSING,
        404,
        b'{"Message":"no such thing","Type":"User"}',
    ),
    (
        "lambda",
        request("GET", "/2015-03-31/functions/f"),
        aws_error("ServiceException", "broken"),
        500,
        b'{"Message":"broken","Type":"Service"}',
    ),
    (
        "lambda",
        request("GET", "/2015-03-31/functions/f"),
        aws_error("ValidationException", "wrong"),
        400,
        b'{"message":"wrong"}',
    ),
    (
        "iam",
        request("POST", "/", b"", FORM),
        aws_error("NoSuchEntityException", "no <role>"),
        404,
        b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        b"<Code>NoSuchEntity</Code><Message>no &lt;role&gt;</Message></Error><RequestId>id-1</RequestId>"
        b"</ErrorResponse>",
    ),
    (
        "cloudfront",
        request("GET", "/2020-05-31/distribution/X"),
        aws_error("NoSuchDistribution", "none"),
        404,
        b"<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchDistribution</Code><Message>none</Message></Error>"
        b"<RequestId>id-1</RequestId></ErrorResponse>",
    ),
]


@pytest.mark.parametrize(("service", "sent", "error", "status", "body"), ERRORS)
def test_errors(wire: Wire, service: str, sent: Request, error: AwsError, status: int, body: bytes) -> None:
    response = wire.codec(service).error_response(sent, error, "id-1")
    assert (response.status, response.body) == (status, body)


def test_an_error_of_s3_has_no_wrapper_and_of_a_head_request_no_body(wire: Wire) -> None:
    error = aws_error("NoSuchBucket", "The specified bucket does not exist", BucketName="b")
    response = wire.codec("s3").error_response(request("GET", "/b"), error, "id-1")
    host_id = dict(response.headers)["x-amz-id-2"]
    assert response.status == 404
    assert (
        response.body
        == (
            '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket '
            "does not exist</Message><BucketName>b</BucketName><RequestId>id-1</RequestId>"
            f"<HostId>{host_id}</HostId></Error>"
        ).encode()
    )
    head = wire.codec("s3").error_response(request("HEAD", "/b"), error, "id-1")
    assert (head.status, head.body) == (404, b"")


def test_clients_of_the_old_query_protocol_find_its_codes_in_a_header(wire: Wire) -> None:
    error = aws_error("QueueDoesNotExist", "none")
    response = wire.codec("sqs").error_response(
        request("POST", "/", b"", *target("AmazonSQS.SendMessage")), error, "id"
    )
    assert dict(response.headers)["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert response.body == b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"none"}'


def test_an_error_of_rest_json_names_itself_in_a_header_and_binds_members_to_headers(wire: Wire) -> None:
    error = aws_error("TooManyRequestsException", "slow", retryAfterSeconds="7", Reason="CallerRateLimitExceeded")
    response = wire.codec("lambda").error_response(request("GET", "/"), error, "id")
    assert response.status == 429
    assert dict(response.headers) == {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": "TooManyRequestsException",
        "Retry-After": "7",
        "x-amzn-RequestId": "id",
    }
    assert response.body == b'{"message":"slow","Reason":"CallerRateLimitExceeded","Type":"User"}'


def test_a_service_of_our_own_is_declared_like_the_others() -> None:
    declared = {
        "metadata": {"protocol": "rest-json", "serviceId": "Own"},
        "operations": {
            "Greet": {
                "name": "Greet",
                "http": {"method": "GET", "requestUri": "/greet/{name}", "responseCode": 201},
                "input": {"shape": "In"},
                "output": {"shape": "Out"},
            }
        },
        "shapes": {
            "In": {
                "type": "structure",
                "required": ["name"],
                "members": {"name": {"shape": "Text", "location": "uri", "locationName": "name"}},
            },
            "Out": {"type": "structure", "members": {"said": {"shape": "Text", "locationName": "Said"}}},
            "Text": {"type": "string"},
        },
    }
    codec = Wire({"own": declared}).codec("own")
    sent = request("GET", "/greet/you")
    exchange = codec.match(sent)
    assert exchange.decode(sent, b"") == {"name": "you"}
    response = exchange.encode({"said": "hello"}, "id")
    assert (response.status, response.body) == (201, b'{"Said":"hello"}')


def test_a_service_without_a_model_is_unknown(wire: Wire) -> None:
    with pytest.raises(UnknownService):
        wire.codec("nothing")


def test_generated_source_shows_in_tracebacks(wire: Wire) -> None:
    sent = request("POST", "/", b'{"limit":"5"}', *target("Logs_20140328.DescribeLogGroups"))
    traceback = refused(wire, "logs", sent).__traceback__
    names = []
    while traceback is not None:
        names.append(traceback.tb_frame.f_code.co_filename)
        traceback = traceback.tb_next
    assert "<kumoi wire: logs DescribeLogGroups decode>" in names
