"""HTTP APIs over real HTTP: addresses, events, answers, limits, CORS, logs, domain names."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest


def test_quick_create_serves_a_function(client: Any, function: Any, ask: Any) -> None:
    api_id = client.create_api(Name="a", ProtocolType="HTTP", Target=function("return 'hello'"))["ApiId"]
    answer = ask(api_id)
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (200, b"hello", "application/json")


def test_every_address_leads_to_the_api(kumoi: Any, client: Any, serve: Any, function: Any, http: Any) -> None:
    api_id = serve({"ANY /{proxy+}": function("return event['rawPath']")})
    for host in (
        f"{api_id}.execute-api.localhost",
        f"{api_id}.execute-api.localhost.localstack.cloud",
        f"{api_id}.execute-api.us-east-1.amazonaws.com",
    ):
        assert http.request("GET", f"{kumoi.url}/x/y", headers={"Host": host}).data == b"/x/y"
    assert http.request("GET", f"{kumoi.url}/_aws/execute-api/{api_id}/x/y").data == b"/x/y"
    assert http.request("GET", f"{kumoi.url}/_kumoi/execute-api/{api_id}/x/y").data == b"/x/y"
    path = f"/restapis/{api_id}/%24default/_user_request_/x/y"
    assert http.request("GET", f"{kumoi.url}{path}").data == b"/x/y"
    endpoint = client.get_api(ApiId=api_id)["ApiEndpoint"]
    assert api_id in endpoint


def test_a_request_becomes_an_event_of_format_2(kumoi: Any, serve: Any, function: Any, ask: Any) -> None:
    arn = function()
    api_id = serve({"POST /p/{id}/{rest+}": arn}, stage={"StageName": "dev", "StageVariables": {"a": "b"}})
    headers = {"X-Colour": "red", "Cookie": "a=1; b=2", "Content-Type": "text/plain", "User-Agent": "tests"}
    answer = ask(api_id, "POST", "/dev/p/a%20b/c/d?x=1&y=a%20b&x=2", body=b"hello", headers=headers)
    event = answer.json()
    assert (event["version"], event["routeKey"]) == ("2.0", "POST /p/{id}/{rest+}")
    assert (event["rawPath"], event["rawQueryString"]) == ("/dev/p/a b/c/d", "x=1&y=a%20b&x=2")
    assert event["queryStringParameters"] == {"x": "1,2", "y": "a b"}
    assert event["pathParameters"] == {"id": "a b", "rest": "c/d"}
    assert event["stageVariables"] == {"a": "b"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["headers"]["x-colour"], "cookie" in event["headers"]) == ("red", False)
    assert (event["body"], event["isBase64Encoded"]) == ("hello", False)
    context = event["requestContext"]
    assert (context["accountId"], context["apiId"], context["stage"]) == (kumoi.account, api_id, "dev")
    assert context["http"] == {
        "method": "POST",
        "path": "/dev/p/a b/c/d",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "tests",
    }
    assert answer.headers["apigw-requestid"] == context["requestId"]
    assert ask(api_id, "GET", "/dev/p/a/b").json() == {"message": "Not Found"}


def test_a_request_becomes_an_event_of_format_1(serve: Any, function: Any, ask: Any) -> None:
    arn = function("return {'statusCode': 200, 'body': json.dumps(event)}")
    api_id = serve({"PUT /p/{id}": arn}, version="1.0")
    headers = {"Content-Type": "application/octet-stream"}
    event = ask(api_id, "PUT", "/p/1?x=1&x=2", body=b"\x00\xff", headers=headers).json()
    assert (event["version"], event["resource"], event["path"]) == ("1.0", "/p/{id}", "/p/1")
    assert event["queryStringParameters"] == {"x": "2"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert event["multiValueHeaders"]["content-type"] == ["application/octet-stream"]
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\x00\xff", True)
    assert event["stageVariables"] is None
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["resourcePath"] == "/p/{id}"


RESULTS = [
    ("2.0", "{'statusCode': 201, 'body': 'made', 'headers': {'X-A': 'b'}}", 201, b"made", {"X-A": "b"}),
    ("2.0", "{'statusCode': 200, 'body': 'aGk=', 'isBase64Encoded': True}", 200, b"hi", {}),
    ("2.0", "{'statusCode': 200, 'cookies': ['a=1', 'b=2']}", 200, b"", {"Set-Cookie": "a=1, b=2"}),
    ("2.0", "{'a': 1}", 200, b'{"a": 1}', {"Content-Type": "application/json"}),
    ("1.0", "{'statusCode': 200, 'multiValueHeaders': {'X-A': ['b', 'c']}}", 200, b"", {"X-A": "b, c"}),
    ("1.0", "'text'", 500, b'{"message":"Internal Server Error"}', {}),
    ("2.0", r"{'statusCode': 200, 'headers': {'X': 'a\r\nY: b'}}", 500, b'{"message":"Internal Server Error"}', {}),
    ("2.0", r"{'statusCode': 200, 'cookies': ['a\nb']}", 500, b'{"message":"Internal Server Error"}', {}),
    ("1.0", r"{'statusCode': 200, 'headers': {'X\nY': 'a'}}", 500, b'{"message":"Internal Server Error"}', {}),
    ("2.0", "{'statusCode': 'many'}", 500, b'{"message":"Internal Server Error"}', {}),
    ("2.0", "{'statusCode': 200, 'body': 7}", 500, b'{"message":"Internal Server Error"}', {}),
    ("2.0", "1 / 0", 500, b'{"message":"Internal Server Error"}', {}),
]


@pytest.mark.parametrize(("version", "result", "status", "body", "headers"), RESULTS)
def test_a_result_becomes_an_answer(
    serve: Any, function: Any, ask: Any, version: str, result: str, status: int, body: bytes, headers: dict[str, str]
) -> None:
    answer = ask(serve({"$default": function(f"return {result}")}, version=version))
    assert (answer.status, answer.data) == (status, body)
    assert {name: answer.headers[name] for name in headers} == headers


def test_what_takes_longer_than_the_integration_waits_is_a_503(serve: Any, function: Any, ask: Any) -> None:
    arn = function("time.sleep(3)", Timeout=60)
    answer = ask(serve({"$default": {"uri": arn, "integration": {"TimeoutInMillis": 100}}}))
    assert (answer.status, answer.json()) == (503, {"message": "Service Unavailable"})


def test_a_function_that_is_not_there_is_a_500(kumoi: Any, serve: Any, ask: Any) -> None:
    arn = f"arn:aws:lambda:us-east-1:{kumoi.account}:function:none"
    answer = ask(serve({"$default": arn}))
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


def test_bodies_are_limited(serve: Any, function: Any, ask: Any) -> None:
    api_id = serve({"$default": function("return len(event['body'])")})
    assert ask(api_id, "POST", body=b"x" * 1_000_000).data == b"1000000"
    for size in (10_485_761, 7_000_000):  # past API Gateway's limit, past Lambda's
        answer = ask(api_id, "POST", body=b"x" * size)
        assert (answer.status, answer.json()) == (413, {"message": "Request Entity Too Large"})


def test_a_route_is_throttled(client: Any, serve: Any, function: Any, ask: Any) -> None:
    settings = {"GET /a": {"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 0.001}}
    arn = function("return 1")
    api_id = serve({"GET /a": arn, "GET /b": arn}, stage={"RouteSettings": settings})
    assert [ask(api_id, path="/a").status for _ in range(3)] == [200, 200, 429]
    refused = ask(api_id, path="/a")
    assert refused.json() == {"message": "Too Many Requests"}
    assert ask(api_id, path="/b").status == 200


def test_cors_is_answered_by_the_api(serve: Any, function: Any, ask: Any) -> None:
    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "AllowHeaders": ["x-a"], "MaxAge": 60}
    arn = function("return {'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': 'me'}}")
    api_id = serve({"GET /": arn}, CorsConfiguration=cors)
    origin = {"Origin": "https://a.example"}
    preflight = ask(api_id, "OPTIONS", "/x", headers={**origin, "Access-Control-Request-Method": "GET"})
    assert (preflight.status, preflight.headers["Access-Control-Allow-Methods"]) == (204, "GET")
    assert ask(api_id, headers=origin).headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "Access-Control-Allow-Origin" not in ask(api_id, headers={"Origin": "https://b.example"}).headers


def test_a_stage_shows_no_change_before_it_is_deployed(client: Any, serve: Any, function: Any, ask: Any) -> None:
    arn = function("return 1")
    api_id = serve({"GET /a": arn}, stage={"StageName": "dev", "AutoDeploy": False})
    assert ask(api_id, path="/dev/a").status == 404
    client.create_deployment(ApiId=api_id, StageName="dev")
    assert ask(api_id, path="/dev/a").status == 200
    route = client.get_routes(ApiId=api_id)["Items"][0]
    client.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    assert ask(api_id, path="/dev/a").status == 200


def test_a_stage_variable_names_the_function(kumoi: Any, serve: Any, function: Any, ask: Any) -> None:
    function("return 'one'", name="one")
    uri = f"arn:aws:lambda:us-east-1:{kumoi.account}:function:${{stageVariables.which}}"
    assert ask(serve({"$default": uri}, stage={"StageVariables": {"which": "one"}})).data == b"one"


def test_requests_are_logged(kumoi: Any, serve: Any, function: Any, ask: Any) -> None:
    logs = kumoi.client("logs")
    logs.create_log_group(logGroupName="/api")
    arn = f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:/api"
    form = '{"route":"$context.routeKey","status":$context.status,"ip":"$context.identity.sourceIp","no":"$context.no"}'
    api_id = serve(
        {"GET /a": function("return 1")}, stage={"AccessLogSettings": {"DestinationArn": arn, "Format": form}}
    )
    ask(api_id, path="/a")
    ask(api_id, path="/b")
    deadline = time.monotonic() + 60
    while len(events := logs.filter_log_events(logGroupName="/api")["events"]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [json.loads(event["message"]) for event in events] == [
        {"route": "GET /a", "status": 200, "ip": "127.0.0.1", "no": "-"},
        {"route": "-", "status": 404, "ip": "127.0.0.1", "no": "-"},
    ]


def test_a_domain_name_serves_what_is_mapped_below_it(
    kumoi: Any, client: Any, serve: Any, function: Any, http: Any
) -> None:
    arn = function("return event['rawPath']")
    api_id = serve({"$default": arn})
    name = f"api-{kumoi.account}.example.com"
    domain = client.create_domain_name(DomainName=name)
    assert domain["DomainNameConfigurations"][0]["DomainNameStatus"] == "AVAILABLE"
    client.create_api_mapping(DomainName=name, ApiId=api_id, Stage="$default", ApiMappingKey="v1/pets")

    def get(path: str) -> Any:
        return http.request("GET", f"{kumoi.url}{path}", headers={"Host": name})

    assert get("/v1/pets/3").data == b"/3"
    assert (get("/v2").status, get("/v2").json()) == (403, {"message": "Forbidden"})
    client.update_api(ApiId=api_id, DisableExecuteApiEndpoint=True)
    host = {"Host": f"{api_id}.execute-api.localhost"}
    assert http.request("GET", f"{kumoi.url}/", headers=host).status == 404
    assert get("/v1/pets/3").status == 200
    for mapping in client.get_api_mappings(DomainName=name)["Items"]:
        client.delete_api_mapping(DomainName=name, ApiMappingId=mapping["ApiMappingId"])
    client.delete_domain_name(DomainName=name)


class _Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        seen = {"path": self.path, "method": self.command, "body": body.decode(), "headers": dict(self.headers)}
        self.send_response(201)
        self.send_header("X-Made", "there")
        self.end_headers()
        self.wfile.write(json.dumps(seen).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_endpoint_is_asked(serve: Any, ask: Any, endpoint: str) -> None:
    integration = {
        "RequestParameters": {
            "append:header.x-id": "$request.path.id",
            "overwrite:querystring.a": "$request.header.x-a",
            "remove:header.x-secret": "''",
        },
        "ResponseParameters": {
            "201": {"overwrite:statuscode": "202", "append:header.x-own": "$response.header.x-made"}
        },
    }
    api_id = serve({"POST /p/{id}": {"uri": f"{endpoint}/to/{{id}}", "integration": integration}})
    answer = ask(api_id, "POST", "/p/7?a=1&b=2", body=b"hi", headers={"X-A": "9", "X-Secret": "s"})
    assert (answer.status, answer.headers["X-Own"]) == (202, "there")
    seen = answer.json()
    assert (seen["path"], seen["body"]) == ("/to/7?b=2&a=9", "hi")
    assert seen["headers"]["x-id"] == "7"
    assert "X-Secret" not in seen["headers"]


def test_what_names_aws_is_asked_of_the_platform(kumoi: Any, serve: Any, ask: Any) -> None:
    for host in ("sts.us-east-1.amazonaws.com", "sts.cn-north-1.amazonaws.com.cn", "sts.us-east-1.api.aws"):
        answer = ask(serve({"$default": f"https://{host}/?Action=GetCallerIdentity&Version=2011-06-15"}))
        assert (answer.status, b"GetCallerIdentityResponse" in answer.data) == (200, True), host


def test_an_endpoint_that_is_not_there_is_a_503(serve: Any, ask: Any) -> None:
    answer = ask(serve({"$default": "http://127.0.0.1:1/"}))
    assert (answer.status, answer.json()) == (503, {"message": "Service Unavailable"})


def test_a_queue_takes_a_request(kumoi: Any, client: Any, ask: Any) -> None:
    sqs = kumoi.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    api_id = client.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    made = client.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationSubtype="SQS-SendMessage",
        PayloadFormatVersion="1.0",
        RequestParameters={"QueueUrl": url, "MessageBody": "$request.body.order"},
    )
    client.create_route(ApiId=api_id, RouteKey="POST /o", Target=f"integrations/{made['IntegrationId']}")
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    answer = ask(api_id, "POST", "/o", body=json.dumps({"order": "tea"}))
    assert answer.status == 200
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "tea"
    late = {"QueueUrl": url, "MessageBody": "m", "DelaySeconds": "$request.body.in"}
    client.update_integration(ApiId=api_id, IntegrationId=made["IntegrationId"], RequestParameters=late)
    answer = ask(api_id, "POST", "/o", body=json.dumps({"in": "a while"}))
    assert (answer.status, answer.json()["__type"]) == (400, "SerializationException")


def test_a_stream_takes_a_request(kumoi: Any, client: Any, ask: Any) -> None:
    kinesis = kumoi.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="s")
    api_id = client.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    made = client.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationSubtype="Kinesis-PutRecord",
        PayloadFormatVersion="1.0",
        CredentialsArn=f"arn:aws:iam::{kumoi.account}:role/r",
        RequestParameters={"StreamName": "s", "PartitionKey": "k", "Data": "$request.body.said"},
    )
    client.create_route(ApiId=api_id, RouteKey="POST /o", Target=f"integrations/{made['IntegrationId']}")
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    for said in ("dGVh", "th\u00e9"):
        assert ask(api_id, "POST", "/o", body=json.dumps({"said": said})).status == 200
    shard = kinesis.list_shards(StreamName="s")["Shards"][0]["ShardId"]
    place = kinesis.get_shard_iterator(StreamName="s", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = kinesis.get_records(ShardIterator=place["ShardIterator"])["Records"]
    assert [one["Data"] for one in records] == [b"tea", "th\u00e9".encode()]


GARBAGE = ["/%", "//", "/%00", "/%ff/%fe", "/@connections", "/$default", "/a?%", "/a?=&=&&"]


@pytest.mark.parametrize("path", GARBAGE)
def test_garbage_never_fails_the_platform(kumoi: Any, serve: Any, function: Any, http: Any, path: str) -> None:
    api_id = serve({"ANY /{proxy+}": function("return 1")})
    answer = http.request("GET", f"{kumoi.url}/_kumoi/execute-api/{api_id}{path}")
    assert answer.status in (200, 404)


def test_an_unknown_api_is_forbidden(ask: Any) -> None:
    answer = ask("nothing000")
    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})


def test_an_api_outlives_kill_9(killable: Any) -> None:
    killable.start()
    client = killable.client("apigatewayv2")
    api_id = client.create_api(Name="a", ProtocolType="HTTP", Target="http://127.0.0.1:1/")["ApiId"]
    client.create_domain_name(DomainName="api.example.com")
    client.create_api_mapping(DomainName="api.example.com", ApiId=api_id, Stage="$default")
    killable.kill()
    killable.start()
    import urllib3

    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("GET", f"{killable.url}/", headers={"Host": "api.example.com"})
    assert answer.status == 503
