"""Deploys the shop to a running Kumoi, and moves its customers from the blue version to the green one.

kumoi run -- python examples/blue-green/shift.py
"""

import io
import json
import os
import sys
import urllib.request
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import boto3

HERE = Path(__file__).resolve().parent
STACK = "shop"
RUNTIME = f"python3.{sys.version_info.minor}"


def package() -> bytes:
    """The functions' deployment package."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted((HERE / "functions").glob("*.py")):
            out.write(path, path.name)
    return archive.getvalue()


def deploy(green: int) -> dict[str, str]:
    """Make or change the stack, so that the green version gets so many of a hundred requests; its outputs."""
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    s3.create_bucket(Bucket="shop-code")
    s3.put_object(Bucket="shop-code", Key="functions.zip", Body=package())
    parameters = {"CodeBucket": "shop-code", "CodeKey": "functions.zip", "Runtime": RUNTIME}
    weights = {"GreenWeight": str(green), "BlueWeight": str(100 - green)}
    given: dict[str, Any] = {
        "StackName": STACK,
        "TemplateBody": (HERE / "template.yaml").read_text(),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in {**parameters, **weights}.items()
        ],
        "Capabilities": ["CAPABILITY_IAM"],
    }
    made = any(one["StackName"] == STACK for one in cloudformation.describe_stacks()["Stacks"])
    action = "update" if made else "create"
    getattr(cloudformation, f"{action}_stack")(**given)
    cloudformation.get_waiter(f"stack_{action}_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def visit(name: str, times: int, **headers: str) -> Counter[str]:
    """Ask the shop several times; how often each version answered."""
    request = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/basket", headers={"Host": name, **headers})
    colours: Counter[str] = Counter()
    for _ in range(times):
        with urllib.request.urlopen(request, timeout=30) as answer:
            colours[json.load(answer)["colour"]] += 1
    return colours


def main() -> None:
    """Blue for all, then a quarter green, then green for all."""
    for green in (0, 25, 100):
        name = deploy(green)["Name"]
        print(f"{green} % green:", dict(visit(name, 20)), "a tester sees", *visit(name, 1, **{"X-Tester": "yes"}))


if __name__ == "__main__":
    main()
