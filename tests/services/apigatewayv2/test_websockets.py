"""WebSocket APIs with a real client: routes, events, answers, authorizers, limits, `@connections`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.asyncio.client import connect as connect_alone
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

ECHO = "return {'statusCode': 200, 'body': json.dumps(event)}"


@pytest.fixture
def websockets(client: Any) -> Callable[..., str]:
    """A WebSocket API with routes to functions (ARNs) or integrations, and a stage `dev`; answers its id."""

    def make(
        routes: dict[str, Any], *, two_way: bool = True, stage: dict[str, Any] | None = None, **options: Any
    ) -> str:
        selection = {"RouteSelectionExpression": "$request.body.action"}
        api_id = client.create_api(Name="chat", ProtocolType="WEBSOCKET", **selection)["ApiId"]
        for key, target in routes.items():
            given = target if isinstance(target, dict) else {"IntegrationType": "AWS_PROXY", "IntegrationUri": target}
            made = client.create_integration(ApiId=api_id, **given)["IntegrationId"]
            route: dict[str, Any] = {"ApiId": api_id, "RouteKey": key, "Target": f"integrations/{made}"}
            if two_way and not key.startswith("$c") and key != "$disconnect":
                route["RouteResponseSelectionExpression"] = "$default"
            if key == "$connect":
                route.update(options)
            route_id = client.create_route(**route)["RouteId"]
            if "RouteResponseSelectionExpression" in route:
                client.create_route_response(ApiId=api_id, RouteId=route_id, RouteResponseKey="$default")
        client.create_stage(ApiId=api_id, StageName="dev", AutoDeploy=True, **(stage or {}))
        return str(api_id)

    return make


@pytest.fixture
def dial(kumoi: Any) -> Iterator[Callable[..., ClientConnection]]:
    """Open a WebSocket to an API's stage, by path; closed with the test."""
    with ExitStack() as opened:

        def open_one(api_id: str, rest: str = "/dev", **options: Any) -> ClientConnection:
            url = f"ws{kumoi.url.removeprefix('http')}/_kumoi/execute-api/{api_id}{rest}"
            return opened.enter_context(connect(url, open_timeout=60, **options))

        yield open_one


def ask(peer: ClientConnection, message: Any) -> Any:
    peer.send(message if isinstance(message, str) else json.dumps(message))
    return json.loads(peer.recv(timeout=60))


@pytest.fixture
def management(kumoi: Any) -> Iterator[Callable[..., Any]]:
    """A client of `@connections` at an address of an API's stage."""
    with ExitStack() as opened:

        def make(endpoint: str, account: str = kumoi.account) -> Any:
            made = boto3.client(
                "apigatewaymanagementapi",
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id=account,
                aws_secret_access_key="test",
            )
            opened.callback(made.close)
            return made

        yield make


def test_messages_take_their_routes(websockets: Any, function: Any, dial: Any, kumoi: Any) -> None:
    echo = function(ECHO)
    api_id = websockets(
        {"$connect": echo, "$default": echo, "greet": echo}, stage={"StageVariables": {"colour": "red"}}
    )
    peer = dial(api_id)
    event = ask(peer, {"action": "greet", "name": "Ada"})
    context = event["requestContext"]
    assert json.loads(event["body"]) == {"action": "greet", "name": "Ada"}
    assert (event["isBase64Encoded"], event["stageVariables"], "headers" in event) == (False, {"colour": "red"}, False)
    assert (context["routeKey"], context["eventType"], context["messageDirection"]) == ("greet", "MESSAGE", "IN")
    assert (context["apiId"], context["stage"], context["identity"]["sourceIp"]) == (api_id, "dev", "127.0.0.1")
    assert context["connectedAt"] <= context["requestTimeEpoch"]
    assert context["requestId"] == context["extendedRequestId"] != context["messageId"]
    for other in ({"action": "unknown"}, {"action": None}, ["action"], 5):
        assert ask(peer, other)["requestContext"]["routeKey"] == "$default"
    said = ask(peer, "no JSON at all")
    assert (said["body"], said["requestContext"]["routeKey"]) == ("no JSON at all", "$default")
    assert said["requestContext"]["connectionId"] == context["connectionId"]


