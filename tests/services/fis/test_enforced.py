"""`--auth enforce`: an experiment breaks other accounts only where its role may assume theirs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest

OURS, THEIRS = "111111111111", "222222222222"
WAIT = {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Callable[[str, str], Any]]:
    """A client of an account's root, at a platform that enforces policies."""
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", str(tmp_path)]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    url = json.loads((tmp_path / "platform.json").read_text())["url"]
    with ExitStack() as stack:

        def make(service: str, account: str) -> Any:
            keys = {"aws_access_key_id": account, "aws_secret_access_key": "test"}
            made = boto3.client(service, endpoint_url=url, region_name="us-east-1", **keys)
            stack.callback(made.close)
            return made

        yield make
    subprocess.run([*kumoi, "down", "--data", str(tmp_path)], check=True, stdout=subprocess.DEVNULL)


def document(action: str, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


def test_roles_of_other_accounts_have_to_be_assumed(client: Callable[[str, str], Any]) -> None:
    fis, iam, elsewhere = client("fis", OURS), client("iam", OURS), client("iam", THEIRS)
    trusting = document("sts:AssumeRole", Principal={"Service": "fis.amazonaws.com"})
    ours = iam.create_role(RoleName="chaos", AssumeRolePolicyDocument=trusting)["Role"]["Arn"]
    theirs = elsewhere.create_role(RoleName="target", AssumeRolePolicyDocument=trusting)["Role"]["Arn"]
    template = fis.create_experiment_template(
        description="d",
        roleArn=ours,
        stopConditions=[{"source": "none"}],
        actions={"wait": WAIT},
        experimentOptions={"accountTargeting": "multi-account"},
    )["experimentTemplate"]["id"]
    fis.create_target_account_configuration(experimentTemplateId=template, accountId=THEIRS, roleArn=theirs)

    def state() -> dict[str, Any]:
        """What a new experiment comes to."""
        name = fis.start_experiment(experimentTemplateId=template)["experiment"]["id"]
        deadline = time.monotonic() + 60
        while (found := fis.get_experiment(id=name)["experiment"]["state"])["status"] in ("pending", "initiating"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return dict(found)

    iam.put_role_policy(RoleName="chaos", PolicyName="p", PolicyDocument=document("sts:AssumeRole", Resource="*"))
    refused = state()
    assert refused["status"] == "failed"
    assert f"The role of the account {THEIRS} failed" in refused["reason"]
    elsewhere.update_assume_role_policy(
        RoleName="target", PolicyDocument=document("sts:AssumeRole", Principal={"AWS": ours})
    )
    assert state()["status"] == "running"
    iam.delete_role_policy(RoleName="chaos", PolicyName="p")
    assert state()["status"] == "failed"
