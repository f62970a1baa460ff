"""Receipts by mail, made of a template; who cannot be reached is not written to again."""

import json
import os
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import boto3

STACK = "receipts"
TEMPLATE = Path(__file__).with_name("template.yaml")
LINES = [{"count": 2, "what": "tea"}, {"count": 1, "what": "jam"}]


def deploy() -> str:
    """Deploy the template; answers the name of the table of those who cannot be reached."""
    stacks = boto3.client("cloudformation")
    stacks.create_stack(
        StackName=STACK,
        TemplateBody=TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": "Runtime", "ParameterValue": f"python3.{sys.version_info.minor}"}],
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName=STACK)["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


def order(number: int, name: str, to: str) -> dict[str, Any]:
    """Have the receipt of an order sent; what the function answers."""
    event = {"number": number, "name": name, "to": to, "lines": LINES, "note": ""}
    answer = boto3.client("lambda").invoke(FunctionName="send-receipt", Payload=json.dumps(event))
    found: dict[str, Any] = json.load(answer["Payload"])
    return found


def mail_to(address: str) -> dict[str, Any]:
    """The newest mail to somebody, waited for: out of the mailbox of the machine."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/mail"
    query = urllib.parse.urlencode({"account": account, "to": address, "wait": 20})
    with urllib.request.urlopen(f"{url}?{query}") as answer:
        number = json.load(answer)["mails"][0]["number"]
    with urllib.request.urlopen(f"{url}/{number}?account={account}") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def noted(table: str, address: str) -> str:
    """Why somebody cannot be reached, once that is known."""
    rows = boto3.resource("dynamodb").Table(table)
    deadline = time.monotonic() + 60
    while "Item" not in (found := rows.get_item(Key={"id": address})):
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing was noted of {address}")
        time.sleep(0.1)
    return str(found["Item"]["why"])


def main() -> None:
    table = deploy()
    order(1, "Ann", "ann@example.com")
    mail = mail_to("ann@example.com")
    print(f"Ann gets: {mail['subject']} | {mail['text']}")
    gone = "bounce@simulator.amazonses.com"
    print("the first receipt to Bob:", order(2, "Bob", gone))
    print("what came back was noted:", noted(table, gone))
    print("the second receipt to Bob:", order(3, "Bob", gone))


if __name__ == "__main__":
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise SystemExit("run it as: kumoi run python examples/receipts/receipts.py")
    main()
