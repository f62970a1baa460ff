"""A saga: an order in steps, each of which is undone when a later one fails, and a person in the middle.

    kumoi run -- python examples/order-saga/saga.py

Ids and amounts are variables (`Assign`), set once; what failed is told by `$reason`. A large order waits for a person:
here the script answers the messages of the queue of approvals with their task tokens.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3

DEFINITION = Path(__file__).parent / "order.asl.json"
CHARGE = '''
class CardRefused(Exception):
    """The card cannot be charged."""

def handler(event, context):
    if event["card"] == "stolen":
        raise CardRefused(event["card"])
    return {"charge": "charge-" + event["key"]}
'''
ROLE = "arn:aws:iam::000000000000:role/example"


def deploy() -> str:
    """The table, the queue, the function and the state machine; answers the machine's ARN."""
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="stock",
        KeySchema=[{"AttributeName": "item", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "item", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="stock", Item={"item": {"S": "lamp"}, "available": {"N": "2"}})
    queue = boto3.client("sqs").create_queue(QueueName="approvals")["QueueUrl"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", CHARGE)
    boto3.client("lambda").create_function(
        FunctionName="charge",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": package.getvalue()},
    )
    definition = DEFINITION.read_text().replace("${Approvals}", queue)
    made = boto3.client("stepfunctions").create_state_machine(name="order", definition=definition, roleArn=ROLE)
    return str(made["stateMachineArn"])


def place(machine: str, order: str, amount: int, card: str = "good") -> str:
    """Place an order; answers the execution's ARN. The order's id names it, so that it is placed once."""
    given = {"order": order, "item": "lamp", "amount": amount, "card": card}
    started = boto3.client("stepfunctions").start_execution(
        stateMachineArn=machine, name=order, input=json.dumps(given)
    )
    return str(started["executionArn"])


def approve(verdict: bool) -> None:
    """Answer the next order that waits for a person."""
    sqs, states = boto3.client("sqs"), boto3.client("stepfunctions")
    queue = sqs.get_queue_url(QueueName="approvals")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    token = json.loads(message["Body"])["token"]
    if verdict:
        states.send_task_success(taskToken=token, output="{}")
    else:
        states.send_task_failure(taskToken=token, error="NotApproved")
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def outcome(execution: str) -> dict[str, Any]:
    """What became of an order."""
    states = boto3.client("stepfunctions")
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.05)
    answer: dict[str, Any] = json.loads(found["output"])
    return answer


def available() -> int:
    """How many lamps there are."""
    found = boto3.client("dynamodb").get_item(TableName="stock", Key={"item": {"S": "lamp"}})
    return int(found["Item"]["available"]["N"])


def main() -> None:
    machine = deploy()
    print(outcome(place(machine, "small", 20)))
    refused = place(machine, "refused", 500)
    approve(False)
    print(outcome(refused), f"lamps left: {available()}")
    print(outcome(place(machine, "stolen", 20, card="stolen")), f"lamps left: {available()}")
    large = place(machine, "large", 500)
    approve(True)
    print(outcome(large), f"lamps left: {available()}")
    print(outcome(place(machine, "late", 20)))


if __name__ == "__main__":
    main()
