"""Clicks of two sites go through a delivery stream; a minute later they are rows that SQL finds."""

import json
import os
import random
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3

STACK = "click-stream"
TEMPLATE = Path(__file__).with_name("template.yaml")
PAGES = ("/", "/tea", "/cups?colour=blue", "/cups?colour=red")
QUESTION = """
SELECT site, page, count(DISTINCT visitor) AS visitors, approx_percentile(milliseconds, 0.9) AS slow
FROM clicks WHERE day >= '2026-01-01' GROUP BY site, page ORDER BY site, visitors DESC, page
"""


def deploy() -> str:
    """Deploy the template; answers the bucket."""
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


def clicks(count: int, now: float) -> list[bytes]:
    """Clicks as a browser's script would send them; every tenth is a bot's, and one is broken."""
    rng = random.Random(7)
    made = [b"<not a click>"]
    for number in range(count):
        click = {
            "at": int(now * 1000),
            "url": f"https://{rng.choice(('shop', 'blog'))}.example.com{rng.choice(PAGES)}",
            "visitor": f"v{rng.randrange(40)}",
            "agent": "SomeBot/1.0" if number % 10 == 0 else "Firefox",
            "milliseconds": rng.randrange(20, 900),
        }
        made.append(json.dumps(click).encode())
    return made


def send(records: list[bytes]) -> None:
    """Put records, up to 500 at once."""
    firehose = boto3.client("firehose")
    for at in range(0, len(records), 500):
        batch = [{"Data": one} for one in records[at : at + 500]]
        answer = firehose.put_record_batch(DeliveryStreamName="clicks", Records=batch)
        assert answer["FailedPutCount"] == 0


def query(lake: str, statement: str) -> list[list[str]]:
    """The rows that Athena answers."""
    athena = boto3.client("athena")
    started = athena.start_query_execution(
        QueryString=statement,
        QueryExecutionContext={"Database": "web"},
        ResultConfiguration={"OutputLocation": f"s3://{lake}/answers/"},
    )["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            break
        if status["State"] not in ("QUEUED", "RUNNING"):
            raise SystemExit(status["StateChangeReason"])
        time.sleep(0.1)
    rows: list[dict[str, Any]] = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in rows]


def clock(**action: Any) -> float:
    """Ask the platform's clock for something; what it shows."""
    url, body = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/clock", json.dumps(action).encode() if action else None
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return float(json.load(answer)["now"])


def main() -> None:
    lake = deploy()
    send(clicks(2000, clock()))
    clock(action="advance", seconds=60)
    for one in boto3.client("s3").list_objects_v2(Bucket=lake)["Contents"]:
        print(f"{one['Size']:>8} {one['Key']}")
    for row in query(lake, QUESTION):
        print(*(f"{cell:<10}" for cell in row))


if __name__ == "__main__":
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise SystemExit("run it as: kumoi run python examples/click-stream/clicks.py")
    main()
