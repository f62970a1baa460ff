"""A day of a table: visitors come and go, and its capacity with them. The day passes on the platform's clock."""

import json
import os
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import boto3

STACK = "daily-load"
TEMPLATE = Path(__file__).with_name("template.yaml")
VISITORS = {0: 0.5, 7: 2, 9: 8, 12: 16, 14: 8, 18: 4, 21: 0.5}
"""Writes a second from an hour on."""
BUSY_MINUTES = 20
"""In each hour somebody writes for so long; then the hour passes. Scaling in takes a quarter of an hour."""
ITEM = b"x" * 10_000
UNITS = 10
"""What writing it consumes."""


def clock(**asked: object) -> float:
    """Ask the platform's clock something; its time, in epoch seconds."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/clock"
    body = json.dumps(asked).encode() if asked else None
    with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
        return float(json.load(answer)["now"])


def advance(seconds: float) -> None:
    """Have time pass: alarms are looked at and scheduled actions carried out on the way."""
    clock(action="advance", seconds=seconds)


def deploy() -> str:
    """Deploy the template; answers the table's name."""
    stacks = boto3.client("cloudformation")
    stacks.create_stack(StackName=STACK, TemplateBody=TEMPLATE.read_text())
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName=STACK)["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


def capacity(table: str) -> tuple[int, int]:
    """The table's read and write capacity."""
    units = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["ProvisionedThroughput"]
    return units["ReadCapacityUnits"], units["WriteCapacityUnits"]


def write(table: str, units: float) -> None:
    """Consume so many write units."""
    dynamodb = boto3.client("dynamodb")
    names = [str(number) for number in range(round(units / UNITS))]
    for first in range(0, len(names), 25):
        items = [{"id": {"S": one}, "visit": {"B": ITEM}} for one in names[first : first + 25]]
        dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": one}} for one in items]})


def hours(table: str, first: int, last: int) -> list[tuple[int, float, int, int]]:
    """Let the hours of a day pass; of each the writes a second, and the read and write capacity at its end."""
    found = []
    for hour in range(first, last):
        rate = next(VISITORS[begin] for begin in sorted(VISITORS, reverse=True) if begin <= hour)
        for _ in range(BUSY_MINUTES):
            write(table, rate * 60)
            advance(60)
        found.append((hour, rate, *capacity(table)))
        advance(3600 - 60 * BUSY_MINUTES)
    return found


def until_midnight() -> None:
    """Let the time until the next midnight (UTC) pass, and half a minute."""
    passed = clock() % 86_400
    advance(86_430 - passed)


def main() -> None:
    table = deploy()
    until_midnight()
    print(f"the day of {datetime.fromtimestamp(clock(), UTC):%Y-%m-%d}")
    print("hour  writes/s  reads  writes (capacity)")
    for hour, rate, reads, writes in hours(table, 0, 24):
        print(f"{hour:4}  {rate:8}  {reads:5}  {writes:6}  {'#' * writes}")
    print("what was done about the writes:")
    scaling = boto3.client("application-autoscaling")
    found = scaling.describe_scaling_activities(
        ServiceNamespace="dynamodb",
        ResourceId=f"table/{table}",
        ScalableDimension="dynamodb:table:WriteCapacityUnits",
    )["ScalingActivities"]
    for one in reversed(found):
        print(f"  {one['StartTime'].astimezone(UTC):%H:%M}  {one['Description']}")


if __name__ == "__main__":
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise SystemExit("run it as: kumoi run python examples/daily-load/load.py")
    main()
