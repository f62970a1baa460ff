"""Events go out over HTTP to endpoints that check who comes."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError


class Endpoint:
    """An HTTP endpoint that notes what it gets; `answers` are its next statuses, 200 when none is left."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.token = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                seen = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
                endpoint.requests.append(seen)
                status, answer = 200, b""
                if self.path.startswith("/token"):
                    endpoint.token += 1
                    answer = json.dumps({"access_token": f"t{endpoint.token}", "token_type": "bearer"}).encode()
                elif endpoint.answers:
                    status = endpoint.answers.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def wait(self, count: int, path: str = "/in") -> list[dict[str, Any]]:
        deadline = time.monotonic() + 60
        while len(found := [one for one in list(self.requests) if one["path"].startswith(path)]) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} requests: {self.requests}"
            time.sleep(0.02)
        return found


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    one = Endpoint()
    thread = threading.Thread(target=one.server.serve_forever)
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


@pytest.fixture
def deliver(client: Any, kumoi: Any, endpoint: Endpoint) -> Callable[..., None]:
    """Have events of the source `app` delivered to the endpoint with a connection of some parameters."""

    def make(kind: str, parameters: dict[str, Any], path: str = "/in", **target: Any) -> None:
        connection = client.create_connection(Name="c", AuthorizationType=kind, AuthParameters=parameters)
        destination = client.create_api_destination(
            Name="d",
            ConnectionArn=connection["ConnectionArn"],
            InvocationEndpoint=endpoint.url + path,
            HttpMethod="POST",
        )
        client.put_rule(Name="r", EventPattern='{"source": ["app"]}')
        role = f"arn:aws:iam::{kumoi.account}:role/events"
        to = {"Id": "http", "Arn": destination["ApiDestinationArn"], "RoleArn": role, **target}
        client.put_targets(Rule="r", Targets=[to])

    return make


BASIC = {"BasicAuthParameters": {"Username": "ann", "Password": "s3cret"}}
API_KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "k"}}


