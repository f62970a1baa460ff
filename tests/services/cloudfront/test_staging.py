"""Continuous deployment: a staging distribution answers some requests to the primary one, then is promoted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.cloudfront.edge.staging import is_staged

Config = Callable[..., dict[str, Any]]
View = Callable[..., Any]

BY_HEADER = {"Type": "SingleHeader", "SingleHeaderConfig": {"Header": "aws-cf-cd-try", "Value": "1"}}
BY_WEIGHT: dict[str, Any] = {"Type": "SingleWeight", "SingleWeightConfig": {"Weight": 0.1}}
STICKY: dict[str, Any] = {
    "Type": "SingleWeight",
    "SingleWeightConfig": {"Weight": 0.1, "SessionStickinessConfig": {"IdleTTL": 300, "MaximumTTL": 600}},
}
CHOSEN: list[tuple[dict[str, Any], dict[str, str], float, bool]] = [
    (BY_HEADER, {"Aws-Cf-Cd-Try": "1"}, 0.9, True),
    (BY_HEADER, {"Aws-Cf-Cd-Try": "2"}, 0.0, False),
    (BY_WEIGHT, {}, 0.05, True),
    (BY_WEIGHT, {}, 0.15, False),
    (STICKY, {"Cookie": "_CF-CD=staging"}, 0.9, True),
    (STICKY, {"Cookie": "_CF-CD=primary"}, 0.0, False),
    (STICKY, {"Cookie": "_CF-CD=garbage"}, 0.0, True),
]


@pytest.mark.parametrize(("traffic", "headers", "chance", "staged"), CHOSEN)
def test_who_is_staged(traffic: dict[str, Any], headers: dict[str, str], chance: float, staged: bool) -> None:
    found, cookie = is_staged(traffic, list(headers.items()), chance)
    assert found == staged
    assert (cookie is not None) == (traffic is STICKY)


def test_trying_and_promoting(kumoi: Any, config: Config, view: View) -> None:
    client = kumoi.client("cloudfront")
    for name in ("old", "new"):
        kumoi.client("s3").create_bucket(Bucket=f"{name}-{kumoi.account}")
        kumoi.client("s3").put_object(Bucket=f"{name}-{kumoi.account}", Key="a", Body=name.encode())
    made = client.create_distribution(DistributionConfig=config(f"old-{kumoi.account}.s3.us-east-1.amazonaws.com"))
    primary, domain = made["Distribution"]["Id"], made["Distribution"]["DomainName"]
    copied = client.copy_distribution(
        PrimaryDistributionId=primary, Staging=True, CallerReference="copy", IfMatch=made["ETag"]
    )
    staging = copied["Distribution"]
    changed = staging["DistributionConfig"]
    changed["Origins"]["Items"][0]["DomainName"] = f"new-{kumoi.account}.s3.us-east-1.amazonaws.com"
    updated = client.update_distribution(Id=staging["Id"], IfMatch=copied["ETag"], DistributionConfig=changed)
    policy = client.create_continuous_deployment_policy(
        ContinuousDeploymentPolicyConfig={
            "StagingDistributionDnsNames": {"Quantity": 1, "Items": [staging["DomainName"]]},
            "Enabled": True,
            "TrafficConfig": BY_HEADER,
        }
    )["ContinuousDeploymentPolicy"]
    given = made["Distribution"]["DistributionConfig"]
    given["ContinuousDeploymentPolicyId"] = policy["Id"]
    attached = client.update_distribution(Id=primary, IfMatch=made["ETag"], DistributionConfig=given)
    assert view(domain, "/a").body == b"old"
    assert view(domain, "/a", aws_cf_cd_try="1").body == b"new"
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.update_distribution_with_staging_config(
            Id=primary, StagingDistributionId=staging["Id"], IfMatch=f"{attached['ETag']}, E1"
        )
    promoted = client.update_distribution_with_staging_config(
        Id=primary, StagingDistributionId=staging["Id"], IfMatch=f"{attached['ETag']}, {updated['ETag']}"
    )
    assert promoted["Distribution"]["DistributionConfig"]["ContinuousDeploymentPolicyId"] == policy["Id"]
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "1"}
    client.create_invalidation(DistributionId=primary, InvalidationBatch=batch)
    assert view(domain, "/a").body == b"new"
