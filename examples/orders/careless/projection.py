"""The careless projection: it adds whatever it is shown, however often it is shown it."""

import json
import os

import boto3

dynamodb = boto3.client("dynamodb")
sns = boto3.client("sns")


def handler(event, context):
    for record in event["Records"]:
        if record["eventName"] == "INSERT":
            order = record["dynamodb"]["NewImage"]
            dynamodb.update_item(
                TableName=os.environ["TOTALS"],
                Key={"id": {"S": f"customer#{order['customer']['S']}"}},
                UpdateExpression="ADD spent :amount, orders :one",
                ExpressionAttributeValues={":amount": order["amount"], ":one": {"N": "1"}},
            )
            notice = {"id": order["id"]["S"], "customer": order["customer"]["S"], "amount": int(order["amount"]["N"])}
            sns.publish(TopicArn=os.environ["TOPIC"], Subject="Order placed", Message=json.dumps(notice))