def test_a_handshake_is_an_event(websockets: Any, function: Any, dial: Any, kumoi: Any) -> None:
    table = remembering(kumoi)
    connect_route = function(REMEMBER, name="c", Environment={"Variables": {"TABLE": table}})
    api_id = websockets({"$connect": connect_route})
    dial(api_id, "/dev?room=1&room=2", additional_headers={"X-Colour": "red"}, user_agent_header="tests")
    event = remembered(kumoi, table)["CONNECT"]
    context = event["requestContext"]
    assert (event["headers"]["X-Colour"], event["multiValueHeaders"]["X-Colour"]) == ("red", ["red"])
    assert event["headers"]["Sec-WebSocket-Version"] == "13"
    assert event["queryStringParameters"] == {"room": "2"}
    assert event["multiValueQueryStringParameters"] == {"room": ["1", "2"]}
    assert (context["routeKey"], context["eventType"], context["apiId"]) == ("$connect", "CONNECT", api_id)
    assert context["identity"] == {"userAgent": "tests", "sourceIp": "127.0.0.1"}
    assert "messageId" not in context
    assert "body" not in event
    from aws_lambda_powertools.utilities.parser.models import APIGatewayWebSocketConnectEventModel

    APIGatewayWebSocketConnectEventModel.model_validate(event)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("return {'statusCode': 401}", 401),
        ("return {'statusCode': 403, 'body': 'no'}", 403),
        ("raise ValueError", 502),
        ("return 'text'", 502),
    ],
)
def test_connect_may_refuse(websockets: Any, function: Any, dial: Any, said: str, status: int) -> None:
    api_id = websockets({"$connect": function(said)})
    with pytest.raises(InvalidStatus) as refused:
        dial(api_id)
    assert refused.value.response.status_code == status


def test_addresses(websockets: Any, function: Any, dial: Any, kumoi: Any) -> None:
    api_id = websockets({"$default": function(ECHO)})
    url = f"ws{kumoi.url.removeprefix('http')}"
    for host in ("localhost", "us-east-1.amazonaws.com", "localhost.localstack.cloud"):
        name = f"{api_id}.execute-api.{host}"
        port = int(url.rpartition(":")[2])
        with connect(f"ws://{name}:{port}/dev", sock=_socket(port), open_timeout=60) as peer:
            assert ask(peer, "x")["requestContext"]["apiId"] == api_id
    with connect(f"{url}/_aws/execute-api/{api_id}/dev/", open_timeout=60) as peer:
        assert ask(peer, "x")["requestContext"]["stage"] == "dev"
    for rest in ("", "/other", "/dev/more"):
        with pytest.raises(InvalidStatus) as refused:
            dial(api_id, rest)
        assert refused.value.response.status_code == 403
    for path, status in (("dev", 426), ("other", 403)):
        assert _get(f"{kumoi.url}/_kumoi/execute-api/{api_id}/{path}") == status


def test_a_domain_name(websockets: Any, function: Any, kumoi: Any, client: Any) -> None:
    api_id = websockets({"$default": function(ECHO)})
    client.create_domain_name(DomainName="chat.example.com", DomainNameConfigurations=[{}])
    client.create_api_mapping(DomainName="chat.example.com", ApiId=api_id, Stage="dev", ApiMappingKey="v1")
    port = int(kumoi.url.rpartition(":")[2])
    with connect(f"ws://chat.example.com:{port}/v1", sock=_socket(port), open_timeout=60) as peer:
        context = ask(peer, "x")["requestContext"]
        assert (context["domainName"], context["stage"]) == (f"chat.example.com:{port}", "dev")
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://chat.example.com:{port}/v2", sock=_socket(port), open_timeout=60)
    assert refused.value.response.status_code == 403


def test_wss(websockets: Any, function: Any, kumoi: Any) -> None:
    import ssl

    api_id = websockets({"$default": function(ECHO)})
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = f"wss{kumoi.url.removeprefix('http')}/_kumoi/execute-api/{api_id}/dev"

    async def asked() -> Any:
        # One thread alone: OpenSSL's connections are none that two threads may use at once, as the other client does.
        async with connect_alone(url, ssl=context, open_timeout=60) as peer:
            await peer.send("x")
            return json.loads(await asyncio.wait_for(peer.recv(), 60))

    assert asyncio.run(asked())["requestContext"]["apiId"] == api_id


