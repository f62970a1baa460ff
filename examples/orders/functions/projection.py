"""Changes of the orders into totals by customer, and a notice of each. A stream may show a change twice: the total and
the mark that the change is in it are written in one transaction."""

import json
import os

import boto3

dynamodb = boto3.client("dynamodb")
sns = boto3.client("sns")
TOTALS = os.environ["TOTALS"]


def handler(event, context):
    for record in event["Records"]:
        if record["eventName"] == "INSERT":
            order = record["dynamodb"]["NewImage"]
            add(order)
            notice = {"id": order["id"]["S"], "customer": order["customer"]["S"], "amount": int(order["amount"]["N"])}
            sns.publish(TopicArn=os.environ["TOPIC"], Subject="Order placed", Message=json.dumps(notice))


def add(order):
    mark = {"id": {"S": f"order#{order['id']['S']}"}}
    try:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": TOTALS, "Item": mark, "ConditionExpression": "attribute_not_exists(id)"}},
                {
                    "Update": {
                        "TableName": TOTALS,
                        "Key": {"id": {"S": f"customer#{order['customer']['S']}"}},
                        "UpdateExpression": "ADD spent :amount, orders :one",
                        "ExpressionAttributeValues": {":amount": order["amount"], ":one": {"N": "1"}},
                    }
                },
            ]
        )
    except dynamodb.exceptions.TransactionCanceledException as error:
        if error.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
            raise
