"""Nothing acknowledged is lost: a platform killed with -9 while secrets are written, and while one is rotated."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 2


@pytest.mark.slow
def test_what_was_written_is_there_and_what_was_deleted_is_not(killable: Any, tmp_path: Path, at_work: Any) -> None:
    rng = random.Random(6)
    written: dict[str, str] = {}
    deleted: list[str] = []
    for number in range(ROUNDS):
        killable.start()
        writer = threading.Thread(target=work, args=(killable.client("secretsmanager"), number, written, deleted))
        writer.start()
        at_work(writer, written)
        time.sleep(rng.uniform(0.3, 0.8))  # the moment of the crash is the point of this test
        killable.kill()
        writer.join()
    killable.start()
    secrets = killable.client("secretsmanager")
    assert len(written) > ROUNDS
    for name, value in written.items():
        assert secrets.get_secret_value(SecretId=name)["SecretString"] == value
    listed = secrets.get_paginator("list_secrets").paginate()
    assert not {one["Name"] for page in listed for one in page["SecretList"]} & set(deleted)
    files = [file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert any(b"c/0/0" in content for content in files)
    assert not any(b"hunter2" in content for content in files)  # at rest there is no value in the clear


def work(secrets: Any, number: int, written: dict[str, str], deleted: list[str]) -> None:
    """Create, change and delete until the platform is gone; note what was answered."""
    try:
        for at in range(10_000):
            name, value = f"c/{number}/{at}", f"hunter2 {at}"
            secrets.create_secret(Name=name, SecretString="first")
            secrets.put_secret_value(SecretId=name, SecretString=value)
            written[name] = value
            if at % 3 == 0 and at:
                del written[name]
                secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
                deleted.append(name)
    except (BotoCoreError, ClientError):
        return


SLOW = """
import boto3, time

def handler(event, context):
    secrets = boto3.client("secretsmanager")
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    if step == "createSecret":
        secrets.put_secret_value(
            SecretId=secret, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"]
        )
    if step == "setSecret":
        while not secrets.describe_secret(SecretId=secret).get("Tags"):
            time.sleep(0.02)
    if step == "finishSecret":
        old = secrets.get_secret_value(SecretId=secret)["VersionId"]
        if old != token:
            secrets.update_secret_version_stage(
                SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=old
            )
"""


@pytest.mark.slow
def test_a_rotation_that_a_crash_interrupts_comes_to_its_end(
    killable: Any, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    killable.start()
    secrets = killable.client("secretsmanager")
    function = killable.client("lambda").create_function(
        FunctionName="rotator",
        Runtime=f"python3.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/rotator",
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": zipped({"app.py": SLOW})},
    )
    secrets.create_secret(Name="s", SecretString="old")
    token = "n" * 32
    secrets.rotate_secret(SecretId="s", RotationLambdaARN=function["FunctionArn"], ClientRequestToken=token)
    wait(lambda: has_value(secrets, token))  # it is in the midst of its run
    killable.kill()
    killable.start()
    secrets = killable.client("secretsmanager")
    assert "AWSPENDING" in secrets.describe_secret(SecretId="s")["VersionIdsToStages"][token]
    secrets.tag_resource(SecretId="s", Tags=[{"Key": "go", "Value": "on"}])
    wait(lambda: "LastRotatedDate" in secrets.describe_secret(SecretId="s"))
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "new"


def has_value(secrets: Any, token: str) -> bool:
    try:
        return bool(secrets.get_secret_value(SecretId="s", VersionId=token))
    except ClientError:
        return False


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.02)