def test_subprotocols(websockets: Any, function: Any, dial: Any) -> None:
    choose = function("return {'statusCode': 200, 'headers': {'Sec-WebSocket-Protocol': 'chat'}}")
    api_id = websockets({"$connect": choose})
    peer = dial(api_id, subprotocols=["other", "chat"])
    assert peer.subprotocol == "chat"
    assert dial(api_id).subprotocol is None


def test_one_way_routes_answer_nothing(websockets: Any, function: Any, dial: Any) -> None:
    api_id = websockets({"quiet": function("return {'statusCode': 200, 'body': 'x'}")}, two_way=False)
    peer = dial(api_id)
    peer.send('{"action": "quiet"}')
    assert ask(peer, "none")["message"] == "Forbidden"  # and nothing came before it


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("raise ValueError", "Internal server error"),
        ("return None", "Internal server error"),
        ("return 'text'", "Internal server error"),
    ],
)
def test_what_fails_is_told(websockets: Any, function: Any, dial: Any, said: str, message: str) -> None:
    peer = dial(websockets({"$default": function(said)}))
    answer = ask(peer, "x")
    assert (answer["message"], sorted(answer)) == (message, ["connectionId", "message", "requestId"])


def test_a_function_that_is_not_there_or_too_slow(websockets: Any, function: Any, dial: Any) -> None:
    slow = {
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": function("time.sleep(5)", Timeout=60),
        "TimeoutInMillis": 50,
    }
    peer = dial(websockets({"slow": slow, "none": "arn:aws:lambda:us-east-1:000000000000:function:none"}))
    assert ask(peer, {"action": "slow"})["message"] == "Endpoint request timed out"
    assert ask(peer, {"action": "none"})["message"] == "Internal server error"


