"""Functions behind a load balancer: events, answers, limits."""

from __future__ import annotations

import base64
from typing import Any

import pytest

ECHO = "return {'statusCode': 200, 'headers': {'Content-Type': 'application/json'}, 'body': json.dumps(event)}"


def test_a_request_becomes_an_event(
    kumoi: Any, balancer: Any, group: Any, function: Any, ask: Any, forward: Any
) -> None:
    arn = group(function(ECHO))
    web = balancer(forward(arn))
    headers = {"X-Colour": "red", "User-Agent": "tests", "X-Forwarded-For": "10.0.0.1", "Content-Type": "text/plain"}
    answer = ask(web, "/p%20q/r?a=1&b=x%20y&a=2&c", "POST", body=b"h\xc3\xa9", headers=headers)
    assert (answer.status, answer.headers["Server"]) == (200, "awselb/2.0")
    event = answer.json()
    assert event["requestContext"] == {"elb": {"targetGroupArn": arn}}
    assert (event["httpMethod"], event["path"]) == ("POST", "/p%20q/r")
    assert event["queryStringParameters"] == {"a": "2", "b": "x%20y", "c": ""}
    assert (event["body"], event["isBase64Encoded"]) == ("hé", False)
    said = event["headers"]
    assert (said["x-colour"], said["host"], said["user-agent"]) == ("red", web["DNSName"], "tests")
    assert (said["x-forwarded-for"], said["x-forwarded-port"]) == ("10.0.0.1, 127.0.0.1", "80")
    assert said["x-forwarded-proto"] == "http"
    assert said["x-amzn-trace-id"].startswith("Root=1-")
    assert sorted(event) == [
        *("body", "headers", "httpMethod", "isBase64Encoded", "path", "queryStringParameters", "requestContext"),
    ]
    from aws_lambda_powertools.utilities.parser.models import AlbModel

    AlbModel.model_validate(event)


def test_bodies_that_are_no_text(balancer: Any, group: Any, function: Any, ask: Any, forward: Any) -> None:
    web = balancer(forward(group(function(ECHO))))
    event = ask(web, "/", "PUT", body=b"\x00\xff", headers={"Content-Type": "application/octet-stream"}).json()
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\x00\xff", True)
    event = ask(web).json()
    assert (event["body"], event["isBase64Encoded"], event["queryStringParameters"]) == ("", False, {})


def test_multiple_values(client: Any, balancer: Any, group: Any, function: Any, ask: Any, forward: Any) -> None:
    answer = (
        "fields = {'Set-Cookie': ['a=1', 'b=2'], 'Content-Type': ['text/html']}\n"
        "return {'statusCode': 201, 'multiValueHeaders': fields, 'headers': {'x': 'y'}, 'body': json.dumps(event)}"
    )
    arn = group(function(answer))
    attribute = {"Key": "lambda.multi_value_headers.enabled", "Value": "true"}
    client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[attribute])
    got = ask(balancer(forward(arn)), "/?a=1&a=2", headers={"X-A": "1"})
    event = got.json()
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["multiValueHeaders"]["x-a"] == ["1"]
    assert "headers" not in event
    assert (got.status, got.headers.getlist("Set-Cookie"), "x" in got.headers) == (201, ["a=1", "b=2"], False)


@pytest.mark.parametrize(
    ("said", "status", "body", "kind"),
    [
        ("return {'statusCode': 200, 'body': 'x'}", 200, b"x", "application/octet-stream"),
        ("return {'statusCode': '404', 'headers': {'content-type': 'a/b'}}", 404, b"", "a/b"),
        ("return {'statusCode': 200, 'body': 'AP8=', 'isBase64Encoded': True}", 200, b"\x00\xff", None),
        ("return {'statusCode': 200, 'body': 'no base64!', 'isBase64Encoded': True}", 502, None, "text/html"),
        ("return 'text'", 502, None, "text/html"),
        ("return None", 502, None, "text/html"),
        ("return {'body': 'x'}", 502, None, "text/html"),
        ("return {'statusCode': 200, 'body': {'a': 1}}", 502, None, "text/html"),
        ("return {'statusCode': 200, 'headers': {'a': 'b\\r\\nc: d'}}", 502, None, "text/html"),
        ("return {'statusCode': 200, 'body': 'x' * 1_048_577}", 502, None, "text/html"),
        ("raise ValueError", 502, None, "text/html"),
    ],
)
def test_answers(
    balancer: Any, group: Any, function: Any, ask: Any, forward: Any, said: str, status: int, body: Any, kind: Any
) -> None:
    answer = ask(balancer(forward(group(function(said)))))
    assert answer.status == status
    assert body is None or answer.data == body
    assert kind is None or answer.headers["Content-Type"] == kind
    if status == 502:
        title = b"<center><h1>502 Bad Gateway</h1></center>"
        assert title in answer.data


def test_large_requests(balancer: Any, group: Any, function: Any, ask: Any, forward: Any) -> None:
    web = balancer(forward(group(function("return {'statusCode': 200, 'body': str(len(event['body']))}"))))
    headers = {"Content-Type": "text/plain"}
    assert ask(web, "/", "POST", body=b"x" * 1_000_000, headers=headers).data == b"1000000"
    refused = ask(web, "/", "POST", body=b"x" * 1_048_577, headers=headers)
    assert (refused.status, b"413 Request Entity Too Large" in refused.data) == (413, True)


def test_a_function_that_is_too_slow(
    client: Any, balancer: Any, group: Any, function: Any, ask: Any, forward: Any
) -> None:
    web = balancer(forward(group(function("time.sleep(8)", Timeout=60))))
    attribute = {"Key": "idle_timeout.timeout_seconds", "Value": "1"}
    client.modify_load_balancer_attributes(LoadBalancerArn=web["LoadBalancerArn"], Attributes=[attribute])
    answer = ask(web)
    assert (answer.status, b"504 Gateway Time-out" in answer.data) == (504, True)


def test_a_function_checks_its_health(
    kumoi: Any, client: Any, balancer: Any, group: Any, function: Any, forward: Any
) -> None:
    body = "return {'statusCode': 200 if event['headers']['user-agent'] == 'ELB-HealthChecker/2.0' else 500}"
    arn = group(function(body), HealthCheckEnabled=True, HealthCheckPath="/health")
    balancer(forward(arn))
    client.get_waiter("target_in_service").wait(TargetGroupArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    [said] = client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert (said["TargetHealth"], "HealthCheckPort" in said) == ({"State": "healthy"}, False)


def test_a_function_without_health_checks(client: Any, balancer: Any, group: Any, function: Any, forward: Any) -> None:
    arn = group(function(ECHO))
    [said] = client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert (said["TargetHealth"]["State"], said["TargetHealth"]["Reason"]) == ("unused", "Target.NotInUse")
    balancer(forward(arn))
    [said] = client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert (said["TargetHealth"]["State"], said["TargetHealth"]["Reason"]) == (
        "unavailable",
        "Target.HealthCheckDisabled",
    )


def test_websockets_are_not_for_functions(kumoi: Any, balancer: Any, group: Any, function: Any, forward: Any) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    label = balancer(forward(group(function(ECHO))))["DNSName"].partition(".")[0]
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws{kumoi.url.removeprefix('http')}/_kumoi/elb/{label}/x", open_timeout=60)
    assert refused.value.response.status_code == 400
