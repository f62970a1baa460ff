"""Connections that end by time, and those that a crash breaks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TABLE = {
    "TableName": "ends",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
SOURCE = """
import boto3, json

def handler(event, context):
    context = event["requestContext"]
    item = {"id": {"S": context["connectionId"]}, "context": {"S": json.dumps(context)}}
    if context["eventType"] == "DISCONNECT":
        boto3.client("dynamodb").put_item(TableName="ends", Item=item)
    return {"statusCode": 200, "body": context["connectionId"]}
"""


def api_with_ends(client: Callable[[str], Any], package: bytes) -> str:
    """A WebSocket API whose ends are remembered in a table."""
    client("dynamodb").create_table(**TABLE)
    arn = client("lambda").create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": package},
    )["FunctionArn"]
    gateway = client("apigatewayv2")
    api = {"Name": "a", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"}
    api_id = gateway.create_api(**api)["ApiId"]
    integration = gateway.create_integration(ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=arn)
    target = {"ApiId": api_id, "Target": f"integrations/{integration['IntegrationId']}"}
    gateway.create_route(RouteKey="$disconnect", **target)
    route = gateway.create_route(RouteKey="$default", RouteResponseSelectionExpression="$default", **target)
    gateway.create_route_response(ApiId=api_id, RouteId=route["RouteId"], RouteResponseKey="$default")
    gateway.create_stage(ApiId=api_id, StageName="dev", AutoDeploy=True)
    return str(api_id)


def address(url: str, api_id: str) -> str:
    return f"ws{url.removeprefix('http')}/_kumoi/execute-api/{api_id}/dev"


def end_of(dynamodb: Any, connection: str) -> dict[str, Any]:
    """The context of a connection's end, once it was told."""
    while (found := dynamodb.get_item(TableName="ends", Key={"id": {"S": connection}}).get("Item")) is None:
        pass
    return dict(json.loads(found["context"]["S"]))


@pytest.mark.kumoi_clock
def test_silent_and_long_connections_are_closed(kumoi: Any, zipped: Any) -> None:
    api_id = api_with_ends(kumoi.client, zipped({"app.py": SOURCE}))
    with connect(address(kumoi.url, api_id), open_timeout=60) as peer:
        peer.send("who am I?")
        connection = str(peer.recv(timeout=60))
        kumoi.advance(400)
        assert peer.ping().wait(60)
        kumoi.advance(400)
        peer.send("still here")
        assert peer.recv(timeout=60) == connection
        kumoi.advance(601)
        with pytest.raises(ConnectionClosed):
            peer.recv(timeout=60)
        assert peer.close_code == 1001
    assert end_of(kumoi.client("dynamodb"), connection)["disconnectStatusCode"] == 1001
    with connect(address(kumoi.url, api_id), open_timeout=60) as peer:
        for _ in range(18):
            peer.send("x")
            assert peer.recv(timeout=60)
            kumoi.advance(400)
        with pytest.raises(ConnectionClosed):
            peer.recv(timeout=60)
        assert peer.close_code == 1001


@pytest.mark.slow
def test_the_end_of_a_connection_survives_a_crash_and_a_stop(killable: Any, zipped: Any) -> None:
    killable.start()
    api_id = api_with_ends(killable.client, zipped({"app.py": SOURCE}))
    with connect(address(killable.url, api_id), open_timeout=60) as peer:
        peer.send("who am I?")
        connection = str(peer.recv(timeout=60))
        killable.kill()
        killable.start()
        context = end_of(killable.client("dynamodb"), connection)
        assert (context["disconnectStatusCode"], context["eventType"]) == (1006, "DISCONNECT")
        management = killable.client("apigatewaymanagementapi")
        with pytest.raises(management.exceptions.GoneException):
            management.post_to_connection(ConnectionId=connection, Data=b"x")
    with connect(address(killable.url, api_id), open_timeout=60) as peer:
        peer.send("who am I?")
        connection = str(peer.recv(timeout=60))
        killable.close()
        with pytest.raises(ConnectionClosed):
            peer.recv(timeout=60)
        assert peer.close_code == 1001
    killable.start()
    assert end_of(killable.client("dynamodb"), connection)["disconnectStatusCode"] == 1006
