"""A platform killed in the middle of an experiment: the next one breaks again what was broken, and ends in time."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.mark.slow
def test_an_experiment_goes_on_after_a_crash(killable: Any) -> None:
    killable.start()
    client, iam, tables = killable.client("fis"), killable.client("iam"), killable.client("dynamodb")
    assert tables.list_tables()["TableNames"] == []
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    action = {
        "actionId": "aws:fis:inject-api-unavailable-error",
        "parameters": {"duration": "PT10M", "service": "dynamodb", "percentage": "100", "operations": "ListTables"},
        "targets": {"Roles": "these"},
    }
    template = client.create_experiment_template(
        description="d",
        roleArn=role,
        stopConditions=[{"source": "none"}],
        targets={"these": {"resourceType": "aws:iam:role", "resourceArns": [role], "selectionMode": "ALL"}},
        actions={"break": action},
    )["experimentTemplate"]
    name = client.start_experiment(experimentTemplateId=template["id"])["experiment"]["id"]

    def status() -> str:
        return str(client.get_experiment(id=name)["experiment"]["actions"]["break"]["state"]["status"])

    def broken() -> bool:
        import boto3
        from botocore.config import Config

        keys = killable.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        assumed = boto3.client(
            "dynamodb",
            endpoint_url=killable.url,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        try:
            assumed.list_tables()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ServiceUnavailable"
            return True
        finally:
            assumed.close()
        return False

    while status() != "running":
        continue
    assert broken()
    killable.kill()
    killable.start()
    assert status() == "running"
    assert broken()
    body = json.dumps({"action": "advance", "seconds": 601}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{killable.url}/_kumoi/clock", body)).close()
    assert status() == "completed"
    assert not broken()
