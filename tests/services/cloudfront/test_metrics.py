"""AWS/CloudFront: what CloudWatch tells of distributions and functions."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]


def test_metrics_of_a_distribution(kumoi: Any, config: Config, view: View) -> None:
    client, cloudwatch = kumoi.client("cloudfront"), kumoi.client("cloudwatch")
    bucket = f"metrics-{kumoi.account}"
    kumoi.client("s3").create_bucket(Bucket=bucket)
    kumoi.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x" * 100)
    code = b"function handler(e) { if (e.request.uri === '/no') throw new Error('no'); return e.request }"
    made = client.create_function(
        Name="measured", FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"}, FunctionCode=code
    )
    client.publish_function(Name="measured", IfMatch=made["ETag"])
    arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    functions = {"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": arn}]}
    given = config(f"{bucket}.s3.us-east-1.amazonaws.com", behaviour={"FunctionAssociations": functions})
    distribution = client.create_distribution(DistributionConfig=given)["Distribution"]
    subscription = {"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}}
    client.create_monitoring_subscription(DistributionId=distribution["Id"], MonitoringSubscription=subscription)
    for path in ("/a", "/a", "/a", "/no"):
        view(distribution["DomainName"], path, x_kumoi_pop="NRT")

    def metric(name: str, statistic: str, **dimensions: str) -> float | None:
        now = datetime.now(UTC)
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/CloudFront",
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in {**dimensions, "Region": "Global"}.items()],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=10),
            Period=3600,
            Statistics=[statistic],
        )["Datapoints"]
        return float(sum(point[statistic] for point in found)) if found else None

    deadline = time.monotonic() + 60
    while metric("Requests", "Sum", DistributionId=distribution["Id"]) != 4.0:
        assert time.monotonic() < deadline
    id = distribution["Id"]
    assert metric("5xxErrorRate", "Average", DistributionId=id) == 25.0
    assert metric("4xxErrorRate", "Average", DistributionId=id) == 0.0
    assert metric("BytesDownloaded", "Minimum", DistributionId=id) == 100.0
    assert metric("CacheHitRate", "Average", DistributionId=id) == 50.0
    assert metric("FunctionInvocations", "Sum", FunctionName="measured") == 4.0
    assert metric("FunctionExecutionErrors", "Sum", FunctionName="measured") == 1.0
