from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/rotator"
ROTATOR = """
import boto3, os

def handler(event, context):
    secrets = boto3.client("secretsmanager")
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    stages = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert token in stages, stages
    print(step)
    if step == "createSecret":
        try:
            secrets.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            old = secrets.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")["SecretString"]
            value = old + "+"
            secrets.put_secret_value(
                SecretId=secret, ClientRequestToken=token, SecretString=value, VersionStages=["AWSPENDING"]
            )
    if step == "testSecret":
        pending = secrets.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
        tags = {tag["Key"]: tag["Value"] for tag in secrets.describe_secret(SecretId=secret).get("Tags", [])}
        if tags.get("broken") == "yes":
            raise ValueError("the new password does not work")
    if step == "finishSecret":
        for version, labels in stages.items():
            if "AWSCURRENT" in labels and version != token:
                secrets.update_secret_version_stage(
                    SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=version
                )
"""


@pytest.fixture
def secrets(kumoi: Any) -> Any:
    return kumoi.client("secretsmanager")


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text


@pytest.fixture
def rotator(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> str:
    """The ARN of a function that rotates secrets: each value gets one more `+`."""
    answer = kumoi.client("lambda").create_function(
        FunctionName="rotator",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=ROLE,
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": zipped({"app.py": ROTATOR})},
    )
    return str(answer["FunctionArn"])
