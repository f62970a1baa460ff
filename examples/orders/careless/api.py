"""POST /orders: check the order, put it into the queue, answer 202. The client chooses the id, so it may ask again."""

import json
import os

import boto3

sqs = boto3.client("sqs")


def answer(status, **body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def handler(event, context):
    try:
        order = json.loads(event.get("body") or "")
    except ValueError:
        return answer(400, message="the body is not JSON")
    if not isinstance(order, dict) or not {"id", "customer", "amount"} <= order.keys():
        return answer(400, message="an order has an id, a customer and an amount")
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(order))
    return answer(202, id=order["id"])