def test_connections_are_sent_to_described_and_closed(
    websockets: Any, function: Any, dial: Any, kumoi: Any, management: Any
) -> None:
    api_id = websockets({"$default": function(ECHO)})
    peer = dial(api_id, user_agent_header="tests")
    connection = ask(peer, "x")["requestContext"]["connectionId"]
    for endpoint in (
        f"{kumoi.url}/_kumoi/execute-api/{api_id}/dev",
        f"{kumoi.url}/_aws/execute-api/{api_id}/dev",
        kumoi.url,
    ):
        management(endpoint).post_to_connection(ConnectionId=connection, Data=b"h\xc3\xa9")
        assert peer.recv(timeout=60) == "hé"
    client = management(f"{kumoi.url}/_kumoi/execute-api/{api_id}/dev")
    found = client.get_connection(ConnectionId=connection)
    assert found["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "tests"}
    assert found["ConnectedAt"] <= found["LastActiveAt"]
    with pytest.raises(client.exceptions.PayloadTooLargeException):
        client.post_to_connection(ConnectionId=connection, Data=b"x" * 131_073)
    with pytest.raises(client.exceptions.ForbiddenException):
        other = management(f"{kumoi.url}/_kumoi/execute-api/{api_id}/other")
        other.post_to_connection(ConnectionId=connection, Data=b"x")
    with pytest.raises(client.exceptions.ForbiddenException):
        management(kumoi.url, "111122223333").post_to_connection(ConnectionId=connection, Data=b"x")
    client.post_to_connection(ConnectionId=connection, Data=b"x" * 131_072)
    assert len(peer.recv(timeout=60)) == 131_072
    client.delete_connection(ConnectionId=connection)
    with pytest.raises(ConnectionClosed):
        peer.recv(timeout=60)
    assert (peer.close_code, peer.close_reason) == (1000, "Connection Closed Normally")
    for operation, given in (("post_to_connection", {"Data": b"x"}), ("get_connection", {}), ("delete_connection", {})):
        with pytest.raises(client.exceptions.GoneException) as gone:
            getattr(client, operation)(ConnectionId=connection, **given)
        assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


@pytest.mark.parametrize(
    ("close", "code", "reason"),
    [
        (lambda peer: peer.close(), 1000, "Connection Closed Normally"),
        (lambda peer: peer.close(1001), 1001, "Going away"),
        (lambda peer: peer.close(4000, "had enough"), 4000, "had enough"),
        (lambda peer: peer.socket.shutdown(2), 1006, "Connection closed abnormally"),
        (lambda peer: peer.send(b"binary"), 1003, "Unsupported data"),
    ],
)
def test_the_end_of_a_connection_is_an_event(
    websockets: Any, function: Any, dial: Any, kumoi: Any, close: Any, code: int, reason: str
) -> None:
    table = remembering(kumoi)
    end = function(REMEMBER, name="d", Environment={"Variables": {"TABLE": table}})
    peer = dial(websockets({"$disconnect": end}))
    close(peer)
    event = remembered(kumoi, table)["DISCONNECT"]
    context = event["requestContext"]
    assert (context["routeKey"], context["disconnectStatusCode"], context["disconnectReason"]) == (
        "$disconnect",
        code,
        reason,
    )
    assert event["headers"]["x-restapi"] == ""


def test_large_messages_and_frames(websockets: Any, function: Any, dial: Any) -> None:
    api_id = websockets({"$default": function("return {'statusCode': 200, 'body': str(len(event['body']))}")})
    peer = dial(api_id)
    peer.send(["x" * 32_768] * 4)
    assert peer.recv(timeout=60) == "131072"
    peer.send([*["x" * 32_768] * 4, "x"])
    with pytest.raises(ConnectionClosed):
        peer.recv(timeout=60)
    assert peer.close_code == 1009
    peer = dial(api_id)
    peer.send("x" * 32_769)
    with pytest.raises(ConnectionClosed):
        peer.recv(timeout=60)
    assert peer.close_code == 1009


LAMBDA_PATH = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions"
ALLOW = """
if event['queryStringParameters'].get('token') == 'boom':
    raise Exception('Unauthorized')
effect = 'Allow' if event['queryStringParameters']['token'] == 'yes' else 'Deny'
statement = {'Action': 'execute-api:Invoke', 'Effect': effect, 'Resource': event['methodArn']}
context = {'who': 'ada', 'n': 1, 'type': event['type'], 'arn': event['methodArn']}
return {'principalId': 'p', 'policyDocument': {'Version': '2012-10-17', 'Statement': [statement]}, 'context': context}
"""


def test_a_function_decides_who_connects(client: Any, websockets: Any, function: Any, dial: Any) -> None:
    echo = function(ECHO)
    api_id = websockets({"$default": echo, "$connect": echo})
    authorizer = client.create_authorizer(
        ApiId=api_id,
        Name="a",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"{LAMBDA_PATH}/{function(ALLOW, 'a')}/invocations",
        IdentitySource=["route.request.querystring.token"],
    )["AuthorizerId"]
    route = next(one for one in client.get_routes(ApiId=api_id)["Items"] if one["RouteKey"] == "$connect")
    client.update_route(ApiId=api_id, RouteId=route["RouteId"], AuthorizationType="CUSTOM", AuthorizerId=authorizer)
    for query, status in (("", 401), ("?token=no", 403), ("?token=boom", 401)):
        with pytest.raises(InvalidStatus) as refused:
            dial(api_id, f"/dev{query}")
        assert refused.value.response.status_code == status
    said = ask(dial(api_id, "/dev?token=yes"), "x")["requestContext"]["authorizer"]
    assert (said["principalId"], said["who"], said["n"], said["type"]) == ("p", "ada", "1", "REQUEST")
    assert said["arn"].endswith(f":{api_id}/dev/$connect")


def test_signed_handshakes(websockets: Any, function: Any, dial: Any, kumoi: Any) -> None:
    echo = function(ECHO)
    api_id = websockets({"$default": echo, "$connect": echo}, AuthorizationType="AWS_IAM")
    with pytest.raises(InvalidStatus) as refused:
        dial(api_id)
    assert refused.value.response.status_code == 403
    url = f"{kumoi.url}/_kumoi/execute-api/{api_id}/dev"
    request = AWSRequest("GET", url)
    SigV4QueryAuth(Credentials(kumoi.account, "test"), "execute-api", "us-east-1").add_auth(request)
    said = ask(dial(api_id, request.url.partition(api_id)[2]), "x")["requestContext"]["identity"]
    assert (said["accessKey"], said["userArn"]) == (kumoi.account, f"arn:aws:iam::{kumoi.account}:root")


def test_mocks_and_templates(client: Any, websockets: Any, dial: Any) -> None:
    mock = {
        "IntegrationType": "MOCK",
        "RequestTemplates": {"$default": '{"statusCode": 201, "name": $input.json(\'$.name\')}'},
    }
    api_id = websockets({"hello": mock})
    integration = client.get_integrations(ApiId=api_id)["Items"][0]["IntegrationId"]
    peer = dial(api_id)
    client.create_integration_response(
        ApiId=api_id,
        IntegrationId=integration,
        IntegrationResponseKey="/2\\d\\d/",
        ResponseTemplates={"$default": "#set($name = $input.path('$.name'))hello $name on $context.stage"},
    )
    peer.send('{"action": "hello", "name": "Ada"}')
    assert peer.recv(timeout=60) == "hello Ada on dev"


SEND = "arn:aws:apigateway:us-east-1:sqs:path/{account}/inbox"
PUT = "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem"
FORM = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}
MESSAGE = (
    "Action=SendMessage&MessageBody=$util.urlEncode($input.json('$.text'))&MessageAttribute.1.Name=from"
    "&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=$context.connectionId"
)
ITEM = """{"TableName": "$input.path('$.table')", "Item": {"pk": {"S": "$context.connectionId"}}}"""


