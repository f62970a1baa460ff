"""The shop's three functions: its API takes orders and shows them, a worker keeps them, a report counts them."""

import json
import os
import uuid

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def api(event, context):
    """POST /orders puts an order into the queue, GET /orders/{id} shows it once it is kept, GET /report counts."""
    route = event["routeKey"]
    if route == "POST /orders":
        order = {"id": uuid.uuid4().hex, **json.loads(event["body"])}
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(order))
        return {"statusCode": 202, "body": json.dumps({"id": order["id"]})}
    wanted = event["pathParameters"]["id"] if "id" in (event.get("pathParameters") or {}) else "report"
    found = table.get_item(Key={"id": wanted}).get("Item")
    return {"statusCode": 200 if found else 404, "body": json.dumps(found, default=str)}


def worker(event, context):
    """Keep the orders of a batch."""
    for record in event["Records"]:
        table.put_item(Item=json.loads(record["body"]))


def report(event, context):
    """Count the orders, each night."""
    orders = [item for item in table.scan()["Items"] if item["id"] != "report"]
    table.put_item(Item={"id": "report", "orders": len(orders)})
    return len(orders)
