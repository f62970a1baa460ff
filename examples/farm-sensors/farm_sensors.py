"""Deploys the sensors of some farms to a running Kumoi and lets them speak: a file a sensor, a picture a farm come out.

    kumoi sdk install iotanalytics
    kumoi run -- python examples/farm-sensors/farm_sensors.py

The first line gives boto3 the model of IoT Analytics back. An hour passes on the platform's clock, not on yours.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

import boto3

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from sensors import FARMS, SENSORS, publish, readings, register  # noqa: E402  (the file beside this one)

STACK = "farm-sensors"


def deploy() -> str:
    """Make the stack; the bucket of its files."""
    runtime = f"Runtime=python3.{sys.version_info.minor}"
    deploying = [sys.executable, "-m", "kumoi", "deploy", str(HERE), "--stack", STACK, "--param", runtime]
    subprocess.run(deploying, check=True, stdout=subprocess.DEVNULL)
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}["Files"]


def stored(count: int) -> None:
    """Wait until so many readings are in the data store, by a live view of it."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    asked = urlencode({"sql": "SELECT count(*) AS n FROM readings", "account": account})
    with urllib.request.urlopen(
        f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/iotanalytics-live?{asked}", timeout=60
    ) as view:
        for line in view:
            if line.startswith(b"data: ") and json.loads(line[6:])[0]["n"] >= count:
                return


def plausible(messages: Iterable[dict[str, object]]) -> int:
    """How many readings the pipeline lets through."""
    return sum(float(str(message["battery"])) > 10 for message in messages)


def advance(duration: float) -> None:
    """Let time pass on the platform."""
    body = json.dumps({"action": "advance", "seconds": duration}).encode()
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/clock"
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=120) as answer:
        answer.read()


def delivered(bucket: str, prefix: str, count: int) -> dict[str, bytes]:
    """The objects below a prefix, once there are so many."""
    s3 = boto3.client("s3")
    while True:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        if len(listed) >= count:
            return {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}
        time.sleep(0.1)


def weights(farms: Iterable[str]) -> dict[str, int]:
    """Readings by farm: what the costs of what they share are split by."""
    return dict(sorted(Counter(farms).items()))


def main() -> None:
    """Run it all."""
    bucket = deploy()
    messages = readings(time.time())
    publish(register(), messages)
    print(f"{len(messages)} readings published over MQTT …")
    stored(plausible(message for _, message in messages))
    print("… and those that can be true are stored; an hour passes …")
    advance(3600)
    files = delivered(bucket, "readings/", FARMS * SENSORS)
    pictures = delivered(bucket, "pictures/", FARMS)
    for key, content in files.items():
        print(f"  {key}: {len(content.splitlines()) - 1} readings")
    target = HERE / "pictures"
    target.mkdir(exist_ok=True)
    for key, content in pictures.items():
        (target / Path(key).name).write_bytes(content)
    print(f"Pictures of {len(pictures)} farms are in {target}.")
    costs = HERE / "costs"
    costs.mkdir(exist_ok=True)
    (costs / "weights.json").write_text(json.dumps(weights(farm for farm, _ in messages)))


if __name__ == "__main__":
    main()
