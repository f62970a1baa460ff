"""A platform killed in the middle of an experiment: the next one breaks again what was broken, and ends in time."""

from __future__ import annotations

import json
import time
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
    pause = {
        "actionId": "aws:s3:bucket-pause-replication",
        "parameters": {"duration": "PT10M", "region": "us-east-1"},
        "targets": {"Buckets": "buckets"},
    }
    template = client.create_experiment_template(
        description="d",
        roleArn=role,
        stopConditions=[{"source": "none"}],
        targets={
            "these": {"resourceType": "aws:iam:role", "resourceArns": [role], "selectionMode": "ALL"},
            "buckets": {
                "resourceType": "aws:s3:bucket",
                "resourceArns": ["arn:aws:s3:::originals"],
                "selectionMode": "ALL",
            },
        },
        actions={"break": action, "pause": pause},
    )["experimentTemplate"]
    s3 = killable.client("s3")
    for bucket in ("originals", "copy"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ID": "r", "Prefix": "", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::copy"}}
    s3.put_bucket_replication(Bucket="originals", ReplicationConfiguration={"Role": role, "Rules": [rule]})
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
    s3.put_object(Bucket="originals", Key="k", Body=b"kept")
    killable.kill()
    killable.start()
    assert status() == "running"
    assert broken()
    assert s3.head_object(Bucket="originals", Key="k")["ReplicationStatus"] == "PENDING"
    for seconds in (601, 31):
        body = json.dumps({"action": "advance", "seconds": seconds}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{killable.url}/_kumoi/clock", body)).close()
    assert status() == "completed"
    assert not broken()
    deadline = time.monotonic() + 60
    while s3.head_object(Bucket="originals", Key="k")["ReplicationStatus"] == "PENDING":
        assert time.monotonic() < deadline
    assert s3.get_object(Bucket="copy", Key="k")["Body"].read() == b"kept"
