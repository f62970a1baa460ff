"""Function URLs over real HTTP: events in, responses out, CORS, authorisation, streaming."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture
def http() -> Any:
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


@pytest.fixture
def serve(kumoi: Any, client: Any, create: Any, http: Any) -> Callable[..., Callable[..., Any]]:
    """Create a function with a URL; answers how to request it."""

    def make(source: str | None, auth: str = "NONE", url: dict[str, Any] | None = None, **options: Any) -> Any:
        create(source or "", **options)
        config = client.create_function_url_config(FunctionName="f", AuthType=auth, **(url or {}))
        client.add_permission(
            FunctionName="f",
            StatementId="everybody",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType=auth,
        )
        parts = urlsplit(config["FunctionUrl"])
        identifier = parts.hostname.partition(".")[0] if "lambda-url" in parts.netloc else parts.path.split("/")[3]
        host = f"{identifier}.lambda-url.us-east-1.localhost"

        def request(method: str = "GET", path: str = "/", **given: Any) -> Any:
            headers = {"Host": host, **given.pop("headers", {})}
            return http.request(method, f"{kumoi.url}{path}", headers=headers, **given)

        request.config = config  # type: ignore[attr-defined]
        request.host = host  # type: ignore[attr-defined]
        return request

    return make


def test_a_request_becomes_an_event(serve: Any) -> None:
    request = serve(ECHO)
    headers = {"X-Colour": "red", "Cookie": "a=1; b=2", "Content-Type": "text/plain", "User-Agent": "tests"}
    answer = request("POST", "/pa2%2Fth/1?x=1&y=a%20b&x=2", body=b"hello", headers=headers)
    event = answer.json()
    assert answer.status == 200
    assert (event["version"], event["routeKey"]) == ("2.0", "$default")
    assert (event["rawPath"], event["rawQueryString"]) == ("/pa2%2Fth/1", "x=1&y=a%20b&x=2")
    assert event["queryStringParameters"] == {"x": "1,2", "y": "a b"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-colour"] == "red"
    assert (event["body"], event["isBase64Encoded"]) == ("hello", False)
    context = event["requestContext"]
    assert (context["accountId"], context["stage"], context["domainName"]) == ("anonymous", "$default", request.host)
    assert context["http"] == {
        "method": "POST",
        "path": "/pa2%2Fth/1",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "tests",
    }
    assert answer.headers["x-amzn-RequestId"] == context["requestId"]


def test_a_binary_body_travels_in_base64(serve: Any) -> None:
    event = serve(ECHO)("PUT", body=b"\x00\xff", headers={"Content-Type": "application/octet-stream"}).json()
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\x00\xff", True)


RESULTS = [
    ("{'statusCode': 201, 'body': 'made', 'headers': {'X-A': 'b'}}", 201, b"made", {"X-A": "b"}),
    ("{'statusCode': '204'}", 204, b"", {}),
    ("{'statusCode': 200, 'body': 'aGk=', 'isBase64Encoded': True}", 200, b"hi", {}),
    ("{'statusCode': 200, 'cookies': ['a=1', 'b=2']}", 200, b"", {"Set-Cookie": "a=1, b=2"}),
    ("'plain'", 200, b"plain", {"Content-Type": "application/json"}),
    ("{'a': 1}", 200, b'{"a": 1}', {"Content-Type": "application/json"}),
    ("None", 200, b"null", {"Content-Type": "application/json"}),
]


@pytest.mark.parametrize(("result", "status", "body", "headers"), RESULTS)
def test_a_result_becomes_a_response(
    serve: Any, result: str, status: int, body: bytes, headers: dict[str, str]
) -> None:
    answer = serve(f"def handler(event, context):\n    return {result}\n")()
    assert (answer.status, answer.data) == (status, body)
    assert {name: answer.headers[name] for name in headers} == headers


FAILURES = [
    "raise ValueError('no')",
    "return {'statusCode': 'many'}",
    "return {'statusCode': 200, 'headers': ['x']}",
    "return {'statusCode': 200, 'body': 7}",
    "return {'statusCode': 200, 'headers': {'X': 'a\\r\\nSet-Cookie: b=1'}}",
]


@pytest.mark.parametrize("body", FAILURES)
def test_what_a_function_does_wrong_is_a_502(serve: Any, body: str) -> None:
    answer = serve(f"def handler(event, context):\n    {body}\n")()
    assert (answer.status, answer.json()) == (502, {"Message": "Internal Server Error"})


def test_cors_is_answered_by_the_platform(serve: Any) -> None:
    cors = {
        "AllowOrigins": ["https://*.example.com"],
        "AllowMethods": ["GET"],
        "AllowHeaders": ["x-a"],
        "AllowCredentials": True,
        "MaxAge": 60,
    }
    headers = {"Access-Control-Allow-Origin": "me"}
    source = f"def handler(event, context):\n    return {{'statusCode': 200, 'headers': {headers}}}\n"
    request = serve(source, url={"Cors": cors})
    origin = {"Origin": "https://a.example.com"}
    preflight = request("OPTIONS", headers={**origin, "Access-Control-Request-Method": "GET"})
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET"
    assert preflight.headers["Access-Control-Max-Age"] == "60"
    assert request(headers=origin).headers["Access-Control-Allow-Origin"] == "https://a.example.com"
    stranger = request("OPTIONS", headers={"Origin": "https://b.org", "Access-Control-Request-Method": "GET"})
    assert "Access-Control-Allow-Origin" not in stranger.headers


def test_a_url_with_iam_wants_a_signature(serve: Any, kumoi: Any) -> None:
    request = serve(ECHO, auth="AWS_IAM")
    refused = request()
    assert (refused.status, refused.json()) == (403, {"Message": "Forbidden"})
    signed = AWSRequest("GET", f"http://{request.host}/", headers={"Host": request.host})
    SigV4Auth(Credentials(kumoi.account, "test"), "lambda", "us-east-1").add_auth(signed)
    event = request(headers=dict(signed.headers)).json()
    assert event["requestContext"]["accountId"] == kumoi.account
    assert event["requestContext"]["authorizer"]["iam"]["accountId"] == kumoi.account


def test_an_unknown_url_and_a_throttled_function(serve: Any, client: Any, http: Any, kumoi: Any) -> None:
    request = serve(ECHO)
    unknown = http.request("GET", kumoi.url, headers={"Host": "nobody.lambda-url.us-east-1.localhost"})
    assert (unknown.status, unknown.json()) == (403, {"Message": "Forbidden"})
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    assert request().status == 429


def test_the_path_form_reaches_it_too(serve: Any, http: Any, kumoi: Any) -> None:
    request = serve(ECHO)
    identifier = request.host.partition(".")[0]
    event = http.request("GET", f"{kumoi.url}/_kumoi/lambda-url/{identifier}/a/b?c=d").json()
    assert (event["rawPath"], event["rawQueryString"]) == ("/a/b", "c=d")


def test_an_alias_has_a_url_of_its_own(client: Any, create: Any, http: Any, kumoi: Any) -> None:
    create("def handler(event, context):\n    return context.invoked_function_arn + ' ' + context.function_version\n")
    client.publish_version(FunctionName="f")
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    config = client.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE")
    assert config["FunctionArn"].endswith(":function:f:live")
    parts = urlsplit(config["FunctionUrl"])
    identifier = parts.hostname.partition(".")[0] if "lambda-url" in parts.netloc else parts.path.split("/")[3]
    answer = http.request("GET", f"{kumoi.url}/_kumoi/lambda-url/{identifier}/")
    assert answer.data.decode().endswith(":function:f:live 1")


def test_configurations_are_changed_listed_and_deleted(client: Any, create: Any) -> None:
    create(ECHO)
    made = client.create_function_url_config(FunctionName="f", AuthType="NONE")
    with pytest.raises(client.exceptions.ResourceConflictException, match="FunctionUrlConfig exists"):
        client.create_function_url_config(FunctionName="f", AuthType="NONE")
    changed = client.update_function_url_config(FunctionName="f", AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM")
    assert (changed["AuthType"], changed["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
    assert client.get_function_url_config(FunctionName="f")["FunctionUrl"] == made["FunctionUrl"]
    assert len(client.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"]) == 1
    client.delete_function_url_config(FunctionName="f")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="does not exist"):
        client.get_function_url_config(FunctionName="f")
    with pytest.raises(ClientError, match="qualifier"):
        client.create_function_url_config(FunctionName="f", Qualifier="1", AuthType="NONE")


STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const out = awslambda.HttpResponseStream.from(stream, {
    statusCode: 201, headers: { 'Content-Type': 'text/plain', 'X-A': 'b' }, cookies: ['c=1'],
  });
  out.write('first ');
  await new Promise((go) => setTimeout(go, 20));
  out.write(event.rawPath);
  out.end();
});
"""


def test_a_response_is_streamed(serve: Any, zipped: Any) -> None:
    node = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Code": {"ZipFile": zipped({"index.js": STREAM})}}
    request = serve(None, url={"InvokeMode": "RESPONSE_STREAM"}, **node)
    answer = request("GET", "/here", preload_content=False)
    assert (answer.status, answer.headers["X-A"], answer.headers["Set-Cookie"]) == (201, "b", "c=1")
    assert b"".join(answer.stream()) == b"first /here"


def test_a_function_that_does_not_stream_answers_a_streaming_url(serve: Any) -> None:
    answer = serve("def handler(event, context):\n    return {'a': 1}\n", url={"InvokeMode": "RESPONSE_STREAM"})()
    assert (answer.status, json.loads(answer.data)) == (200, {"a": 1})
