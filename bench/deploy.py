"""How long deployments take, from CreateChangeSet to CREATE_COMPLETE, and how late they make the event loop.

    scripts/bench deploy

A SAM application whose expansion has 16 resources (limit 2 s, the first with the translator's start), a
template of 500 resources (limit 10 s), and a change of one function's code.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from invoke import kumoi
from load import free_port, server

from kumoi.cli.deploying.artifacts import Artifacts
from kumoi.cli.deploying.packaging import Packager
from kumoi.cli.deploying.stack import Deployer

EXAMPLES = Path(__file__).parents[1] / "examples"


def many(count: int) -> dict[str, Any]:
    """Parameters of Parameter Store, roles and groups that refer to one another."""
    resources: dict[str, Any] = {}
    for number in range(count // 2):
        resources[f"Group{number}"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}}
        resources[f"Name{number}"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::Sub": f"${{Group{number}}}-${{AWS::StackName}}"}},
        }
    return {"Resources": resources}


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (_pid, _ready):
        url = f"http://127.0.0.1:{port}"
        access = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        s3 = boto3.client("s3", endpoint_url=url, **access)
        artifacts = Artifacts(s3, "000000000000", "us-east-1")
        deployer = Deployer(boto3.client("cloudformation", endpoint_url=url, **access), artifacts)
        packager = Packager(artifacts, lambda _line: None)

        def deploy(title: str, name: str, template: dict[str, Any]) -> None:
            began = time.perf_counter()
            plan = deployer.plan(name, template, {}, {})
            assert plan is not None
            planned = time.perf_counter() - began
            events = list(deployer.carry_out(plan))
            took = time.perf_counter() - began
            stack = deployer.find(name)
            assert stack is not None and stack["StackStatus"].endswith("E_COMPLETE"), stack
            with urllib.request.urlopen(f"{url}/_kumoi/info") as answer:
                lag = json.load(answer)["loop_lag_ms"]
            print(
                f"{title:34} {len(plan.changes):4} changes  change set {planned:5.2f} s  whole {took:5.2f} s  "
                f"{len(events):4} events  worst lag of the loop so far {lag:6.1f} ms"
            )

        shop = packager.packaged(EXAMPLES / "shop" / "template.yaml").template
        deploy("shop (SAM), the first", "shop", shop)
        deploy("shop (SAM), translator warm", "shop2", shop)
        api = shop["Resources"]["Api"]["Properties"]
        del api["CodeUri"]
        api["InlineCode"] = "handler = print"
        deploy("shop, one function's code changed", "shop", shop)
        deploy("500 resources", "many", many(500))


if __name__ == "__main__":
    sys.exit(main())
