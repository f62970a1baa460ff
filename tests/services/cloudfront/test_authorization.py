"""Which permissions CloudFront's calls need."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.services.cloudfront.authorization import AUTHORIZATION

ARN = "arn:aws:cloudfront::123456789012"
VERSION = "arn:aws:lambda:us-east-1:123456789012:function:f:1"
WITH_FUNCTION = {
    "DefaultCacheBehavior": {
        "LambdaFunctionAssociations": {
            "Quantity": 1,
            "Items": [{"LambdaFunctionARN": VERSION, "EventType": "origin-request"}],
        }
    }
}
ASKS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("ListDistributions", {}, [("cloudfront:ListDistributions", "*")]),
    ("GetDistribution", {"Id": "E1"}, [("cloudfront:GetDistribution", f"{ARN}:distribution/E1")]),
    ("CreateInvalidation", {"DistributionId": "E1"}, [("cloudfront:CreateInvalidation", f"{ARN}:distribution/E1")]),
    ("UpdateCachePolicy", {"Id": "p"}, [("cloudfront:UpdateCachePolicy", f"{ARN}:cache-policy/p")]),
    ("GetCachePolicyConfig", {"Id": "p"}, [("cloudfront:GetCachePolicyConfig", f"{ARN}:cache-policy/p")]),
    ("PublishFunction", {"Name": "f"}, [("cloudfront:PublishFunction", f"{ARN}:function/f")]),
    ("TagResource", {"Resource": f"{ARN}:distribution/E1"}, [("cloudfront:TagResource", f"{ARN}:distribution/E1")]),
    (
        "UpdateDistribution",
        {"Id": "E1", "DistributionConfig": WITH_FUNCTION},
        [
            ("cloudfront:UpdateDistribution", f"{ARN}:distribution/E1"),
            ("lambda:GetFunction", VERSION),
            ("lambda:EnableReplication*", VERSION),
        ],
    ),
    ("CreateDistribution", {"DistributionConfig": {}}, [("cloudfront:CreateDistribution", f"{ARN}:distribution/*")]),
]


@pytest.mark.parametrize(("operation", "params", "expected"), ASKS)
def test_asks(operation: str, params: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    call: Any = SimpleNamespace(operation=operation, params=params, account="123456789012")
    assert [(ask.action, ask.resource) for ask in AUTHORIZATION.asks(call)] == expected
