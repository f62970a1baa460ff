"""`--auth enforce`: who may use a work group sees the executions and named queries of that one, and of no other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Clients of a platform that enforces policies: of the account's root, or with a key."""
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", str(tmp_path)]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    url = json.loads((tmp_path / "platform.json").read_text())["url"]
    with ExitStack() as stack:

        def make(service: str, key: str = "test", secret: str = "test") -> Any:
            keys = {"aws_access_key_id": key, "aws_secret_access_key": secret}
            made = boto3.client(service, endpoint_url=url, region_name="us-east-1", **keys)
            stack.callback(made.close)
            return made

        yield make
    subprocess.run([*kumoi, "down", "--data", str(tmp_path)], check=True, stdout=subprocess.DEVNULL)


def test_executions_belong_to_their_work_group(connect: Callable[..., Any]) -> None:
    root, iam = connect("athena"), connect("iam")
    connect("s3").create_bucket(Bucket="answers")
    result = {"OutputLocation": "s3://answers/"}
    ids, named = {}, {}
    for group in ("ours", "theirs"):
        root.create_work_group(Name=group, Configuration={"ResultConfiguration": result})
        started = root.start_query_execution(QueryString="SELECT 1", WorkGroup=group)
        ids[group] = started["QueryExecutionId"]
        made = root.create_named_query(Name="n", Database="d", QueryString="SELECT 1", WorkGroup=group)
        named[group] = made["NamedQueryId"]
    iam.create_user(UserName="ann")
    allowed = [f"arn:aws:athena:us-east-1:*:workgroup/{group}" for group in ("ours", "primary")]
    statement = {"Effect": "Allow", "Action": "athena:*", "Resource": allowed}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    ann = connect("athena", key["AccessKeyId"], key["SecretAccessKey"])

    assert ann.get_query_execution(QueryExecutionId=ids["ours"])["QueryExecution"]["WorkGroup"] == "ours"
    assert ann.get_named_query(NamedQueryId=named["ours"])["NamedQuery"]["Name"] == "n"
    assert len(ann.batch_get_query_execution(QueryExecutionIds=[ids["ours"]])["QueryExecutions"]) == 1
    refusals: list[Callable[[], Any]] = [
        lambda: ann.get_query_execution(QueryExecutionId=ids["theirs"]),
        lambda: ann.get_query_results(QueryExecutionId=ids["theirs"]),
        lambda: ann.stop_query_execution(QueryExecutionId=ids["theirs"]),
        lambda: ann.batch_get_query_execution(QueryExecutionIds=[ids["ours"], ids["theirs"]]),
        lambda: ann.delete_named_query(NamedQueryId=named["theirs"]),
    ]
    for refused in refusals:
        with pytest.raises(ClientError, match=r"not authorized to perform.*workgroup/theirs"):
            refused()
