"""Provisioned concurrency that follows its use."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

ALIAS = {
    "ServiceNamespace": "lambda",
    "ResourceId": "function:pay:live",
    "ScalableDimension": "lambda:function:ProvisionedConcurrency",
}
CODE = """
import time
def handler(event, context):
    time.sleep(event)
    return 1
"""


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.kumoi_clock
def test_concurrency_follows_its_use(kumoi: Any, scaling: Any, zipped: Any) -> None:
    functions, cloudwatch = kumoi.client("lambda"), kumoi.client("cloudwatch")
    functions.create_function(
        FunctionName="pay",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/lambda",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": CODE})},
        Publish=True,
    )
    functions.create_alias(FunctionName="pay", Name="live", FunctionVersion="1")

    def provisioned() -> tuple[int, str]:
        told = functions.get_provisioned_concurrency_config(FunctionName="pay", Qualifier="live")
        return told["RequestedProvisionedConcurrentExecutions"], told["Status"]

    scaling.register_scalable_target(**ALIAS, MinCapacity=2, MaxCapacity=5)
    scaling.put_scaling_policy(
        **ALIAS,
        PolicyName="use",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 0.5,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"},
        },
    )
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking-function:pay:live-")["MetricAlarms"]
    assert [(one["Threshold"], one["EvaluationPeriods"], one["Statistic"]) for one in alarms] == [
        (0.5, 3, "Average"),
        (0.45, 15, "Average"),
    ]
    until(lambda: provisioned() == (2, "READY"))
    with ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            list(
                pool.map(
                    lambda seconds: functions.invoke(FunctionName="pay", Qualifier="live", Payload=seconds),
                    ["0.5", "0.5"],
                )
            )
            kumoi.advance("1m")
    until(lambda: provisioned()[1] == "READY")
    most = provisioned()[0]
    assert 3 <= most <= 5  # by how many were ready as invocations began
    newest = scaling.describe_scaling_activities(ServiceNamespace="lambda")["ScalingActivities"][0]
    assert newest["Description"] == f"Setting provisioned concurrency to {most}."
    for _ in range(16):
        functions.invoke(FunctionName="pay", Qualifier="live", Payload=b"0")
        kumoi.advance("1m")
    assert provisioned()[0] == 2
