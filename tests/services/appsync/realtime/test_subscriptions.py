"""Subscriptions over WebSocket, as AppSync's clients use them."""

from __future__ import annotations

import base64
import json
import socket
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

Mutate = Callable[[str], dict[str, Any]]
Resolve = Callable[..., None]
GRAPHQL_WS = [Subprotocol("graphql-ws")]
NONE = '{"version":"2018-05-29","payload":null}'


def test_the_connection_is_kept_alive_and_acknowledged(dial: Any) -> None:
    one = dial()
    assert one.socket.subprotocol == "graphql-ws"
    assert one.socket.recv(timeout=60) == '{"type":"ka"}'
    one.send(type="connection_init")
    assert one.receive() == {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}}


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("localhost", "/graphql/{api}"),
        ("localhost", "/graphql/{api}/realtime"),
        ("localhost", "/graphql/realtime"),
        ("localhost", "/_kumoi/appsync-realtime/{api}/graphql"),
        ("localhost", "/_kumoi/appsync-api/{api}/graphql/realtime"),
        ("{api}.appsync-realtime-api.us-east-1.localhost", "/graphql"),
        ("{api}.appsync-api.us-east-1.amazonaws.com", "/graphql/realtime"),
    ],
)
def test_addresses(kumoi: Any, api: str, key: str, host: str, path: str) -> None:
    header = base64.b64encode(json.dumps({"host": "x", "x-api-key": key}).encode()).decode()
    port = kumoi.url.rpartition(":")[2]
    url = f"ws://{host}:{port}{path}?header={header}&payload=e30=".format(api=api)
    raw = socket.create_connection(("127.0.0.1", int(port)))
    with connect(url, sock=raw, subprotocols=GRAPHQL_WS, open_timeout=60) as one:
        assert one.recv(timeout=60) == '{"type":"ka"}'


def test_who_may_not_connect(dial: Any, kumoi: Any, api: str) -> None:
    one = dial({"host": "localhost", "x-api-key": "da2-nobody"})
    text = "You are not authorized to make this call."
    error = {"errorType": "UnauthorizedException", "errorCode": 401, "message": text}
    assert one.receive() == {"type": "connection_error", "payload": {"errors": [error]}}
    with pytest.raises(ConnectionClosed):
        one.socket.recv(timeout=60)
    url = kumoi.url.replace("http://", "ws://")
    with connect(f"{url}/graphql/{api}/realtime", subprotocols=GRAPHQL_WS, open_timeout=60) as peer:
        assert "Required headers are missing." in str(peer.recv(timeout=60))
    with connect(f"{url}/graphql/{api}/realtime", open_timeout=60) as peer:
        assert "NoProtocolError" in str(peer.recv(timeout=60))
    with connect(f"{url}/graphql/{api}/realtime?header=%25%25", subprotocols=GRAPHQL_WS, open_timeout=60) as peer:
        assert '"errorCode":400' in str(peer.recv(timeout=60))
    with pytest.raises(InvalidStatus, match="404"):
        connect(f"{url}/graphql/nosuchapi/realtime?header=e30=", subprotocols=GRAPHQL_WS, open_timeout=60)


def test_a_mutation_reaches_those_whose_arguments_match(subscriber: Any, mutate: Mutate) -> None:
    first, second = subscriber(), subscriber()
    query = "subscription($room: ID) { onAdd(room: $room) { room text } }"
    assert first.start("1", query, room="a") == {"id": "1", "type": "start_ack"}
    assert second.start("1", query, room="b") == {"id": "1", "type": "start_ack"}
    assert second.start("2", "subscription { all: onAdd { text } }")["type"] == "start_ack"
    assert "errors" not in mutate('mutation { add(room: "a", text: "hi") { id room text } }')
    assert first.receive() == {"id": "1", "type": "data", "payload": {"data": {"onAdd": {"room": "a", "text": "hi"}}}}
    assert second.receive() == {"id": "2", "type": "data", "payload": {"data": {"all": {"text": "hi"}}}}
    mutate('mutation { add(room: "a", text: "again") { id text } }')
    assert second.receive()["payload"]["data"] == {"all": {"text": "again"}}
    assert first.silent(), "the argument's field was not selected"


