"""A Distributed Map over a CSV list of photos: ten to a child execution, results in S3, some failures tolerated.

    kumoi run -- python examples/photo-batch/photo_batch.py

The function only works out the sizes the photos would have; what matters here is how the list is cut up, how many
children run at once, and where their results lie.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3

DEFINITION = Path(__file__).parent / "batch.asl.json"
SHRINK = """
def handler(event, context):
    longest = event["BatchInput"]["longest"]
    shrunk = []
    for photo in event["Items"]:
        width, height = int(photo["width"]), int(photo["height"])  # a size that is none fails the batch
        scale = min(1, longest / max(width, height))
        shrunk.append({"name": photo["name"], "size": [round(width * scale), round(height * scale)]})
    return shrunk
"""
ROLE = "arn:aws:iam::000000000000:role/example"


def deploy(bucket: str, rows: list[str]) -> str:
    """The bucket with the list, the function and the state machine; answers the machine's ARN."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="photos.csv", Body="\n".join(["name,width,height", *rows]).encode())
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", SHRINK)
    boto3.client("lambda").create_function(
        FunctionName="shrink",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": package.getvalue()},
    )
    made = boto3.client("stepfunctions").create_state_machine(
        name="photo-batch", definition=DEFINITION.read_text(), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


def run(machine: str, bucket: str) -> dict[str, Any]:
    """Run the batch; answers what DescribeMapRun says of it, and the shrunk photos."""
    states, s3 = boto3.client("stepfunctions"), boto3.client("s3")
    given = {"bucket": bucket, "list": "photos.csv", "longest": 1000}
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.05)
    output = json.loads(found["output"])
    counts = states.describe_map_run(mapRunArn=output["MapRunArn"])["itemCounts"]
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=output["ResultWriterDetails"]["Key"])["Body"].read())
    photos: list[dict[str, Any]] = []
    for file in manifest["ResultFiles"]["SUCCEEDED"]:
        for child in json.loads(s3.get_object(Bucket=bucket, Key=file["Key"])["Body"].read()):
            photos += json.loads(child["Output"])
    return {"succeeded": counts["succeeded"], "failed": counts["failed"], "photos": photos}


def main() -> None:
    rows = [f"photo-{number}.jpg,{4000 + number},3000" for number in range(34)] + ["broken.jpg,?,?"]
    machine = deploy("photo-batch-example", rows)
    result = run(machine, "photo-batch-example")
    print(f"{result['succeeded']} photos shrunk, {result['failed']} in batches that failed; the first:")
    print(result["photos"][0])


if __name__ == "__main__":
    main()