def test_a_name_and_a_password(deliver: Callable[..., None], put: Callable[..., Any], endpoint: Endpoint) -> None:
    deliver("BASIC", BASIC)
    answer = put({"n": 1})
    (request,) = endpoint.wait(1)
    assert request["method"] == "POST"
    assert request["headers"]["Authorization"] == "Basic " + base64.b64encode(b"ann:s3cret").decode()
    assert request["headers"]["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(request["body"])["id"] == answer["EventId"]


def test_an_api_key_and_parameters_of_connection_and_target(
    deliver: Callable[..., None], put: Callable[..., Any], endpoint: Endpoint
) -> None:
    more = {
        "HeaderParameters": [{"Key": "X-From", "Value": "connection"}],
        "QueryStringParameters": [{"Key": "q", "Value": "1", "IsValueSecret": True}],
        "BodyParameters": [{"Key": "extra", "Value": "yes"}],
    }
    wanted = {
        "PathParameterValues": ["a b"],
        "HeaderParameters": {"X-From": "target", "X-More": "m"},
        "QueryStringParameters": {"p": "2"},
    }
    deliver(
        "API_KEY", {**API_KEY, "InvocationHttpParameters": more}, "/in/*", HttpParameters=wanted, InputPath="$.detail"
    )
    put({"n": 1})
    (request,) = endpoint.wait(1)
    assert request["path"] == "/in/a%20b?p=2&q=1"
    headers = request["headers"]
    assert (headers["X-Key"], headers["X-From"], headers["X-More"]) == ("k", "connection", "m")
    assert json.loads(request["body"]) == {"n": 1, "extra": "yes"}


def test_parameters_that_are_paths_tell_of_the_event(
    deliver: Callable[..., None], put: Callable[..., Any], endpoint: Endpoint
) -> None:
    wanted = {
        "PathParameterValues": ["$.detail.order.id"],
        "HeaderParameters": {"X-Number": "$.detail.n", "X-Static": "to $.detail.n", "X-None": "$.detail.none"},
        "QueryStringParameters": {"of": "$.source"},
    }
    deliver("API_KEY", API_KEY, "/in/*/of", HttpParameters=wanted, InputPath="$.detail.n")
    put({"order": {"id": "a/b"}, "n": 7})
    (request,) = endpoint.wait(1)
    assert request["path"].startswith("/in/a%2Fb/of?of=")
    assert "$" not in request["path"]
    headers = request["headers"]
    assert (headers["X-Number"], headers["X-Static"], headers["X-None"]) == ("7", "to $.detail.n", "")
    assert request["body"] == "7"


def test_an_api_of_api_gateway_is_a_target(
    kumoi: Any, client: Any, put: Callable[..., Any], endpoint: Endpoint
) -> None:
    rest = kumoi.client("apigateway")
    api = rest.create_rest_api(name="shop")["id"]
    root = rest.get_resources(restApiId=api)["items"][0]["id"]
    orders = rest.create_resource(restApiId=api, parentId=root, pathPart="orders")["id"]
    order = {
        "restApiId": api,
        "resourceId": rest.create_resource(restApiId=api, parentId=orders, pathPart="{id}")["id"],
        "httpMethod": "PUT",
    }
    rest.put_method(**order, authorizationType="AWS_IAM", requestParameters={"method.request.path.id": True})
    rest.put_integration(
        **order,
        type="HTTP_PROXY",
        integrationHttpMethod="PUT",
        uri=f"{endpoint.url}/in/rest/{{id}}",
        requestParameters={"integration.request.path.id": "method.request.path.id"},
    )
    rest.create_deployment(restApiId=api, stageName="prod")
    http = kumoi.client("apigatewayv2").create_api(
        Name="shop", ProtocolType="HTTP", RouteKey="POST /orders", Target=f"{endpoint.url}/in/http"
    )["ApiId"]
    apis = f"arn:aws:execute-api:us-east-1:{kumoi.account}"
    client.put_rule(Name="apis", EventPattern='{"source": ["app"]}')
    wanted = {"PathParameterValues": ["$.detail.id"], "QueryStringParameters": {"from": "rule"}}
    client.put_targets(
        Rule="apis",
        Targets=[
            {
                "Id": "rest",
                "Arn": f"{apis}:{api}/prod/PUT/orders/*",
                "RoleArn": f"arn:aws:iam::{kumoi.account}:role/r",
                "HttpParameters": wanted,
                "InputPath": "$.detail",
            },
            {"Id": "http", "Arn": f"{apis}:{http}/$default/POST/orders", "Input": '{"to": "http"}'},
        ],
    )
    put({"id": "o7"})
    got = {one["path"]: one for one in endpoint.wait(2)}
    assert got["/in/rest/o7?from=rule"]["method"] == "PUT"
    assert json.loads(got["/in/rest/o7?from=rule"]["body"]) == {"id": "o7"}
    assert json.loads(got["/in/http"]["body"]) == {"to": "http"}


def test_a_token_of_the_clients_credentials_fetched_again_when_it_is_no_longer_taken(
    client: Any, deliver: Callable[..., None], put: Callable[..., Any], endpoint: Endpoint
) -> None:
    oauth = {
        "AuthorizationEndpoint": f"{endpoint.url}/token",
        "HttpMethod": "POST",
        "ClientParameters": {"ClientID": "me", "ClientSecret": "hidden"},
    }
    deliver("OAUTH_CLIENT_CREDENTIALS", {"OAuthParameters": oauth})
    (fetched,) = endpoint.wait(1, "/token")
    assert fetched["body"] == "grant_type=client_credentials&client_id=me&client_secret=hidden"
    deadline = time.monotonic() + 60
    while (state := client.describe_connection(Name="c")["ConnectionState"]) != "AUTHORIZED":
        assert time.monotonic() < deadline, state
        time.sleep(0.02)
    endpoint.answers = [401]
    put()
    assert [one["headers"]["Authorization"] for one in endpoint.wait(2)] == ["Bearer t1", "Bearer t2"]


def test_what_is_refused_for_good_goes_to_the_dead_letter_queue(
    kumoi: Any, client: Any, deliver: Callable[..., None], put: Callable[..., Any], endpoint: Endpoint
) -> None:
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{kumoi.account}:dead"
    deliver("BASIC", BASIC, DeadLetterConfig={"Arn": arn})
    endpoint.answers = [400]
    answer = put()
    found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
    (message,) = found
    assert json.loads(message["Body"])["id"] == answer["EventId"]
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "SDK_CLIENT_ERROR"
    assert attributes["RETRY_ATTEMPTS"] == "0"
    client.deauthorize_connection(Name="c")
    put()
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert len(endpoint.requests) == 1


def test_a_connection_shows_no_secret(client: Any) -> None:
    parameters = {**BASIC, "InvocationHttpParameters": {"HeaderParameters": [
        {"Key": "A", "Value": "v"}, {"Key": "B", "Value": "w", "IsValueSecret": True}
    ]}}  # fmt: skip
    client.create_connection(Name="c", AuthorizationType="BASIC", AuthParameters=parameters)
    described = client.describe_connection(Name="c")
    assert described["ConnectionState"] == "AUTHORIZED"
    assert described["AuthParameters"]["BasicAuthParameters"] == {"Username": "ann"}
    assert "s3cret" not in json.dumps(described, default=str)
    assert [
        one.get("Value") for one in described["AuthParameters"]["InvocationHttpParameters"]["HeaderParameters"]
    ] == [
        "v",
        None,
    ]
    client.update_connection(Name="c", Description="new")
    assert client.describe_connection(Name="c")["Description"] == "new"
    client.update_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=API_KEY)
    (listed,) = client.list_connections()["Connections"]
    assert listed["AuthorizationType"] == "API_KEY"
    assert client.delete_connection(Name="c")["ConnectionState"] == "DELETING"