def test_subscribers_get_what_the_mutation_selected(subscriber: Any, mutate: Mutate) -> None:
    one = subscriber()
    one.start("1", "subscription { onAdd { room text n tags from { name } __typename } }")
    mutate(
        'mutation { add(room: "a", text: "hi") { ...F key: id } } fragment F on Message { tags t: text from { name } }'
    )
    assert one.receive()["payload"] == {
        "data": {
            "onAdd": {
                "room": None,
                "text": "hi",
                "n": None,
                "tags": ["a", "b"],
                "from": {"name": "Ada"},
                "__typename": "Message",
            }
        }
    }


def test_a_field_that_may_not_be_null_was_not_selected(subscriber: Any, mutate: Mutate) -> None:
    one = subscriber()
    one.start("1", "subscription { onAdd { id text } }")
    mutate('mutation { add(room: "a", text: "hi") { text } }')
    payload = one.receive()["payload"]
    assert payload["data"] == {"onAdd": None}
    text = "Cannot return null for non-nullable type: 'ID' within parent 'Message' (/onAdd/id)"
    assert payload["errors"] == [{"path": ["onAdd", "id"], "locations": None, "message": text}]


def test_a_field_that_is_not_open_to_the_subscriber(subscriber: Any, mutate: Mutate, resolve: Resolve) -> None:
    one = subscriber()
    one.start("1", "subscription { onAdd { text secret } }")
    mutate('mutation { add(room: "a", text: "hi") { id text } }')
    payload = one.receive()["payload"]
    assert payload["data"] == {"onAdd": {"text": "hi", "secret": None}}
    assert payload["errors"][0]["errorType"] == "Unauthorized"


def test_unions(subscriber: Any, mutate: Mutate, resolve: Resolve) -> None:
    payload = '{"version":"2018-05-29","payload":{"__typename":"Loud","text":"HEY"}}'
    resolve("shout", payload, "$util.toJson($ctx.result)")
    one = subscriber()
    one.start("1", "subscription { onShout { ... on Loud { text } ... on Quiet { silent: text } } }")
    mutate("mutation { shout { __typename ... on Loud { text } } }")
    assert one.receive()["payload"] == {"data": {"onShout": {"text": "HEY"}}}


def test_mutations_that_fail_reach_nobody(subscriber: Any, mutate: Mutate, resolve: Resolve) -> None:
    resolve("drop", NONE, '$util.error("no")')
    one = subscriber()
    one.start("1", "subscription { onAdd { text } }")
    assert mutate('mutation { drop(room: "a") { id } }')["errors"]
    assert one.silent()


def test_stop_ends_a_subscription(subscriber: Any, mutate: Mutate) -> None:
    one = subscriber()
    one.start("1", "subscription { onAdd { text } }")
    one.send(id="1", type="stop")
    assert one.receive() == {"id": "1", "type": "complete"}
    mutate('mutation { add(room: "a") { id } }')
    assert one.silent()


@pytest.mark.parametrize(
    ("query", "kind", "begins"),
    [
        ("subscription { nope { id } }", None, "Validation error of type FieldUndefined"),
        ("query { hello }", "UnsupportedOperation", "query not supported through the realtime channel"),
        ("subscription A { onAdd { id } } subscription B { onAdd { id } }", "BadRequestException", "Missing operation"),
        ("subscription($n: Int!) { onAdd(n: $n) { id } }", None, "Variable 'n' has coerced Null value"),
        ("subscription { signed { id } }", "Unauthorized", "Not Authorized to access signed on type Subscription"),
    ],
)
def test_what_cannot_be_subscribed_to(subscriber: Any, query: str, kind: str | None, begins: str) -> None:
    answer = subscriber().start("1", query)
    assert (answer["id"], answer["type"]) == ("1", "error")
    (error,) = answer["payload"]["errors"]
    assert error.get("errorType") == kind
    assert error["message"].startswith(begins)


