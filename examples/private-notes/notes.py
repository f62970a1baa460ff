"""A function in a private subnet: what its calls would meet on AWS, without a way to its table and with one."""

import json
import os
import sys
import urllib.request
from pathlib import Path

import boto3

STACK = "private-notes"
TEMPLATE = Path(__file__).with_name("template.yaml")


def deploy(action: str, endpoint: str) -> None:
    """Create or update the stack, with or without the endpoint ("yes", "no")."""
    stacks = boto3.client("cloudformation")
    given = {"Runtime": f"python3.{sys.version_info.minor}", "Endpoint": endpoint}
    getattr(stacks, f"{action}_stack")(
        StackName=STACK,
        TemplateBody=TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    stacks.get_waiter(f"stack_{action}_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})


def keep(note: str, text: str) -> dict[str, str]:
    """Have the function keep a note; what it answers."""
    event = json.dumps({"id": note, "text": text})
    answer = boto3.client("lambda").invoke(FunctionName="private-keeper", Payload=event)
    return json.load(answer["Payload"])


def warning() -> str:
    """What Kumoi said of the last invocation."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/hops?account={account}&limit=200"
    with urllib.request.urlopen(url) as answer:
        hops = [one for one in json.load(answer)["hops"] if one["target"] == "lambda:private-keeper"]
    return str(max((one for one in hops if one["operation"] == "Invoke"), key=lambda one: one["time"])["warning"])


def main() -> None:
    deploy("create", endpoint="no")
    print("without an endpoint:", keep("n1", "the cake is in the oven"))
    print("  but", warning())
    deploy("update", endpoint="yes")
    print("with a gateway endpoint:", keep("n2", "the cake is out"))
    print("  and", warning() or "nothing stands in its way on AWS")


if __name__ == "__main__":
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise SystemExit("run it as: kumoi run python examples/private-notes/notes.py")
    main()
