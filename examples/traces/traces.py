"""Deploys an application whose parts trace, orders, and asks X-Ray what happened.

kumoi run -- python examples/traces/traces.py
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3

HERE = Path(__file__).resolve().parent
STACK = "traces"


def deploy() -> str:
    """Make the stack; the URL that takes orders."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=(HERE / "template.yaml").read_text(),
        Parameters=[{"ParameterKey": "Runtime", "ParameterValue": f"python3.{sys.version_info.minor}"}],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    api = stack["Outputs"][0]["OutputValue"]
    return f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/execute-api/{api}/Prod/orders"


def order(url: str, pieces: int) -> int:
    """Order some pieces; the status of the answer."""
    request = urllib.request.Request(url, json.dumps({"pieces": pieces}).encode(), method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def now() -> float:
    """The platform's time: its clock may have been advanced."""
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/clock") as answer:
        return float(json.load(answer)["now"])


def traces(expression: str) -> list[dict[str, Any]]:
    """The traces of the last two hours that an expression means."""
    moment = now()
    pages = boto3.client("xray").get_paginator("get_trace_summaries")
    window = {"StartTime": moment - 2 * 3600, "EndTime": moment + 60}
    found = pages.paginate(**window, FilterExpression=expression)
    return [summary for page in found for summary in page["TraceSummaries"]]


def graph() -> list[str]:
    """Who called whom, how often."""
    moment = now()
    answer = boto3.client("xray").get_service_graph(StartTime=moment - 2 * 3600, EndTime=moment + 60)
    names = {one["ReferenceId"]: f"{one['Name']} ({one.get('Type', '-')})" for one in answer["Services"]}
    return [
        f"{names[one['ReferenceId']]} -> {names[edge['ReferenceId']]}: {edge['SummaryStatistics']['TotalCount']}"
        for one in answer["Services"]
        for edge in one["Edges"]
    ]


def main() -> None:
    """Order, one order too much, and look."""
    url = deploy()
    print("ordered:", *(order(url, pieces) for pieces in (1, 2, 3, 11)))
    while len(traces('service("packing")')) < 3:
        time.sleep(0.1)
    print(*graph(), sep="\n")
    for summary in traces('group.name = "failed"'):
        [cause] = summary["FaultRootCauses"]
        [exception] = cause["Services"][-1]["EntityPath"][-1]["Exceptions"]
        print(f"failed: {exception['Name']}: {exception['Message']}  (kumoi trace {summary['Id']})")


if __name__ == "__main__":
    main()