def test_each_start_is_authorized(subscriber: Any) -> None:
    one = subscriber()
    answer = one.start("1", "subscription { onAdd { id } }", headers={"x-api-key": "da2-nobody"})
    assert answer["payload"]["errors"][0]["errorType"] == "UnauthorizedException"
    one.send(id="2", type="start", payload={"data": "{}"})
    text = "unknown not supported through the realtime channel"
    assert one.receive()["payload"]["errors"] == [{"errorType": "UnsupportedOperation", "message": text}]


def test_signed_connections_and_subscriptions(dial: Any, api: str, mutate: Mutate) -> None:
    def signed(path: str, body: str) -> dict[str, str]:
        request = AWSRequest("POST", f"https://localhost{path}", data=body, headers={"host": "localhost"})
        SigV4Auth(Credentials("test", "test"), "appsync", "us-east-1").add_auth(request)
        return dict(request.headers.items())

    one = dial(signed("/graphql/connect", "{}"))
    one.send(type="connection_init")
    assert one.receive()["type"] == "connection_ack"
    query = "subscription { signed { text secret } }"
    body = json.dumps({"query": query, "variables": {}})
    assert one.start("1", query, headers=signed("/graphql", body))["type"] == "start_ack"
    mutate('mutation { add(room: "a", text: "hi") { id text } }')
    assert one.receive()["payload"]["data"] == {"signed": {"text": "hi", "secret": None}}


def test_the_same_subscription_shows_each_what_is_open_to_them(subscriber: Any, mutate: Mutate) -> None:
    one = subscriber()
    query = "subscription { both { text secret } }"
    body = json.dumps({"query": query, "variables": {}})
    request = AWSRequest("POST", "https://localhost/graphql", data=body, headers={"host": "localhost"})
    SigV4Auth(Credentials("test", "test"), "appsync", "us-east-1").add_auth(request)
    assert one.start("key", query)["type"] == "start_ack"
    assert one.start("iam", query, headers=dict(request.headers.items()))["type"] == "start_ack"
    mutate('mutation { add(room: "a", text: "hi") { text secret } }')
    got = {message["id"]: message["payload"] for message in (one.receive(), one.receive())}
    assert got["key"]["errors"][0]["errorType"] == "Unauthorized"
    assert "errors" not in got["iam"]


def test_limits_of_a_connection(subscriber: Any) -> None:
    one = subscriber()
    for number in range(200):
        assert one.start(str(number), "subscription { onAdd { id } }")["type"] == "start_ack"
    answer = one.start("200", "subscription { onAdd { id } }")
    text = "Max number of 200 subscriptions reached"
    assert answer["payload"]["errors"] == [{"errorType": "MaxSubscriptionsReachedError", "message": text}]
    one.send(id="0", type="stop")
    assert one.receive()["type"] == "complete"
    assert one.start("200", "subscription { onAdd { id } }")["type"] == "start_ack"
    assert one.start("1", "subscription { onAdd { id } }")["type"] == "error", "the id is taken"


def test_a_message_that_is_too_large_is_not_delivered(subscriber: Any, mutate: Mutate) -> None:
    one = subscriber()
    one.start("1", "subscription { onAdd { text } }")
    assert "errors" not in mutate('mutation { add(room: "a", text: "%s") { text } }' % ("x" * 241 * 1024))
    mutate('mutation { add(room: "a", text: "small") { text } }')
    assert one.receive()["payload"]["data"] == {"onAdd": {"text": "small"}}


def test_garbage(subscriber: Any, mutate: Mutate) -> None:
    one = subscriber()
    garbage: tuple[Any, ...] = ("", "null", "[]", "{", '{"type":1}', '{"type":"start"}', '{"type":"start","id":7}')
    for text in garbage:
        one.socket.send(text)
        assert one.receive()["type"] == "error"
    authorization = {"extensions": {"authorization": one.headers}}
    for payload in (
        None,
        1,
        {},
        {"data": 1},
        {"data": "[]", **authorization},
        {"data": '{"query":1}', **authorization},
    ):
        one.send(id="1", type="start", payload=payload)
        assert one.receive()["type"] == "error"
    deep = json.loads("[" * 600 + "]" * 600)
    assert one.start("1", "subscription { onAdd { id } }", deep=deep)["type"] == "error"
    assert one.start("1", "subscription { onAdd { id } }")["type"] == "start_ack"


