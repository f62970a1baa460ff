"""The policy simulator, driven by boto3: decisions, what decided, what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

BUCKET = "arn:aws:s3:::box/*"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=1)


def says(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def test_given_policies_are_simulated(kumoi: Any) -> None:
    iam = kumoi.client("iam")
    text = document(says("s3:Get*", BUCKET), says("s3:GetObjectAcl", effect="Deny"))
    answer = iam.simulate_custom_policy(
        PolicyInputList=[text],
        ActionNames=["s3:GetObject", "s3:PutObject", "s3:GetObjectAcl"],
        ResourceArns=["arn:aws:s3:::box/a"],
    )
    results = answer["EvaluationResults"]
    assert [(one["EvalActionName"], one["EvalDecision"]) for one in results] == [
        ("s3:GetObject", "allowed"),
        ("s3:PutObject", "implicitDeny"),
        ("s3:GetObjectAcl", "explicitDeny"),
    ]
    (matched,) = results[0]["MatchedStatements"]
    assert matched["SourcePolicyId"] == "PolicyInputList.1"
    assert matched["StartPosition"] == {"Line": 4, "Column": 3}
    assert results[1]["MatchedStatements"] == []
    assert answer["IsTruncated"] is False


def test_conditions_take_the_given_context_and_name_what_is_missing(kumoi: Any) -> None:
    iam = kumoi.client("iam")
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    text = document(says("sqs:*", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}-*", Condition=condition))
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"] == [
        "aws:SourceIp",
        "aws:PrincipalTag/team",
    ]
    asked = {"PolicyInputList": [text], "ActionNames": ["sqs:SendMessage"], "ResourceArns": ["arn:aws:sqs:e:1:red-a"]}
    (missing,) = iam.simulate_custom_policy(**asked)["EvaluationResults"]
    assert missing["EvalDecision"] == "implicitDeny"
    assert missing["MissingContextValues"] == ["aws:SourceIp", "aws:PrincipalTag/team"]
    entries = [
        {"ContextKeyName": "aws:SourceIp", "ContextKeyValues": ["10.1.2.3"], "ContextKeyType": "ip"},
        {"ContextKeyName": "aws:principaltag/team", "ContextKeyValues": ["red"], "ContextKeyType": "string"},
    ]
    (given,) = iam.simulate_custom_policy(**asked, ContextEntries=entries)["EvaluationResults"]
    assert (given["EvalDecision"], given["MissingContextValues"]) == ("allowed", [])


def test_a_users_policies_its_groups_and_its_boundary(kumoi: Any) -> None:
    iam = kumoi.client("iam")
    arn = iam.create_user(UserName="ann")["User"]["Arn"]
    most = iam.create_policy(PolicyName="most", PolicyDocument=document(says(["s3:*", "sqs:*"])))["Policy"]["Arn"]
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(says("s3:*")))
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    iam.put_group_policy(GroupName="g", PolicyName="shared", PolicyDocument=document(says(["sns:*", "sqs:*"])))
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=most)
    results = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:GetObject", "sqs:SendMessage", "sns:Publish", "dynamodb:GetItem"]
    )["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["allowed", "allowed", "implicitDeny", "implicitDeny"]
    assert [one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for one in results] == [
        *(True, True, False, False)
    ]
    assert [one["SourcePolicyId"] for one in results[1]["MatchedStatements"]] == ["shared"]
    more = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:GetObject"], PolicyInputList=[document(says("s3:*", effect="Deny"))]
    )
    assert more["EvaluationResults"][0]["EvalDecision"] == "explicitDeny"


def test_another_accounts_resource_has_to_allow_too(kumoi: Any) -> None:
    iam = kumoi.client("iam")
    arn = f"arn:aws:iam::{kumoi.account}:user/ann"
    asked = {
        "PolicyInputList": [document(says("sqs:*"))],
        "ActionNames": ["sqs:SendMessage"],
        "CallerArn": arn,
        "ResourceOwner": "999999999999",
        "ResourceArns": ["arn:aws:sqs:us-east-1:999999999999:q"],
    }
    assert iam.simulate_custom_policy(**asked)["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"
    policy = document(says("sqs:*", Principal={"AWS": arn}))
    allowed = iam.simulate_custom_policy(**asked, ResourcePolicy=policy)["EvaluationResults"][0]
    assert allowed["EvalDecision"] == "allowed"
    assert {one["SourcePolicyId"] for one in allowed["MatchedStatements"]} == {"PolicyInputList.1", "ResourcePolicy"}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"PolicyInputList": ["{"], "ActionNames": ["s3:GetObject"]}, "InvalidInput"),
        ({"PolicyInputList": [document(says("*"))], "ActionNames": ["GetObject"]}, "InvalidInput"),
        ({"PolicyInputList": [document(says("*"))], "ActionNames": ["s3:G"], "CallerArn": "x"}, "InvalidInput"),
    ],
)
def test_what_cannot_be_simulated(kumoi: Any, params: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        kumoi.client("iam").simulate_custom_policy(**params)


def test_nobody_is_simulated_who_is_not_there(kumoi: Any) -> None:
    arn = f"arn:aws:iam::{kumoi.account}:role/none"
    with pytest.raises(ClientError, match="NoSuchEntity"):
        kumoi.client("iam").simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])


def test_results_come_in_pages(kumoi: Any) -> None:
    iam = kumoi.client("iam")
    actions = [f"s3:Get{letter}" for letter in "ABCDE"]
    pages = iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[document(says("*"))], ActionNames=actions, PaginationConfig={"PageSize": 2}
    )
    found = [one["EvalActionName"] for page in pages for one in page["EvaluationResults"]]
    assert found == actions
