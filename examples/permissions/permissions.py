"""A role without policies, what its function would be denied, and the smallest policy that lets it work."""

import io
import json
import os
import subprocess
import sys
import zipfile

import boto3

HANDLER = """
import boto3

def handler(event, context):
    boto3.client("dynamodb").put_item(TableName="Notes", Item={"id": {"S": event["id"]}})
    boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody=event["id"])
"""


def kumoi_iam(*arguments: str):
    """What `kumoi iam …` answers, as JSON."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    command = [sys.executable, "-m", "kumoi", "iam", *arguments, "--account", account]
    environment = {**os.environ, "KUMOI_URL": os.environ["AWS_ENDPOINT_URL"]}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def deploy() -> str:
    """A table, a queue, and a function whose role allows nothing; answers the queue's URL."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = boto3.client("iam").create_role(
        RoleName="notes", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    boto3.client("dynamodb").create_table(
        TableName="Notes",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", HANDLER)
    functions = boto3.client("lambda")
    functions.create_function(
        FunctionName="notes",
        Runtime="python3.12",
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": package.getvalue()},
        Timeout=30,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="notes")
    return boto3.client("sqs").create_queue(QueueName="notes")["QueueUrl"]


def write(queue: str, note: str) -> None:
    """Have the function write a note."""
    payload = json.dumps({"id": note, "queue": queue})
    answer = boto3.client("lambda").invoke(FunctionName="notes", Payload=payload)
    assert "FunctionError" not in answer, answer["Payload"].read()


def denied() -> set[str]:
    """What the function's role has been, or would be denied."""
    return {one["denied"] for one in kumoi_iam("denied", "--json")}


def allow_what_it_needs() -> dict:
    """Give the role the smallest policy that its calls need; answers it."""
    policy = kumoi_iam("least-privilege", "--role", "notes")["notes"]
    boto3.client("iam").put_role_policy(RoleName="notes", PolicyName="needed", PolicyDocument=json.dumps(policy))
    return policy


if __name__ == "__main__":
    queue = deploy()
    write(queue, "one")
    print("AWS would deny:", *sorted(denied()), sep="\n  ")
    print(json.dumps(allow_what_it_needs(), indent=2))
    write(queue, "two")
    print("and with this policy nothing.")