def test_deleting_an_api_closes_its_connections(subscriber: Any, client: Any, api: str) -> None:
    one = subscriber()
    client.delete_graphql_api(apiId=api)
    with pytest.raises(ConnectionClosed):
        one.receive()


@pytest.mark.kumoi_clock
def test_a_connection_lasts_a_day(subscriber: Any, kumoi: Any) -> None:
    one = subscriber()
    kumoi.advance(24 * 3600 + 1)
    with pytest.raises(ConnectionClosed):
        one.receive()


@pytest.mark.kumoi_clock
def test_a_connection_ends_with_the_token_that_it_or_a_subscription_was_opened_with(
    subscriber: Any, dial: Any, kumoi: Any, client: Any, api: str
) -> None:
    cognito = kumoi.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="a", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="ann", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="ann", Password="Correct-horse-1", Permanent=True)
    who = {"USERNAME": "ann", "PASSWORD": "Correct-horse-1"}
    answer = cognito.initiate_auth(ClientId=app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=who)
    token = {"host": "localhost", "Authorization": answer["AuthenticationResult"]["AccessToken"]}
    client.update_graphql_api(
        apiId=api,
        name="api",
        authenticationType="AMAZON_COGNITO_USER_POOLS",
        userPoolConfig={"userPoolId": pool, "awsRegion": "us-east-1", "defaultAction": "ALLOW"},
        additionalAuthenticationProviders=[{"authenticationType": "API_KEY"}, {"authenticationType": "AWS_IAM"}],
    )
    by_token, later, by_key = dial(token), subscriber(), subscriber()
    assert later.start("1", "subscription { onAdd { text } }", token)["type"] == "start_ack"
    kumoi.advance(3601)
    for ended in (by_token, later):
        with pytest.raises(ConnectionClosed, match="the token has expired"):
            while ended.receive():
                pass
    assert by_key.silent()


def test_subscriptions_are_not_served_over_http(mutate: Mutate) -> None:
    with pytest.raises(OSError, match="400"):
        mutate("subscription { onAdd { id } }")


def test_faults_strike_deliveries(subscriber: Any, mutate: Mutate, kumoi: Any, api: str) -> None:
    one = subscriber()
    one.start("1", "subscription { onAdd { text } }")
    which = {"service": "appsync", "operation": "DeliverToSubscribers", "resource": api, "account": kumoi.account}
    fault = {"id": api, "action": "drop", "times": 1, **which}
    faults = f"{kumoi.url}/_kumoi/faults"
    urllib.request.urlopen(urllib.request.Request(faults, data=json.dumps(fault).encode())).close()
    mutate('mutation { add(room: "a", text: "lost") { id text } }')
    mutate('mutation { add(room: "a", text: "kept") { id text } }')
    assert one.receive()["payload"]["data"] == {"onAdd": {"text": "kept"}}
    urllib.request.urlopen(urllib.request.Request(f"{faults}?id={api}", method="DELETE")).close()


def test_a_function_authorizes(kumoi: Any, client: Any, api: str, dial: Any, zipped: Any) -> None:
    source = """
def handler(event, context):
    return {"isAuthorized": event["authorizationToken"] == "let me in", "deniedFields": ["Message.text"]}
"""
    function = kumoi.client("lambda").create_function(
        FunctionName="gate",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": zipped({"app.py": source})},
    )["FunctionArn"]
    client.update_graphql_api(
        apiId=api,
        name="api",
        authenticationType="AWS_LAMBDA",
        lambdaAuthorizerConfig={"authorizerUri": function},
        additionalAuthenticationProviders=[{"authenticationType": "API_KEY"}, {"authenticationType": "AWS_IAM"}],
    )
    assert dial({"host": "x", "Authorization": "open up"}).receive()["type"] == "connection_error"
    one = dial({"host": "x", "Authorization": "let me in"})
    one.send(type="connection_init")
    assert one.receive()["type"] == "connection_ack"
    assert one.start("1", "subscription { onAdd { text } }")["type"] == "start_ack"
