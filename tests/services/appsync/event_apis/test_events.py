"""AppSync Events: channels over HTTP and WebSocket, authorization, handlers, and the control plane."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed

Post = Callable[..., tuple[int, Any]]
KEY = {"authType": "API_KEY"}


def test_an_event_reaches_those_whose_channel_covers_it(dial: Any, post: Post) -> None:
    one = dial()
    assert one.socket.subprotocol == "aws-appsync-event-ws"
    one.send(type="connection_init")
    assert one.receive() == {"type": "connection_ack", "connectionTimeoutMs": 300000}
    for id, channel in (("exact", "/chat/rooms/7"), ("all", "/chat/*"), ("other", "/chat/rooms/8")):
        assert one.ask("subscribe", id, channel) == {"type": "subscribe_success", "id": id}
    status, answer = post("/chat/rooms/7", '{"a":1}', '"two"')
    assert (status, answer["failed"]) == (200, [])
    assert [one["index"] for one in answer["successful"]] == [0, 1]
    got = [one.receive() for _ in range(4)]
    assert got == [
        {"id": "exact", "type": "data", "event": '{"a":1}'},
        {"id": "exact", "type": "data", "event": '"two"'},
        {"id": "all", "type": "data", "event": '{"a":1}'},
        {"id": "all", "type": "data", "event": '"two"'},
    ]
    assert one.silent()


def test_publishing_over_a_websocket(dial: Any) -> None:
    sender, receiver = dial(), dial()
    receiver.ask("subscribe", "1", "chat/rooms/*")
    answer = sender.ask("publish", "p", "/chat/rooms/1", events=['{"n":1}', "{"])
    assert (answer["type"], answer["id"]) == ("publish_success", "p")
    assert [one["index"] for one in answer["successful"]] == [0]
    assert answer["failed"][0] | {"identifier": ""} == {
        "identifier": "",
        "index": 1,
        "code": 400,
        "message": "The event is not valid JSON.",
    }
    assert receiver.receive()["event"] == '{"n":1}'


def test_five_events_as_large_as_they_may_be_in_one_message(dial: Any) -> None:
    one = dial()
    events = [json.dumps("x" * (240 * 1024 - 2))] * 5
    answer = one.ask("publish", "1", "/chat/a", events=events)
    assert [event["index"] for event in answer["successful"]] == [0, 1, 2, 3, 4]


def test_unsubscribing(dial: Any, post: Post) -> None:
    one = dial()
    one.ask("subscribe", "1", "/chat/a")
    assert one.ask("subscribe", "1", "/chat/b")["errors"][0]["errorType"] == "DuplicatedOperationError"
    assert one.ask("unsubscribe", "1") == {"id": "1", "type": "unsubscribe_success"}
    error = {"errorType": "UnknownOperationError", "message": "Unknown operation id 1"}
    assert one.ask("unsubscribe", "1") == {"id": "1", "type": "unsubscribe_error", "errors": [error]}
    post("/chat/a", "1")
    assert one.silent()


def test_who_may_do_what(dial: Any, post: Post, client: Any, api: str) -> None:
    refused = dial({"x-api-key": "da2-nobody"})
    error = refused.receive()["errors"][0]
    assert (error["errorType"], error["errorCode"]) == ("UnauthorizedException", 401)
    with pytest.raises(ConnectionClosed):
        refused.socket.recv(timeout=60)
    assert post("/chat/a", "1", headers={"x-api-key": "da2-nobody"})[0] == 401
    one = dial()
    answer = one.ask("subscribe", "1", "/chat/a", authorization={"x-api-key": "da2-nobody"})
    assert answer["errors"][0]["errorType"] == "UnauthorizedException"
    client.create_channel_namespace(apiId=api, name="staff", publishAuthModes=[{"authType": "AWS_IAM"}])
    assert post("/staff/a", "1")[0] == 401, "keys may not publish there"
    assert one.ask("subscribe", "1", "/staff/a")["type"] == "subscribe_success"


def test_signed_messages(dial: Any, api: str, client: Any) -> None:
    def signed(body: str) -> dict[str, str]:
        request = AWSRequest("POST", "https://localhost/event", data=body, headers={"host": "localhost"})
        SigV4Auth(Credentials("test", "test"), "appsync", "us-east-1").add_auth(request)
        return dict(request.headers.items())

    client.create_channel_namespace(apiId=api, name="staff", publishAuthModes=[{"authType": "AWS_IAM"}])
    one = dial(signed("{}"))
    body = json.dumps({"channel": "/staff/a", "events": ["1"]}, separators=(",", ":"))
    answer = one.ask("publish", "1", "/staff/a", events=["1"], authorization=signed(body))
    assert answer["type"] == "publish_success"


@pytest.mark.parametrize(
    ("channel", "events", "status"),
    [
        ("/nosuch/a", ["1"], 404),
        ("/chat/*", ["1"], 400),
        (7, ["1"], 400),
        ("/chat/a", [], 400),
        ("/chat/a", ["1"] * 6, 400),
        ("/chat/a", [7], 200),
        ("/chat/a", ["[" * 600 + "]" * 600], 200),
        (json.loads("[" * 600 + "]" * 600), ["1"], 400),
        ("/chat/a", [json.dumps("x" * 241 * 1024)], 200),
        ("/chat/a", [json.dumps("é" * 121 * 1024, ensure_ascii=False)], 200),
    ],
)
def test_what_cannot_be_published(post: Post, channel: Any, events: list[Any], status: int) -> None:
    got, answer = post(channel, *events)
    assert got == status
    assert answer.get("errors") or answer["failed"]


def test_garbage(dial: Any) -> None:
    one = dial()
    for text in (
        "",
        "null",
        "[]",
        "{",
        '{"type":1}',
        '{"type":"subscribe"}',
        '{"type":"publish","id":7}',
        '{"type":"x","id":"1"}',
    ):
        one.socket.send(text)
        assert one.receive()["type"] == "error"
    deep = json.loads("[" * 600 + "]" * 600)
    for message in (
        {},
        {"channel": 1},
        {"channel": deep},
        {"channel": "/chat/a", "authorization": 1},
        {"channel": "/nosuch"},
    ):
        for kind in ("subscribe", "publish"):
            one.send(**{"type": kind, "id": "1", "events": ["1"], **message})
            assert one.receive()["type"] == f"{kind}_error"


CODE = """
import { util } from '@aws-appsync/utils';
export function onPublish(ctx) {
  if (ctx.info.channel.segments[1] === 'closed') util.error('closed', 'Closed');
  return ctx.events
    .filter((event) => event.payload.keep !== false)
    .map((event) => event.payload.bad ? { id: event.id, error: 'bad' }
      : { id: event.id, payload: { ...event.payload, by: ctx.info.operation } });
}
export const onSubscribe = (ctx) => {
  if (ctx.info.channel.path === '/coded/secret') util.unauthorized();
};
"""


def test_handlers_in_code(dial: Any, post: Post, client: Any, api: str) -> None:
    client.create_channel_namespace(apiId=api, name="coded", codeHandlers=CODE)
    one = dial()
    assert one.ask("subscribe", "0", "/coded/secret")["errors"][0]["errorType"] == "Unauthorized"
    assert one.ask("subscribe", "1", "/coded/*")["type"] == "subscribe_success"
    status, answer = post("/coded/a", '{"keep":false}', '{"n":1}', '{"bad":true}')
    assert status == 200
    assert [one["index"] for one in answer["successful"]] == [0, 1]
    assert [(one["index"], one["message"]) for one in answer["failed"]] == [(2, "bad")]
    assert one.receive() == {"id": "1", "type": "data", "event": '{"n":1,"by":"PUBLISH"}'}
    assert post("/coded/closed", "{}") == (400, {"errors": [{"errorType": "Closed", "message": "closed"}]})
    assert one.silent()


SAYING = """
export function onPublish(ctx) {
  console.log('got', ctx.events.length);
  if (ctx.events[0].payload.bad) util.error('no more', 'Enough');
  return ctx.events;
}
"""


def test_an_api_logs_what_happens_on_its_channels(kumoi: Any, post: Post, client: Any, api: str) -> None:
    client.create_channel_namespace(apiId=api, name="said", codeHandlers=SAYING)
    config = client.get_api(apiId=api)["api"]["eventConfig"]
    config["logConfig"] = {"logLevel": "ALL", "cloudWatchLogsRoleArn": "arn:aws:iam::000000000000:role/logs"}
    client.update_api(apiId=api, name="live", eventConfig=config)
    assert post("/said/a", '{"n":1}')[0] == 200
    assert post("/said/a", '{"bad":true}')[0] == 400
    logs, found = kumoi.client("logs"), list[str]()
    while sum(one.endswith("End Request") for one in found) < 2:  # it is written behind the answers
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/appsync/apis/{api}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            continue
        found = [one["message"] for one in events]
    summaries = [json.loads(one) for one in found if one.startswith("{")]
    assert [(one["statusCode"], one.get("successful")) for one in summaries] == [(200, 1), (400, None)]
    texts = [one.partition(" ")[2] for one in found if not one.startswith("{")]
    assert texts[:2] == ["Begin Request, Operation: PUBLISH, Channel: /said/a", "INFO - got 1"]
    assert "ERROR - Enough: no more" in texts


STORED = """
import * as ddb from '@aws-appsync/utils/dynamodb';
export const onPublish = {
  request: (ctx) => ddb.put({ key: { id: ctx.events[0].id }, item: ctx.events[0].payload }),
  response: (ctx) => ctx.events.map((event) => ({ id: event.id, payload: { stored: ctx.result.text } })),
};
"""


def test_handlers_with_a_data_source(dial: Any, post: Post, kumoi: Any, client: Any, api: str) -> None:
    kumoi.client("dynamodb").create_table(
        TableName="events",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb = {"tableName": "events", "awsRegion": "us-east-1"}
    client.create_data_source(apiId=api, name="table", type="AMAZON_DYNAMODB", dynamodbConfig=dynamodb)
    client.create_channel_namespace(
        apiId=api,
        name="kept",
        codeHandlers=STORED,
        handlerConfigs={"onPublish": {"behavior": "CODE", "integration": {"dataSourceName": "table"}}},
    )
    one = dial()
    one.ask("subscribe", "1", "/kept/*")
    assert post("/kept/a", '{"text":"hello"}')[0] == 200
    assert one.receive()["event"] == '{"stored":"hello"}'


def test_functions_called_directly(dial: Any, post: Post, kumoi: Any, client: Any, api: str, zipped: Any) -> None:
    source = """
