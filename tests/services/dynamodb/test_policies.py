"""Resource policies and contributor insights: kept by revision, and policies in force."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]


def code(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def policy(account: str, resource: str, effect: str = "Allow", action: str = "dynamodb:*") -> str:
    statement = {"Effect": effect, "Principal": {"AWS": account}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_policies_have_revisions(client: Any, make: Make, kumoi: Any) -> None:
    stream = make(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})["LatestStreamArn"]
    table = stream.partition("/stream/")[0]
    for arn in (table, stream):
        assert code(lambda arn=arn: client.get_resource_policy(ResourceArn=arn)) == "PolicyNotFoundException"
        one = policy(kumoi.account, arn)
        revision = client.put_resource_policy(ResourceArn=arn, Policy=one, ExpectedRevisionId="NO_POLICY")["RevisionId"]
        found = client.get_resource_policy(ResourceArn=arn)
        assert (found["Policy"], found["RevisionId"]) == (one, revision)
        assert client.put_resource_policy(ResourceArn=arn, Policy=one)["RevisionId"] == revision
        other = policy(kumoi.account, arn, "Deny", "dynamodb:Scan")
        for expected in ("NO_POLICY", "1"):
            given = {"ResourceArn": arn, "Policy": other, "ExpectedRevisionId": expected}
            assert code(lambda given=given: client.put_resource_policy(**given)) == "PolicyNotFoundException"
        changed = client.put_resource_policy(ResourceArn=arn, Policy=other, ExpectedRevisionId=revision)["RevisionId"]
        assert changed != revision
        assert client.delete_resource_policy(ResourceArn=arn)["RevisionId"] == changed
        assert "RevisionId" not in client.delete_resource_policy(ResourceArn=arn)
    for arn in ("nonsense", f"{table}/index/i", "arn:aws:s3:::bucket"):
        assert code(lambda arn=arn: client.get_resource_policy(ResourceArn=arn)) == "ValidationException"
    gone = table.replace("/table", "/none")
    assert code(lambda: client.get_resource_policy(ResourceArn=gone)) == "ResourceNotFoundException"
    for text in ("{}", "no JSON", json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})):
        given = {"ResourceArn": table, "Policy": text}
        assert code(lambda given=given: client.put_resource_policy(**given)) == "ValidationException"
    client.put_resource_policy(ResourceArn=table, Policy=policy(kumoi.account, table))
    client.delete_table(TableName="table")
    make()
    assert code(lambda: client.get_resource_policy(ResourceArn=table)) == "PolicyNotFoundException"
    made = make("born", ResourcePolicy=policy(kumoi.account, "*"))
    assert "Allow" in client.get_resource_policy(ResourceArn=made["TableArn"])["Policy"]


def test_contributor_insights_are_a_setting(client: Any, make: Make) -> None:
    make(range="sk:S", gsi={"by-g": ("g:S",)})
    asked = {"TableName": "table"}
    assert client.describe_contributor_insights(**asked)["ContributorInsightsStatus"] == "DISABLED"
    answer = client.update_contributor_insights(**asked, ContributorInsightsAction="ENABLE")
    assert answer["ContributorInsightsStatus"] == "ENABLING"
    client.update_contributor_insights(
        **asked, IndexName="by-g", ContributorInsightsAction="ENABLE", ContributorInsightsMode="THROTTLED_KEYS"
    )
    told = client.describe_contributor_insights(**asked)
    assert (told["ContributorInsightsStatus"], len(told["ContributorInsightsRuleList"])) == ("ENABLED", 4)
    (first, second) = (client.list_contributor_insights(**asked, MaxResults=1), client.list_contributor_insights())
    assert [one.get("IndexName") for one in second["ContributorInsightsSummaries"]] == [None, "by-g"]
    rest = client.list_contributor_insights(NextToken=first["NextToken"])["ContributorInsightsSummaries"]
    assert [one["ContributorInsightsMode"] for one in rest] == ["THROTTLED_KEYS"]
    client.update_contributor_insights(**asked, ContributorInsightsAction="DISABLE")
    assert client.describe_contributor_insights(**asked)["ContributorInsightsStatus"] == "DISABLED"
    none = {"TableName": "table", "IndexName": "none"}
    assert code(lambda: client.describe_contributor_insights(**none)) == "ResourceNotFoundException"
