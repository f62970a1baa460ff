"""The example `permissions`: what a function is denied, and the smallest policy that lets it work."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/permissions/permissions.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_the_smallest_policy_ends_the_denials(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KUMOI_DATA", "/nonexistent")
    example = runpy.run_path(str(EXAMPLE))
    queue = example["deploy"]()
    example["write"](queue, "one")
    told = example["denied"]()
    table = f"arn:aws:dynamodb:{kumoi.region}:{kumoi.account}:table/Notes"
    assert f"dynamodb:PutItem on {table} because no identity-based policy allows the dynamodb:PutItem action" in told
    policy = example["allow_what_it_needs"]()
    assert {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table} in policy["Statement"]
    simulated = kumoi.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{kumoi.account}:role/notes",
        ActionNames=["dynamodb:PutItem"],
        ResourceArns=[table],
    )
    assert simulated["EvaluationResults"][0]["EvalDecision"] == "allowed"
    before = {one["denied"]: one["calls"] for one in example["kumoi_iam"]("denied", "--json")}
    example["write"](queue, "two")
    after = {one["denied"]: one["calls"] for one in example["kumoi_iam"]("denied", "--json")}
    assert {name for name in after if "logs:" not in name and after[name] != before.get(name)} == set()