def handler(event, context):
    if event["info"]["operation"] == "SUBSCRIBE":
        return {"error": "no"} if event["info"]["channel"]["segments"][1] == "no" else None
    return {"events": [{"id": one["id"], "payload": one["payload"] + 1} for one in event["events"]]}
"""
    function = kumoi.client("lambda").create_function(
        FunctionName="direct",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": zipped({"app.py": source})},
    )["FunctionArn"]
    client.create_data_source(apiId=api, name="fn", type="AWS_LAMBDA", lambdaConfig={"lambdaFunctionArn": function})
    config = {
        "behavior": "DIRECT",
        "integration": {"dataSourceName": "fn", "lambdaConfig": {"invokeType": "REQUEST_RESPONSE"}},
    }
    client.create_channel_namespace(apiId=api, name="fn", handlerConfigs={"onPublish": config, "onSubscribe": config})
    one = dial()
    assert one.ask("subscribe", "0", "/fn/no")["errors"][0]["message"] == "no"
    assert one.ask("subscribe", "1", "/fn/yes")["type"] == "subscribe_success"
    assert post("/fn/yes", "1")[0] == 200
    assert one.receive()["event"] == "2"


def test_apis_and_namespaces_are_kept(client: Any, api: str) -> None:
    config = {
        "authProviders": [KEY],
        "connectionAuthModes": [KEY],
        "defaultPublishAuthModes": [KEY],
        "defaultSubscribeAuthModes": [KEY],
    }
    found = client.get_api(apiId=api)["api"]
    assert found["name"] == "live"
    assert set(found["dns"]) == {"HTTP", "REALTIME"}
    assert [one["apiId"] for one in client.list_apis()["apis"]] == [api]
    assert client.list_graphql_apis()["graphqlApis"] == []
    assert client.update_api(apiId=api, name="other", eventConfig=config)["api"]["name"] == "other"
    assert [one["name"] for one in client.list_channel_namespaces(apiId=api)["channelNamespaces"]] == ["chat"]
    made = client.update_channel_namespace(apiId=api, name="chat", codeHandlers="export const onPublish = (c) => null;")
    assert made["channelNamespace"]["codeHandlers"].startswith("export")
    client.tag_resource(resourceArn=found["apiArn"], tags={"c": "d"})
    assert client.list_tags_for_resource(resourceArn=found["apiArn"])["tags"] == {"c": "d"}
    assert client.get_api(apiId=api)["api"]["tags"] == {"c": "d"}
    client.delete_channel_namespace(apiId=api, name="chat")
    client.delete_api(apiId=api)
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_api(apiId=api)
    with pytest.raises(client.exceptions.NotFoundException):
        client.create_api_key(apiId=api)


def test_what_is_refused(client: Any, api: str) -> None:
    with pytest.raises(client.exceptions.ConflictException):
        client.create_channel_namespace(apiId=api, name="chat")
    with pytest.raises(client.exceptions.BadRequestException, match="The code contains one or more errors"):
        client.create_channel_namespace(apiId=api, name="bad", codeHandlers="export const onPublish = {")
    with pytest.raises(client.exceptions.BadRequestException, match="none of the API's auth providers"):
        client.create_channel_namespace(apiId=api, name="bad", publishAuthModes=[{"authType": "AWS_LAMBDA"}])
    integration = {"behavior": "CODE", "integration": {"dataSourceName": "x"}}
    with pytest.raises(client.exceptions.BadRequestException, match="request and response"):
        client.create_channel_namespace(apiId=api, name="bad", handlerConfigs={"onPublish": integration})
    mode = [{"authType": "AWS_LAMBDA"}]
    modes = ("authProviders", "connectionAuthModes", "defaultPublishAuthModes", "defaultSubscribeAuthModes")
    with pytest.raises(client.exceptions.BadRequestException, match="lacks its configuration"):
        client.create_api(name="x", eventConfig=dict.fromkeys(modes, mode))


TEMPLATE = {
    "Resources": {
        "Live": {
            "Type": "AWS::AppSync::Api",
            "Properties": {
                "Name": "stack",
                "EventConfig": {
                    "AuthProviders": [{"AuthType": "API_KEY"}],
                    "ConnectionAuthModes": [{"AuthType": "API_KEY"}],
                    "DefaultPublishAuthModes": [{"AuthType": "API_KEY"}],
                    "DefaultSubscribeAuthModes": [{"AuthType": "API_KEY"}],
                },
            },
        },
        "Chat": {
            "Type": "AWS::AppSync::ChannelNamespace",
            "Properties": {
                "ApiId": {"Fn::GetAtt": ["Live", "ApiId"]},
                "Name": "chat",
                "CodeHandlers": "export const onPublish = (ctx) => ctx.events;",
            },
        },
        "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": {"Fn::GetAtt": ["Live", "ApiId"]}}},
    },
    "Outputs": {
        "Id": {"Value": {"Fn::GetAtt": ["Live", "ApiId"]}},
        "Dns": {"Value": {"Fn::GetAtt": ["Live", "Dns.Http"]}},
    },
}


def test_cloudformation(kumoi: Any, client: Any) -> None:
    stacks = kumoi.client("cloudformation")
    stacks.create_stack(StackName="live", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="live", WaiterConfig={"Delay": 1})
    outputs = {
        one["OutputKey"]: one["OutputValue"] for one in stacks.describe_stacks(StackName="live")["Stacks"][0]["Outputs"]
    }
    api = outputs["Id"]
    assert client.get_api(apiId=api)["api"]["dns"]["HTTP"] == outputs["Dns"]
    assert client.get_channel_namespace(apiId=api, name="chat")["channelNamespace"]["codeHandlers"]
    stacks.delete_stack(StackName="live")
    stacks.get_waiter("stack_delete_complete").wait(StackName="live", WaiterConfig={"Delay": 1})
    assert client.list_apis()["apis"] == []


def test_a_subscriber_that_takes_nothing_is_dropped(dial: Any, post: Post) -> None:
    slow, quick = dial(receive_buffer=65536, max_queue=1), dial()
    for one in (slow, quick):
        assert one.ask("subscribe", "1", "/chat/large")["type"] == "subscribe_success"
    large = json.dumps("x" * 200 * 1024)
    for _ in range(10):
        assert post("/chat/large", *[large] * 5)[0] == 200
        for _ in range(5):
            assert len(quick.receive()["event"]) == len(large)
    with pytest.raises(ConnectionClosed):
        for _ in range(51):
            slow.receive()
