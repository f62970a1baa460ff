"""Where identity is enforced, a secret's policy decides what other accounts may do with it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.doorway import Principal
from kumoi.services.secretsmanager.access import check_access
from kumoi.services.secretsmanager.records import Secret
from kumoi.wire import AwsError

OTHER = "210987654321"
GET = "secretsmanager:GetSecretValue"


def secret(*statements: dict[str, Any]) -> Secret:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)}) if statements else None
    place = {"account": "123456789012", "region": "us-east-1", "created": 0, "changed": 0}
    return Secret(name="s", suffix="a1b2c3", policy=policy, **place)  # type: ignore[arg-type]


def statement(effect: str = "Allow", action: str = GET, account: str = OTHER) -> dict[str, Any]:
    return {"Effect": effect, "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": action, "Resource": "*"}


def call(mode: str) -> Any:
    doorway = SimpleNamespace(identity=SimpleNamespace(mode=mode))
    return SimpleNamespace(doorway=doorway, caller=Principal.root(OTHER), operation="GetSecretValue")


@pytest.mark.parametrize("policy", [(), (statement(),), (statement("Deny"),)])
def test_nobody_is_refused_while_identity_is_not_enforced(policy: tuple[dict[str, Any], ...]) -> None:
    check_access(call("off"), secret(*policy))


def test_whom_the_policy_allows_may() -> None:
    check_access(call("enforce"), secret(statement()))


@pytest.mark.parametrize(
    "policy",
    [
        (),
        (statement(action="secretsmanager:DescribeSecret"),),
        (statement(account="111111111111"),),
        (statement(), statement("Deny")),
    ],
)
def test_others_may_not(policy: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(AwsError) as error:
        check_access(call("enforce"), secret(*policy))
    assert error.value.code == "AccessDeniedException"