def test_refusals(client: Any) -> None:
    missing = "Failed to describe the connection\\(s\\). Connection 'c' does not exist."
    with pytest.raises(client.exceptions.ResourceNotFoundException, match=missing):
        client.describe_connection(Name="c")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="An api-destination 'd' does not exist."):
        client.describe_api_destination(Name="d")
    with pytest.raises(ClientError, match="AuthParameters is not valid"):
        client.create_connection(Name="c", AuthorizationType="BASIC", AuthParameters=API_KEY)
    made = client.create_connection(Name="c", AuthorizationType="BASIC", AuthParameters=BASIC)
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException, match="Connection c already exists"):
        client.create_connection(Name="c", AuthorizationType="BASIC", AuthParameters=BASIC)
    given = {"Name": "d", "ConnectionArn": made["ConnectionArn"], "HttpMethod": "GET"}
    with pytest.raises(ClientError):
        client.create_api_destination(**given, InvocationEndpoint="ftp://x")
    client.create_api_destination(**given, InvocationEndpoint="https://example.com/*")
    (listed,) = client.list_api_destinations()["ApiDestinations"]
    assert (listed["ApiDestinationState"], listed["InvocationRateLimitPerSecond"]) == ("ACTIVE", 300)
    client.update_api_destination(Name="d", InvocationRateLimitPerSecond=1, HttpMethod="PUT")
    assert client.describe_api_destination(Name="d")["HttpMethod"] == "PUT"
    client.deauthorize_connection(Name="c")
    assert client.describe_api_destination(Name="d")["ApiDestinationState"] == "INACTIVE"
    client.delete_api_destination(Name="d")


def test_secrets_are_not_to_be_read_in_the_store_and_outlive_a_crash(
    killable: Any, tmp_path: Any, endpoint: Endpoint
) -> None:
    killable.start()
    client = killable.client("events")
    made = client.create_connection(Name="c", AuthorizationType="BASIC", AuthParameters=BASIC)
    to = client.create_api_destination(
        Name="d", ConnectionArn=made["ConnectionArn"], InvocationEndpoint=endpoint.url + "/in", HttpMethod="PUT"
    )
    client.put_rule(Name="r", EventPattern='{"source": ["app"]}')
    target = {"Id": "t", "Arn": to["ApiDestinationArn"], "RoleArn": "arn:aws:iam::000000000000:role/r"}
    client.put_targets(Rule="r", Targets=[target])
    killable.kill()
    stored = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert any(b"events.connection" in content for content in stored)
    assert not any(b"s3cret" in content for content in stored)
    killable.start()
    client.put_events(Entries=[{"Source": "app", "DetailType": "made", "Detail": "{}"}])
    (request,) = endpoint.wait(1)
    assert request["headers"]["Authorization"] == "Basic " + base64.b64encode(b"ann:s3cret").decode()
