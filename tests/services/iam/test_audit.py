"""`--auth audit`, as a platform runs unless told otherwise: all calls pass, and `kumoi iam` tells what policies say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from kumoi.cli import main


@pytest.fixture
def run(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run `kumoi iam …` against the test's platform."""
    monkeypatch.setenv("KUMOI_URL", kumoi.url)
    monkeypatch.setenv("KUMOI_DATA", "/nonexistent")

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["iam", *arguments, "--account", kumoi.account], catch_exceptions=False)

    return invoke


def as_role(kumoi: Any, service: str, role: str) -> Any:
    given = kumoi.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    return boto3.client(
        service,
        endpoint_url=kumoi.url,
        region_name=kumoi.region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def test_what_would_be_denied_is_told_and_the_smallest_policy_allows_it(kumoi: Any, run: Callable[..., Any]) -> None:
    iam = kumoi.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": kumoi.account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    queue = kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    arn = f"arn:aws:sqs:{kumoi.region}:{kumoi.account}:q"
    sqs = as_role(kumoi, "sqs", role)
    for _ in range(2):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    principal = f"arn:aws:sts::{kumoi.account}:assumed-role/app/me"
    (denied,) = json.loads(run("denied", "--json").output)
    assert (denied["principal"], denied["calls"]) == (principal, 2)
    assert denied["denied"] == (
        f"sqs:SendMessage on {arn} because no identity-based policy allows the sqs:SendMessage action"
    )
    assert f"{principal}\n      2×  " in run("denied").output
    found = json.loads(run("least-privilege", "--role", "app").output)
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
    assert found == {"app": {"Version": "2012-10-17", "Statement": [statement]}}
    iam.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=json.dumps(found["app"]))
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.close()
    assert json.loads(run("denied", "--json").output)[0]["calls"] == 2


def test_a_stacks_roles_are_found(kumoi: Any, run: Callable[..., Any]) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "of-stack",
            "AssumeRolePolicyDocument": {
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ]
            },
        },
    }
    stacks = kumoi.client("cloudformation")
    stacks.create_stack(
        StackName="app", TemplateBody=json.dumps({"Resources": {"Role": role}}), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    stacks.get_waiter("stack_create_complete").wait(StackName="app", WaiterConfig={"Delay": 1})
    as_role(kumoi, "s3", f"arn:aws:iam::{kumoi.account}:role/of-stack").list_buckets()
    found = json.loads(run("least-privilege", "app").output)
    assert found["of-stack"]["Statement"] == [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]


def test_a_role_that_nobody_created_is_named_as_the_reason(kumoi: Any, run: Callable[..., Any]) -> None:
    as_role(kumoi, "sqs", f"arn:aws:iam::{kumoi.account}:role/none").list_queues()
    (denied,) = json.loads(run("denied", "--json").output)
    assert denied["denied"].endswith("; the role none does not exist")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["least-privilege"], "name a stack, or roles with --role"),
        (["least-privilege", "nowhere"], "does not exist"),
        (["least-privilege", "--role", "unseen"], '"unseen": null'),
        (["denied"], "policies denied nothing"),
    ],
)
def test_what_there_is_nothing_to_tell_of(run: Callable[..., Any], arguments: list[str], said: str) -> None:
    assert said in run(*arguments).output
