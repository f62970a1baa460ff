"""The smallest policies: what is named, what becomes a wildcard."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.policy.least_privilege import folded, least_privilege

TABLE = "arn:aws:dynamodb:us-east-1:1:table/Orders"
GROUP = "arn:aws:logs:us-east-1:1:log-group:/aws/lambda/f"


def test_actions_on_the_same_resources_share_a_statement() -> None:
    asked = [("dynamodb:PutItem", TABLE), ("dynamodb:GetItem", TABLE), ("sns:Publish", "arn:aws:sns:us-east-1:1:news")]
    assert least_privilege(asked) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": TABLE},
            {"Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns:us-east-1:1:news"},
        ],
    }


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"*"}, {"*"}),
        ({TABLE, f"{TABLE}/index/by"}, {TABLE, f"{TABLE}/index/by"}),
        ({"arn:aws:s3:::b", "arn:aws:s3:::b/1"}, {"arn:aws:s3:::b", "arn:aws:s3:::b/1"}),
        ({f"arn:aws:s3:::b/{n}/x" for n in range(5)}, {"arn:aws:s3:::b/*"}),
        ({f"arn:aws:s3:::b{n}" for n in range(9)}, {f"arn:aws:s3:::b{n}" for n in range(9)}),
        ({f"{GROUP}:log-stream:2026/[1]a"}, {f"{GROUP}:log-stream:*"}),
        ({f"{GROUP}:*", f"{GROUP}:log-stream:x"}, {f"{GROUP}:*"}),
        ({f"arn:aws:sqs:us-east-1:1:q{n}" for n in range(9)}, {f"arn:aws:sqs:us-east-1:1:q{n}" for n in range(9)}),
    ],
)
def test_many_of_one_place_become_a_wildcard(resources: Any, expected: Any) -> None:
    assert folded(resources) == expected


def test_nothing_asked_is_no_statement() -> None:
    assert least_privilege([])["Statement"] == []
