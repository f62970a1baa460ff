"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.services.application_autoscaling import application_autoscaling as service

OPERATIONS = sorted(set(service.operations) - {"ExecutePolicy"})
words = st.sampled_from(
    ["", "x", "ü", "\u0000", "orders", "table/orders", "table/orders/index/by-day", "function:f:live", "arn:", "{}",
     "rate(1 hour)", "rate(0 hours)", "at(2030-01-01T00:00:00)", "at(x)", "cron(0 8 * * ? *)", "cron(1 2 3)", "UTC",
     "Europe/Berlin", "TargetTrackingScaling", "StepScaling", "PredictiveScaling", "dynamodb", "lambda", "ecs", "Sum",
     "Average", "DynamoDBReadCapacityUtilization", "LambdaProvisionedConcurrencyUtilization", "e", "m1", "m1 / 2",
     "AWS/DynamoDB", "SEARCH('{x}', 'Sum', 60)", "AAAA", "dGFibGUvb3JkZXJzfA=="]
)  # fmt: skip
numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.integers(-1, 100))
anything = st.one_of(words, numbers, st.booleans(), st.none(), st.lists(words, max_size=2))
metric = st.fixed_dictionaries(
    {}, optional={"Namespace": words, "MetricName": words, "Dimensions": st.lists(st.dictionaries(words, words))}
)
query = st.fixed_dictionaries(
    {"Id": words},
    optional={
        "Expression": words,
        "ReturnData": st.booleans(),
        "MetricStat": st.fixed_dictionaries({"Metric": metric, "Stat": words}, optional={"Unit": words}),
    },
)
customized = st.fixed_dictionaries(
    {}, optional={"Metrics": st.lists(query, max_size=3), "Namespace": words, "MetricName": words, "Statistic": words}
)
tracking = st.fixed_dictionaries(
    {"TargetValue": numbers},
    optional={
        "PredefinedMetricSpecification": st.fixed_dictionaries({"PredefinedMetricType": words}),
        "CustomizedMetricSpecification": customized,
        "ScaleInCooldown": numbers,
        "DisableScaleIn": anything,
    },
)
bounds = st.fixed_dictionaries({}, optional={"MinCapacity": numbers, "MaxCapacity": numbers})
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "MinCapacity": numbers,
    "MaxCapacity": numbers,
    "SuspendedState": st.dictionaries(words, st.booleans(), max_size=2),
    "Tags": st.dictionaries(words, words, max_size=2),
    "TagKeys": st.lists(words, max_size=2),
    "ResourceARN": words,
    "ResourceIds": st.lists(words, max_size=2),
    "PolicyName": words,
    "PolicyNames": st.lists(words, max_size=2),
    "PolicyType": words,
    "TargetTrackingScalingPolicyConfiguration": tracking,
    "StepScalingPolicyConfiguration": st.dictionaries(words, anything, max_size=2),
    "ScheduledActionName": words,
    "Schedule": words,
    "Timezone": words,
    "StartTime": numbers,
    "EndTime": numbers,
    "ScalableTargetAction": bounds,
    "MaxResults": numbers,
    "NextToken": words,
    "IncludeNotScaledActivities": anything,
}
members = st.fixed_dictionaries(
    {
        "ServiceNamespace": st.sampled_from(["dynamodb", "dynamodb", "lambda", "ecs", ""]),
        "ResourceId": st.one_of(st.just("table/orders"), words),
        "ScalableDimension": st.sampled_from(
            ["dynamodb:table:ReadCapacityUnits", "dynamodb:index:WriteCapacityUnits", "ecs:service:DesiredCount", "x"]
        ),
    },
    optional=OPTIONAL,
)


@pytest.mark.usefixtures("orders")
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(operation=st.sampled_from(OPERATIONS), params=members)
def test_garbage_is_refused_not_suffered(kumoi: Any, operation: str, params: dict[str, Any]) -> None:
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    scope = f"{kumoi.account}/20260101/us-east-1/application-autoscaling/aws4_request"
    headers = {
        "X-Amz-Target": f"AnyScaleFrontendService.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    accepted = service.operations[operation].accepts or frozenset()
    known = {name: value for name, value in params.items() if name in accepted}
    connection.request("POST", "/", json.dumps(known), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status < 500 or answer.status == 501, body
    assert answer.status == 200 or json.loads(body)["__type"]