def test_services_behind_routes(client: Any, websockets: Any, dial: Any, kumoi: Any) -> None:
    queues, tables = kumoi.client("sqs"), kumoi.client("dynamodb")
    inbox = queues.create_queue(QueueName="inbox")["QueueUrl"]
    tables.create_table(
        TableName="seen",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    service = {"IntegrationType": "AWS", "IntegrationMethod": "POST", "TemplateSelectionExpression": "\\$default"}
    api_id = websockets(
        {
            "send": {
                **service,
                "IntegrationUri": SEND.format(account=kumoi.account),
                "RequestParameters": FORM,
                "RequestTemplates": {"$default": MESSAGE},
            },
            "put": {**service, "IntegrationUri": PUT, "RequestTemplates": {"$default": ITEM}},
            "make": {
                **service,
                "IntegrationUri": "arn:aws:apigateway:us-east-1:sns:action/CreateTopic",
                "RequestParameters": {"integration.request.querystring.Name": "'made'"},
                "RequestTemplates": {"$default": ""},
            },
        }
    )
    for integration in client.get_integrations(ApiId=api_id)["Items"]:
        for key, template in (("$default", '{"done": true}'), ("/4../", "{\"refused\": $input.json('$.__type')}")):
            client.create_integration_response(
                ApiId=api_id,
                IntegrationId=integration["IntegrationId"],
                IntegrationResponseKey=key,
                ResponseTemplates={"$default": template},
                TemplateSelectionExpression="\\$default",
            )
    peer = dial(api_id)
    assert ask(peer, {"action": "send", "text": "a & b = ü"}) == {"done": True}
    (message,) = queues.receive_message(QueueUrl=inbox, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == '"a & b = ü"'
    sender = message["MessageAttributes"]["from"]["StringValue"]
    assert ask(peer, {"action": "put", "table": "seen"}) == {"done": True}
    assert tables.scan(TableName="seen")["Items"] == [{"pk": {"S": sender}}]
    assert ask(peer, {"action": "make"}) == {"done": True}
    assert [one["TopicArn"].rpartition(":")[2] for one in kumoi.client("sns").list_topics()["Topics"]] == ["made"]
    refused = ask(peer, {"action": "put", "table": "unseen"})["refused"]
    assert refused.endswith("#ResourceNotFoundException")


def test_api_keys(client: Any, websockets: Any, function: Any, dial: Any, kumoi: Any) -> None:
    echo = function(ECHO)
    api_id = websockets({"$default": echo, "$connect": echo}, ApiKeyRequired=True)
    gateway = kumoi.client("apigateway")
    key = gateway.create_api_key(name="k", enabled=True)
    for headers in ({}, {"x-api-key": "nonsense"}, {"x-api-key": key["value"]}):
        with pytest.raises(InvalidStatus) as refused:
            dial(api_id, additional_headers=headers)
        assert refused.value.response.status_code == 403
    plan = gateway.create_usage_plan(name="p", apiStages=[{"apiId": api_id, "stage": "dev"}])
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    identity = ask(dial(api_id, additional_headers={"x-api-key": key["value"]}), "x")["requestContext"]["identity"]
    assert (identity["apiKey"], identity["apiKeyId"]) == (key["value"], key["id"])


def test_models(client: Any, websockets: Any, function: Any, dial: Any) -> None:
    api_id = websockets({"$default": function("return {'statusCode': 200, 'body': json.dumps({'ok': True})}")})
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "maximum": 9}}}
    client.create_model(ApiId=api_id, Name="Number", ContentType="application/json", Schema=json.dumps(schema))
    route = client.get_routes(ApiId=api_id)["Items"][0]["RouteId"]
    models = {"number": "Number", "none": "Missing"}
    selection = {"ModelSelectionExpression": "$request.body.kind", "RequestModels": models}
    client.update_route(ApiId=api_id, RouteId=route, **selection)
    peer = dial(api_id)
    assert ask(peer, {"kind": "number", "n": 5}) == {"ok": True}
    for message in ({"kind": "number", "n": 10}, {"kind": "number"}, {"kind": "other"}, {"kind": "none"}, "no JSON"):
        assert ask(peer, message)["message"] == "Bad request body"


