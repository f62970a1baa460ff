"""Each protocol by example: how it says what went wrong."""

from __future__ import annotations

import pytest

from kumoi.wire import AwsError, BufferedBody, Headers, Request, Wire, aws_error

FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


def request(method: str, target: str, body: bytes = b"", *headers: tuple[str, str]) -> Request:
    path, _, query = target.partition("?")
    return Request(method, path, query, Headers(headers), BufferedBody(body))


def target(name: str, version: str = "1.1") -> list[tuple[str, str]]:
    return [("X-Amz-Target", name), ("Content-Type", f"application/x-amz-json-{version}")]


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
        "ec2",
        request("POST", "/", b"Action=DescribeVpcs", FORM),
        aws_error("NotImplemented", "not yet"),
        501,
        b"<Response><Errors><Error><Code>NotImplemented</Code><Message>not yet</Message></Error></Errors>"
        b"<RequestID>id-1</RequestID></Response>",
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


def test_headers_of_an_error(wire: Wire) -> None:
    error = aws_error("NotModified", "Not Modified").with_headers(("ETag", '"e"'))
    response = wire.codec("s3").error_response(request("GET", "/b/k"), error, "id")
    assert (response.status, response.body) == (304, b"")
    assert response.headers[-1] == ("ETag", '"e"')
