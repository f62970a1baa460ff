"""Which permissions calls need."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.services.fis.authorization import AUTHORIZATION

ARN = "arn:aws:fis:us-east-1:000000000000:"
ROLE = "arn:aws:iam::000000000000:role/chaos"


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("ListExperiments", {}, ["fis:ListExperiments *"]),
        ("ListExperiments", {"experimentTemplateId": "EXT1"}, ["fis:ListExperiments *"]),
        ("GetExperiment", {"id": "EXP1"}, [f"fis:GetExperiment {ARN}experiment/EXP1"]),
        ("DeleteExperimentTemplate", {"id": "EXT1"}, [f"fis:DeleteExperimentTemplate {ARN}experiment-template/EXT1"]),
        ("GetAction", {"id": "aws:fis:wait"}, [f"fis:GetAction {ARN}action/aws:fis:wait"]),
        ("GetTargetResourceType", {"resourceType": "aws:iam:role"}, ["fis:GetTargetResourceType *"]),
        ("GetSafetyLever", {"id": "default"}, [f"fis:GetSafetyLever {ARN}safety-lever/default"]),
        ("UpdateSafetyLeverState", {"id": "default"}, [f"fis:UpdateSafetyLeverState {ARN}safety-lever/default"]),
        (
            "ListExperimentResolvedTargets",
            {"experimentId": "EXP1"},
            [f"fis:ListExperimentResolvedTargets {ARN}experiment/EXP1"],
        ),
        (
            "StartExperiment",
            {"experimentTemplateId": "EXT1"},
            [f"fis:StartExperiment {ARN}experiment-template/EXT1", f"fis:StartExperiment {ARN}experiment/*"],
        ),
        (
            "CreateExperimentTemplate",
            {"roleArn": ROLE, "actions": {"a": {"actionId": "aws:fis:wait"}}},
            [
                f"fis:CreateExperimentTemplate {ARN}experiment-template/*",
                f"fis:CreateExperimentTemplate {ARN}action/aws:fis:wait",
                f"iam:PassRole {ROLE}",
            ],
        ),
    ],
)
def test_permissions(operation: str, params: dict[str, Any], expected: list[str]) -> None:
    call: Any = SimpleNamespace(
        account="000000000000",
        region="us-east-1",
        operation=operation,
        params=params,
        arn=lambda service, resource: f"arn:aws:{service}:us-east-1:000000000000:{resource}",
    )
    assert [f"{ask.action} {ask.resource}" for ask in AUTHORIZATION.asks(call)] == expected