def test_http_endpoints(websockets: Any, dial: Any, kumoi: Any, client: Any, serve: Any, function: Any) -> None:
    behind = serve({"POST /x": function("return {'statusCode': 200, 'body': 'got ' + event['body']}", "http")})
    url = f"{kumoi.url}/_kumoi/execute-api/{behind}/x"
    peer = dial(
        websockets({"$default": {"IntegrationType": "HTTP_PROXY", "IntegrationUri": url, "IntegrationMethod": "POST"}})
    )
    peer.send("this")
    assert peer.recv(timeout=60) == "got this"


def test_access_logs(websockets: Any, function: Any, dial: Any, kumoi: Any) -> None:
    logs = kumoi.client("logs")
    logs.create_log_group(logGroupName="chat")
    arn = f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:chat"
    form = "$context.eventType $context.routeKey $context.status $context.connectionId"
    log = {"AccessLogSettings": {"DestinationArn": arn, "Format": form}}
    peer = dial(websockets({"$default": function(ECHO)}, stage=log))
    connection = ask(peer, "x")["requestContext"]["connectionId"]
    peer.close()
    lines: set[str] = set()
    while len(lines) < 3:
        lines = {event["message"] for event in logs.filter_log_events(logGroupName="chat")["events"]}
    assert lines == {
        f"CONNECT $connect 200 {connection}",
        f"MESSAGE $default 200 {connection}",
        f"DISCONNECT $disconnect 200 {connection}",
    }


def test_throttles(websockets: Any, function: Any, dial: Any) -> None:
    limits = {"DefaultRouteSettings": {"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 1}}
    api_id = websockets({"$default": function(ECHO)}, stage=limits)
    peer = dial(api_id)
    assert ask(peer, "x")["message"] == "Too Many Requests"
    with pytest.raises(InvalidStatus) as refused:
        dial(api_id)
    assert refused.value.response.status_code == 429


def test_deleting_a_stage_closes_its_connections(websockets: Any, function: Any, dial: Any, client: Any) -> None:
    api_id = websockets({"$default": function(ECHO)})
    peer = dial(api_id)
    client.delete_stage(ApiId=api_id, StageName="dev")
    with pytest.raises(ConnectionClosed):
        peer.recv(timeout=60)
    assert peer.close_code == 1001


REMEMBER = """
import boto3, os
item = {'id': {'S': event['requestContext']['eventType']}, 'event': {'S': json.dumps(event)}}
boto3.client('dynamodb').put_item(TableName=os.environ['TABLE'], Item=item)
return {'statusCode': 200}
"""


def remembering(kumoi: Any) -> str:
    kumoi.client("dynamodb").create_table(
        TableName="events",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "events"


def remembered(kumoi: Any, table: str) -> dict[str, Any]:
    """The events by their type, once there is one."""
    dynamodb = kumoi.client("dynamodb")
    while not (items := dynamodb.scan(TableName=table)["Items"]):
        pass
    return {item["id"]["S"]: json.loads(item["event"]["S"]) for item in items}


def _socket(port: int) -> Any:
    import socket

    return socket.create_connection(("127.0.0.1", port))


def _get(url: str) -> int:
    import urllib3

    with urllib3.PoolManager(retries=False) as pool:
        return int(pool.request("GET", url).status)
