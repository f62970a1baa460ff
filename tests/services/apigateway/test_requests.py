"""Requests to REST APIs: the event of a proxy, addresses, what the gateway answers itself."""

from __future__ import annotations

import base64
import gzip
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def echo(api: Any, function: Any) -> Any:
    """An API whose every path answers the event it was called with."""
    made = api()
    arn = function()
    made.method("ANY /{proxy+}", arn)
    made.method("GET /pets/{id}", arn)
    made.deploy(variables={"color": "red"})
    return made


def test_the_event_of_a_proxy(kumoi: Any, echo: Any, ask: Any) -> None:
    answer = ask(
        echo.id,
        path="/pets/a%20b?x=1&x=2&y=%C3%A4",
        headers={"User-Agent": "tests", "X-Twice": "1", "Accept": "a/b"},
    )
    assert answer.status == 200
    event = answer.json()
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/pets/{id}", "/pets/a b", "GET")
    assert event["pathParameters"] == {"id": "a b"}
    assert event["queryStringParameters"] == {"x": "2", "y": "ä"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": ["ä"]}
    assert (event["stageVariables"], event["body"], event["isBase64Encoded"]) == ({"color": "red"}, None, False)
    host = f"{echo.id}.execute-api.us-east-1.amazonaws.com"
    assert (event["headers"]["Host"], event["multiValueHeaders"]["Accept"]) == (host, ["a/b"])
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    context = event["requestContext"]
    assert set(context) == {
        *("resourceId", "resourcePath", "httpMethod", "extendedRequestId", "requestTime", "path", "accountId"),
        *("protocol", "stage", "domainPrefix", "requestTimeEpoch", "requestId", "identity", "domainName"),
        *("deploymentId", "apiId"),
    }
    assert (context["path"], context["stage"], context["apiId"]) == ("/dev/pets/a b", "dev", echo.id)
    assert (context["accountId"], context["resourcePath"]) == (kumoi.account, "/pets/{id}")
    assert context["resourceId"] == echo.resources["/pets/{id}"]
    assert context["identity"]["userAgent"] == "tests"
    assert context["identity"]["cognitoIdentityId"] is None
    assert answer.headers["x-amzn-requestid"] == context["requestId"]
    assert answer.headers["x-amz-apigw-id"] == context["extendedRequestId"]
    assert answer.headers["x-amzn-trace-id"].startswith("Root=1-")


def test_a_resource_without_the_method_leaves_it_to_the_proxy(echo: Any, ask: Any) -> None:
    event = ask(echo.id, "POST", "/pets/1", body=b"hello").json()
    assert (event["resource"], event["pathParameters"], event["body"]) == ("/{proxy+}", {"proxy": "pets/1"}, "hello")


@pytest.mark.parametrize(
    "form", ["_kumoi/execute-api/{}/dev", "_aws/execute-api/{}/dev", "restapis/{}/dev/_user_request_"]
)
def test_addresses_by_path(kumoi: Any, http: Any, echo: Any, form: str) -> None:
    event = http.request("GET", f"{kumoi.url}/{form.format(echo.id)}/pets/1").json()
    assert (event["resource"], event["path"]) == ("/pets/{id}", "/pets/1")


def test_a_name_below_localhost(kumoi: Any, http: Any, echo: Any) -> None:
    port = urlsplit(kumoi.url).port
    for host in (f"{echo.id}.execute-api.localhost:{port}", f"{echo.id}.execute-api.localhost.localstack.cloud:{port}"):
        assert http.request("GET", f"{kumoi.url}/dev/pets/1", headers={"Host": host}).status == 200


def test_what_is_not_there(kumoi: Any, http: Any, api: Any, ask: Any, mock: Any) -> None:
    made = api()
    made.method("GET /a", mock, [{"statusCode": "200"}])
    missing = ask(made.id, path="/a")
    assert (missing.status, missing.json()) == (403, {"message": "Forbidden"})
    made.deploy()
    assert ask(made.id, path="/a").status == 200
    for method, path in (("GET", "/b"), ("POST", "/a"), ("GET", "/")):
        answer = ask(made.id, method, path)
        assert (answer.status, answer.json()) == (403, {"message": "Missing Authentication Token"})
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert ask("nothing", path="/a").json() == {"message": "Forbidden"}


def test_changes_show_with_the_next_deployment(client: Any, api: Any, ask: Any, mock: Any) -> None:
    made = api()
    made.method("GET /a", mock, [{"statusCode": "200", "responseTemplates": {"application/json": "one"}}])
    first = made.deploy()
    place = {"restApiId": made.id, "resourceId": made.resource("/a"), "httpMethod": "GET", "statusCode": "200"}
    change = [{"op": "replace", "path": "/responseTemplates/application~1json", "value": "two"}]
    client.update_integration_response(**place, patchOperations=change)
    assert ask(made.id, path="/a").data == b"one"
    made.deploy()
    assert ask(made.id, path="/a").data == b"two"
    back = [{"op": "replace", "path": "/deploymentId", "value": first}]
    client.update_stage(restApiId=made.id, stageName="dev", patchOperations=back)
    assert ask(made.id, path="/a").data == b"one"


def test_a_canary(client: Any, api: Any, ask: Any, mock: Any) -> None:
    made = api()
    said = {"statusCode": "200", "responseTemplates": {"application/json": "$stageVariables.v one"}}
    made.method("GET /a", mock, [said])
    first = made.deploy(variables={"v": "base"})
    place = {"restApiId": made.id, "resourceId": made.resource("/a"), "httpMethod": "GET", "statusCode": "200"}
    two = "$stageVariables.v two $context.isCanaryRequest"
    change = [{"op": "replace", "path": "/responseTemplates/application~1json", "value": two}]
    client.update_integration_response(**place, patchOperations=change)
    second = made.deploy(canarySettings={"percentTraffic": 0.0, "stageVariableOverrides": {"v": "canary"}})
    stage = {"restApiId": made.id, "stageName": "dev"}
    assert client.get_stage(**stage)["canarySettings"]["deploymentId"] == second
    assert ask(made.id, path="/a").data == b"base one"
    all_of_it = [{"op": "replace", "path": "/canarySettings/percentTraffic", "value": "100"}]
    client.update_stage(**stage, patchOperations=all_of_it)
    assert ask(made.id, path="/a").data == b"canary two true"
    promoted = client.update_stage(
        **stage,
        patchOperations=[
            {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"},
            {"op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"},
            {"op": "remove", "path": "/canarySettings"},
        ],
    )
    assert (promoted["deploymentId"], promoted["variables"]) == (second, {"v": "canary"})
    assert ask(made.id, path="/a").data == b"canary two false"
    client.delete_deployment(restApiId=made.id, deploymentId=first)


FAILING = [
    ("raise ValueError('no')", 502),
    ("return 'text'", 502),
    ("return {'statusCode': 'x'}", 502),
    ("return {'body': {'a': 1}}", 502),
    ("return {'headers': 7}", 502),
]


@pytest.mark.parametrize(("body", "status"), FAILING)
def test_a_function_that_describes_no_response(api: Any, function: Any, ask: Any, body: str, status: int) -> None:
    made = api()
    made.method("GET /", function(body))
    made.deploy()
    answer = ask(made.id)
    assert (answer.status, answer.json()) == (status, {"message": "Internal server error"})
    assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"


def test_a_function_that_is_not_there(api: Any, ask: Any) -> None:
    made = api()
    made.method("GET /", "arn:aws:lambda:us-east-1:000000000000:function:none")
    made.deploy()
    assert (ask(made.id).status, ask(made.id).json()) == (500, {"message": "Internal server error"})


def test_a_function_that_takes_too_long(api: Any, function: Any, ask: Any, uri: Any) -> None:
    made = api()
    arn = function("time.sleep(20)")
    made.method(
        "GET /",
        {"type": "AWS_PROXY", "uri": uri(arn), "integrationHttpMethod": "POST", "timeoutInMillis": 300},
    )
    made.deploy()
    answer = ask(made.id)
    assert (answer.status, answer.json()) == (504, {"message": "Endpoint request timed out"})


def test_the_fields_of_a_response(api: Any, function: Any, ask: Any) -> None:
    made = api()
    body = (
        "return {'statusCode': '201', 'headers': {'X-A': True, 'Date': 'x', 'Content-Type': 'text/plain'},"
        " 'multiValueHeaders': {'Set-Cookie': ['a=1', 'b=2']}, 'body': 'made'}"
    )
    made.method("GET /", function(body))
    made.deploy()
    answer = ask(made.id)
    assert (answer.status, answer.data) == (201, b"made")
    assert (answer.headers["x-a"], answer.headers["x-amzn-remapped-date"]) == ("true", "x")
    assert answer.headers.getlist("set-cookie") == ["a=1", "b=2"]


def test_binary_bodies(api: Any, function: Any, ask: Any) -> None:
    made = api(binaryMediaTypes=["image/png"])
    body = (
        "content = event['body'] or ''\n"
        "return {'isBase64Encoded': True, 'body': content, 'headers': {'X-Was': str(event['isBase64Encoded'])}}"
    )
    made.method("POST /", function(body))
    made.deploy()
    png = {"Content-Type": "image/png"}
    answer = ask(made.id, "POST", body=b"\x89PNG\0", headers={**png, "Accept": "image/png,*/*"})
    assert (answer.data, answer.headers["x-was"]) == (b"\x89PNG\0", "True")
    unasked = ask(made.id, "POST", body=b"\x89PNG\0", headers={**png, "Accept": "*/*"})
    assert unasked.data == base64.b64encode(b"\x89PNG\0")


def test_a_body_over_ten_megabytes(echo: Any, ask: Any) -> None:
    answer = ask(echo.id, "POST", "/x", body=b"x" * 10_485_761)
    assert (answer.status, answer.json()) == (413, {"message": "Request Too Long"})
    over_lambda = ask(echo.id, "POST", "/x", body=b"x" * 7_000_000)
    assert over_lambda.status == 413


def test_compression(api: Any, ask: Any, mock: Any) -> None:
    made = api(minimumCompressionSize=10)
    made.method("GET /", mock, [{"statusCode": "200", "responseTemplates": {"application/json": "x" * 100}}])
    made.deploy()
    answer = ask(made.id, headers={"Accept-Encoding": "gzip"}, decode_content=False, preload_content=True)
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.data) == b"x" * 100
    assert "content-encoding" not in ask(made.id).headers
    mocked = {**mock, "requestTemplates": {"application/json": '{"statusCode": 200}'}}
    made.method("POST /", mocked, [{"statusCode": "200"}])
    made.deploy()
    sent = {"Content-Encoding": "gzip"}
    assert ask(made.id, "POST", headers=sent, body=gzip.compress(b"{}")).status == 200
    assert ask(made.id, "POST", headers=sent, body=gzip.compress(b" " * 10_485_761)).status == 413
    assert ask(made.id, "POST", headers=sent, body=b"no gzip").status == 400


def test_a_custom_domain(kumoi: Any, client: Any, echo: Any, http: Any) -> None:
    name = f"api-{kumoi.account}.example.com"
    client.create_domain_name(
        domainName=name,
        regionalCertificateArn="arn:aws:acm:us-east-1:000000000000:certificate/x",
        endpointConfiguration={"types": ["REGIONAL"]},
    )
    client.create_base_path_mapping(domainName=name, basePath="v1", restApiId=echo.id, stage="dev")
    client.create_base_path_mapping(domainName=name, restApiId=echo.id)
    event = http.request("GET", f"{kumoi.url}/v1/pets/1", headers={"Host": name}).json()
    assert (event["path"], event["requestContext"]["path"]) == ("/v1/pets/1", "/v1/pets/1")
    assert event["requestContext"]["domainName"] == name
    assert http.request("GET", f"{kumoi.url}/dev/pets/2", headers={"Host": name}).json()["pathParameters"] == {
        "id": "2"
    }
    second = kumoi.client("apigatewayv2")
    second.create_api_mapping(DomainName=name, ApiId=echo.id, Stage="dev", ApiMappingKey="v2/deep")
    assert (
        http.request("GET", f"{kumoi.url}/v2/deep/pets/1", headers={"Host": name}).json()["path"] == "/v2/deep/pets/1"
    )
    client.delete_base_path_mapping(domainName=name, basePath="v2/deep")
    client.delete_base_path_mapping(domainName=name, basePath="v1")
    assert [one["basePath"] for one in client.get_base_path_mappings(domainName=name)["items"]] == ["(none)"]
    client.delete_domain_name(domainName=name)


def test_access_logs(kumoi: Any, client: Any, api: Any, ask: Any, mock: Any) -> None:
    logs = kumoi.client("logs")
    logs.create_log_group(logGroupName="access")
    made = api()
    made.method("GET /a", mock, [{"statusCode": "200"}])
    made.deploy()
    form = '{"s":"$context.status","p":"$context.path","e":"$context.error.message","t":"$context.error.responseType"}'
    client.update_stage(
        restApiId=made.id,
        stageName="dev",
        patchOperations=[
            {
                "op": "replace",
                "path": "/accessLogSettings/destinationArn",
                "value": f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:access",
            },
            {"op": "replace", "path": "/accessLogSettings/format", "value": form},
        ],
    )
    ask(made.id, path="/a")
    ask(made.id, path="/b")
    found: list[Any] = []
    deadline = time.monotonic() + 60
    while len(found) < 2:
        assert time.monotonic() < deadline, found
        found = [json.loads(one["message"]) for one in logs.filter_log_events(logGroupName="access")["events"]]
    assert found[0] == {"s": "200", "p": "/dev/a", "e": "-", "t": "-"}
    missing = {"s": "403", "p": "/dev/b", "e": "Missing Authentication Token", "t": "MISSING_AUTHENTICATION_TOKEN"}
    assert found[1] == missing


def test_execution_logs(kumoi: Any, client: Any, api: Any, ask: Any, mock: Any) -> None:
    logs = kumoi.client("logs")
    made = api()
    made.method("GET /a", mock, [{"statusCode": "200"}])
    made.method("GET /broken", {**mock, "requestTemplates": {"application/json": "{}"}})
    made.deploy()
    changes = [
        {"op": "replace", "path": "/*/*/logging/loglevel", "value": "ERROR"},
        {"op": "replace", "path": "/~1a/GET/logging/loglevel", "value": "INFO"},
        {"op": "replace", "path": "/~1a/GET/logging/dataTrace", "value": "true"},
    ]
    client.update_stage(restApiId=made.id, stageName="dev", patchOperations=changes)
    ask(made.id, path="/a")
    ask(made.id, path="/broken")
    group = f"API-Gateway-Execution-Logs_{made.id}/dev"
    found: list[str] = []
    deadline = time.monotonic() + 60
    while len(found) < 4:
        assert time.monotonic() < deadline, found
        if logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            found = [one["message"].partition(") ")[2] for one in logs.filter_log_events(logGroupName=group)["events"]]
    assert found[:3] == [
        "HTTP Method: GET, Resource Path: /a",
        'Endpoint request body: {"statusCode": 200}',
        "Method completed with status: 200",
    ]
    assert found[3].startswith("Gateway response type: API_CONFIGURATION_ERROR")


def test_throttles(client: Any, api: Any, ask: Any, mock: Any) -> None:
    made = api()
    made.method("GET /a/{id}", mock, [{"statusCode": "200"}])
    made.method("GET /b", mock, [{"statusCode": "200"}])
    made.deploy()
    changes = [
        {"op": "replace", "path": "/a~1{id}/GET/throttling/burstLimit", "value": "0"},
        {"op": "replace", "path": "/a~1{id}/GET/throttling/rateLimit", "value": "0"},
    ]
    stage = client.update_stage(restApiId=made.id, stageName="dev", patchOperations=changes)
    assert stage["methodSettings"]["a/{id}/GET"]["throttlingBurstLimit"] == 0
    answer = ask(made.id, path="/a/1")
    assert (answer.status, answer.json()) == (429, {"message": "Too Many Requests"})
    assert answer.headers["x-amzn-errortype"] == "TooManyRequestsException"
    assert ask(made.id, path="/b").status == 200
