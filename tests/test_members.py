"""The example `members`: somebody signs in with the Google button, and the API knows who they are."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/members/members.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_members(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    outputs = example["deploy"](Domain=f"members-{kumoi.account}")
    token = example["sign_in"](outputs, email="ann@example.com", name="Ann")
    known = example["ask"](outputs, token)
    assert known == {"name": "Ann", "email": "ann@example.com", "groups": [f"{outputs['Pool']}_Google"]}
    with pytest.raises(HTTPError) as refused:
        example["ask"](outputs, f"{token}x")
    with refused.value:
        assert refused.value.code == 401
    (user,) = boto3.client("cognito-idp").list_users(UserPoolId=outputs["Pool"])["Users"]
    assert user["UserStatus"] == "EXTERNAL_PROVIDER"
