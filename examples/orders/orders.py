"""Deploys the orders application to a running Kumoi, sends it some orders, and shows what became of them.

    kumoi run -- python examples/orders/orders.py

Some orders fail at the first attempt and come again; one can never be placed and ends among the dead letters.
"""

import io
import json
import os
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import boto3

HERE = Path(__file__).resolve().parent
STACK = "orders"
RUNTIME = f"python3.{sys.version_info.minor}"


def package(functions: str = "functions") -> bytes:
    """The functions' deployment package."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted((HERE / functions).glob("*.py")):
            out.write(path, path.name)
    return archive.getvalue()


def deploy(functions: str = "functions") -> dict[str, str]:
    """Make the stack of the careful functions, or of those in another folder; its outputs."""
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    s3.create_bucket(Bucket="orders-code")
    s3.put_object(Bucket="orders-code", Key="functions.zip", Body=package(functions))
    parameters = {"CodeBucket": "orders-code", "CodeKey": "functions.zip", "Runtime": RUNTIME}
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=(HERE / "template.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def send(api: str, order: dict[str, Any]) -> None:
    """Post an order; raises OSError unless the application has taken it."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/execute-api/{api}/orders"
    request = urllib.request.Request(url, json.dumps(order).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        if answer.status != 202:
            raise OSError(f"the order was answered with {answer.status}")


def placed(outputs: dict[str, str]) -> int:
    """How many orders are in the table."""
    return int(boto3.client("dynamodb").scan(TableName=outputs["Orders"], Select="COUNT")["Count"])


def main() -> None:
    """Deploy, order, wait, show."""
    outputs = deploy()
    orders = [{"id": f"o{n}", "customer": f"c{n % 3}", "amount": n + 1, "flaky": n % 4 == 0} for n in range(12)]
    for order in [*orders, {"id": "never", "customer": "c0", "amount": -1}]:
        send(outputs["ApiId"], order)
    sqs, dead, deadline = boto3.client("sqs"), [], time.monotonic() + 120
    while placed(outputs) < len(orders) or not dead:
        if time.monotonic() > deadline:
            raise SystemExit(f"{placed(outputs)} of {len(orders)} orders were placed within two minutes")
        dead += sqs.receive_message(QueueUrl=outputs["DeadLetters"], WaitTimeSeconds=1).get("Messages", [])
    print(f"{len(orders)} orders placed; dead letter: {dead[0]['Body']}")


if __name__ == "__main__":
    main()
