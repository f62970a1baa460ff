"""Deploys the sensors of some farms to a running Kumoi and sends readings: a file a sensor, a picture a farm come out.

    kumoi sdk install iotanalytics
    kumoi run -- python examples/farm-sensors/farm_sensors.py

The first line gives boto3 the model of IoT Analytics back. An hour passes on the platform's clock, not on yours.
"""

import io
import json
import math
import os
import sys
import time
import urllib.request
import zipfile
from collections import Counter
from pathlib import Path

import boto3

HERE = Path(__file__).resolve().parent
STACK, BUCKET = "farm-sensors", "farm-sensors"
FARMS, SENSORS, READINGS = 3, 4, 50


def readings(start: float) -> list[dict[str, object]]:
    """A day's readings of every sensor; the last sensor of each farm runs low on battery."""
    found: list[dict[str, object]] = []
    for number in range(READINGS):
        for farm in range(FARMS):
            for sensor in range(SENSORS):
                phase = 2 * math.pi * number / READINGS + farm
                found.append(
                    {
                        "farm": f"farm{farm}",
                        "sensor": f"s{farm}{sensor}",
                        "ts": int(start) + number * 60,
                        "tempF": round(60 + 12 * math.sin(phase) + 2 * sensor, 1),
                        "hum": round(55 + 20 * math.cos(phase), 1),
                        "battery": 100 - number - (60 if sensor == 3 else 0),
                    }
                )
    return found


def package() -> bytes:
    """The function's deployment package."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.write(HERE / "draw.py", "draw.py")
    return archive.getvalue()


def deploy() -> None:
    """Make the stack."""
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="code/draw.zip", Body=package())
    parameters = {"Bucket": BUCKET, "CodeKey": "code/draw.zip", "Runtime": f"python3.{sys.version_info.minor}"}
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=(HERE / "template.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})


def send(messages: list[dict[str, object]]) -> None:
    """Put messages into the channel, a hundred at a time, and one that nobody can read."""
    client = boto3.client("iotanalytics")
    payloads = [json.dumps(message).encode() for message in messages] + [b"static"]
    for at in range(0, len(payloads), 100):
        batch = [{"messageId": str(n), "payload": one} for n, one in enumerate(payloads[at : at + 100])]
        client.batch_put_message(channelName="sensors", messages=batch)


def stored() -> None:
    """Wait until the unreadable message, the last one, has come through the pipeline."""
    client = boto3.client("iotanalytics")
    while not client.sample_channel_data(channelName="unreadable").get("payloads"):
        time.sleep(0.1)


def advance(duration: float) -> None:
    """Let time pass on the platform."""
    body = json.dumps({"action": "advance", "seconds": duration}).encode()
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/clock"
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=120) as answer:
        answer.read()


def delivered(prefix: str, count: int) -> dict[str, bytes]:
    """The objects below a prefix, once there are so many."""
    s3 = boto3.client("s3")
    while True:
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        if len(listed) >= count:
            return {one["Key"]: s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed}
        time.sleep(0.1)


def weights(messages: list[dict[str, object]]) -> dict[str, int]:
    """Readings by farm: what the costs of what they share are split by."""
    return dict(sorted(Counter(str(message["farm"]) for message in messages).items()))


def main() -> None:
    """Run it all."""
    deploy()
    messages = readings(time.time())
    send(messages)
    stored()
    print(f"{len(messages)} readings sent; an hour passes …")
    advance(3600)
    files = delivered("readings/", FARMS * SENSORS)
    pictures = delivered("pictures/", FARMS)
    for key, content in files.items():
        print(f"  {key}: {len(content.splitlines()) - 1} readings")
    target = HERE / "pictures"
    target.mkdir(exist_ok=True)
    for key, content in pictures.items():
        (target / Path(key).name).write_bytes(content)
    print(f"Pictures of {len(pictures)} farms are in {target}.")
    costs = HERE / "costs"
    costs.mkdir(exist_ok=True)
    (costs / "weights.json").write_text(json.dumps(weights(messages)))


if __name__ == "__main__":
    main()
