"""The room: who is in it stands in a table, and what one says all get.

One function behind every route of the WebSocket API; `requestContext` says which one it is.
"""

import json
import os

import boto3

dynamodb = boto3.client("dynamodb")
TABLE = os.environ["TABLE"]


def handler(event, context):
    """Take the event to its route."""
    request = event["requestContext"]
    routes = {"$connect": enter, "$disconnect": leave, "say": say, "who": who}
    return routes.get(request["routeKey"], unknown)(event, request["connectionId"])


def enter(event, connection):
    name = (event.get("queryStringParameters") or {}).get("name", "")
    if not name:
        return {"statusCode": 400, "body": "say who you are: ?name="}
    dynamodb.put_item(TableName=TABLE, Item={"connection": {"S": connection}, "name": {"S": name}})
    return {"statusCode": 200}


def leave(event, connection):
    gone = dynamodb.delete_item(TableName=TABLE, Key={"connection": {"S": connection}}, ReturnValues="ALL_OLD")
    if "Attributes" in gone:
        broadcast(event, {"left": gone["Attributes"]["name"]["S"]})
    return {"statusCode": 200}


def say(event, connection):
    text = json.loads(event["body"]).get("text", "")
    speaker = dynamodb.get_item(TableName=TABLE, Key={"connection": {"S": connection}})["Item"]["name"]["S"]
    broadcast(event, {"from": speaker, "text": text})
    return {"statusCode": 200}


def who(event, connection):
    """The answer goes back by the route's response."""
    return {"statusCode": 200, "body": json.dumps({"here": sorted(present().values())})}


def unknown(event, connection):
    return {"statusCode": 200, "body": json.dumps({"unknown": event["body"][:100]})}


def present():
    """The names of those in the room, by connection."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    return {item["connection"]["S"]: item["name"]["S"] for page in pages for item in page["Items"]}


def broadcast(event, message):
    """Send to all; who is gone is forgotten."""
    request = event["requestContext"]
    endpoint = f"https://{request['domainName']}/{request['stage']}"
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
    for connection in present():
        try:
            connections.post_to_connection(ConnectionId=connection, Data=json.dumps(message).encode())
        except connections.exceptions.GoneException:
            dynamodb.delete_item(TableName=TABLE, Key={"connection": {"S": connection}})
