"""The shop for Chalice: `chalice deploy`. Its table and queue are there already: Chalice makes neither."""

import json
import os
import uuid

import boto3
from chalice import Chalice, Response

app = Chalice(app_name="shop")


def table():
    return boto3.resource("dynamodb").Table(os.environ["TABLE"])


@app.route("/orders", methods=["POST"])
def place():
    order = {"id": uuid.uuid4().hex, **app.current_request.json_body}
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=os.environ["QUEUE_NAME"])["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(order))
    return Response({"id": order["id"]}, status_code=202)


@app.route("/orders/{order_id}")
def show(order_id):
    found = table().get_item(Key={"id": order_id}).get("Item")
    return Response(json.loads(json.dumps(found, default=str)), status_code=200 if found else 404)


@app.on_sqs_message(queue=os.environ.get("QUEUE_NAME", "shop-placed"))
def worker(event):
    for record in event:
        table().put_item(Item=json.loads(record.body))


@app.schedule("cron(0 3 * * ? *)")
def report(event):
    orders = [item for item in table().scan()["Items"] if item["id"] != "report"]
    table().put_item(Item={"id": "report", "orders": len(orders)})
    return len(orders)
