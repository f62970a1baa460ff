"""The careless worker: what fails is printed and forgotten, so the queue believes that all of the batch is done."""

import json
import os

import boto3

orders = boto3.resource("dynamodb").Table(os.environ["ORDERS"])


def handler(event, context):
    for record in event["Records"]:
        try:
            order = json.loads(record["body"])
            orders.put_item(Item={"id": order["id"], "customer": order["customer"], "amount": order["amount"]})
        except Exception as error:  # noqa: BLE001  (the mistake that the experiment finds)
            print(f"order {record['body']}: {error}")
