"""Deploys a checkout to a running Kumoi, and takes its prices away from it while customers order.

kumoi run -- python examples/chaos/chaos.py
"""

import json
import sys
import time
from pathlib import Path

import boto3

HERE = Path(__file__).resolve().parent
STACK = "chaos"


def deploy() -> str:
    """Make the stack; the id of its experiment template."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=(HERE / "template.yaml").read_text(),
        Parameters=[
            {"ParameterKey": "Runtime", "ParameterValue": f"python3.{sys.version_info.minor}"},
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


def order(times: int) -> list[str]:
    """Order several times, one after the other: where each price came from."""
    client = boto3.client("lambda")
    answers = [client.invoke(FunctionName="checkout", Payload=b"{}") for _ in range(times)]
    assert not any("FunctionError" in answer for answer in answers), "the checkout itself failed"
    return [json.load(answer["Payload"])["from"] for answer in answers]


def start(template: str) -> str:
    """Start the experiment; its id, once it breaks what it is to break."""
    client = boto3.client("fis")
    experiment = str(client.start_experiment(experimentTemplateId=template)["experiment"]["id"])
    wait(experiment, "running")
    return experiment


def stop(experiment: str) -> None:
    """Stop the experiment; returns once nothing is broken any more."""
    boto3.client("fis").stop_experiment(id=experiment)
    wait(experiment, "stopped")


def wait(experiment: str, status: str) -> None:
    """Return once the experiment's action has a state."""
    while True:
        found = boto3.client("fis").get_experiment(id=experiment)["experiment"]
        if found["actions"]["fail"]["state"]["status"] == status:
            return
        assert found["state"]["status"] in ("initiating", "running", "stopping"), found["state"]
        time.sleep(0.05)


def main() -> None:
    """Orders before, during and after the experiment."""
    template = deploy()
    print("before:", *order(10))
    experiment = start(template)
    print("during:", *order(10))
    stop(experiment)
    print("after: ", *order(10))


if __name__ == "__main__":
    main()
