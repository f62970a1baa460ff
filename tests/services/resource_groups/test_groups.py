"""Groups of what a query finds, with boto3 and templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def groups(kumoi: Any) -> Any:
    return kumoi.client("resource-groups")


def by_tags(*types: str, **tags: list[str]) -> dict[str, str]:
    """A query for tags."""
    filters = [{"Key": key, "Values": values} for key, values in tags.items()]
    query = {"ResourceTypeFilters": list(types) or ["AWS::AllSupported"], "TagFilters": filters}
    return {"Type": "TAG_FILTERS_1_0", "Query": json.dumps(query)}


@pytest.fixture
def things(kumoi: Any) -> dict[str, str]:
    """A topic and a queue of team a, a topic of team b; their ARNs."""
    sns, sqs = kumoi.client("sns"), kumoi.client("sqs")
    topics = {
        name: sns.create_topic(Name=name, Tags=[{"Key": "team", "Value": team}])["TopicArn"]
        for name, team in (("ta", "a"), ("tb", "b"))
    }
    sqs.create_queue(QueueName="qa", tags={"team": "a"})
    return {**topics, "qa": f"arn:aws:sqs:us-east-1:{kumoi.account}:qa"}


def test_a_group_by_tags(kumoi: Any, groups: Any, things: dict[str, str]) -> None:
    query = by_tags(team=["a"])
    made = groups.create_group(Name="team-a", Description="d", ResourceQuery=query, Tags={"x": "y"})
    arn = f"arn:aws:resource-groups:us-east-1:{kumoi.account}:group/team-a"
    assert made["Group"] == {"GroupArn": arn, "Name": "team-a", "Description": "d"}
    assert (made["ResourceQuery"], made["Tags"]) == (query, {"x": "y"})
    found = groups.list_group_resources(Group="team-a")["ResourceIdentifiers"]
    assert found == [
        {"ResourceArn": things["ta"], "ResourceType": "AWS::SNS::Topic"},
        {"ResourceArn": things["qa"], "ResourceType": "AWS::SQS::Queue"},
    ]
    queues = [{"Name": "resource-type", "Values": ["AWS::SQS::Queue"]}]
    (one,) = groups.list_group_resources(Group=arn, Filters=queues)["Resources"]
    assert one["Identifier"]["ResourceArn"] == things["qa"]
    pages = groups.get_paginator("search_resources").paginate(
        ResourceQuery=by_tags("AWS::SNS::Topic", team=["a", "b"]), PaginationConfig={"PageSize": 1}
    )
    shown = [[one["ResourceArn"] for one in page["ResourceIdentifiers"]] for page in pages]
    assert shown == [[things["ta"]], [things["tb"]]]

    groups.update_group_query(Group="team-a", ResourceQuery=by_tags(team=["b"]))
    assert len(groups.list_group_resources(GroupName="team-a")["ResourceIdentifiers"]) == 1
    groups.update_group(Group="team-a", Description="e")
    assert groups.get_group(GroupName="team-a")["Group"]["Description"] == "e"
    groups.tag(Arn=arn, Tags={"z": "1"})
    groups.untag(Arn=arn, Keys=["x"])
    assert groups.get_tags(Arn=arn)["Tags"] == {"z": "1"}
    tagging = kumoi.client("resourcegroupstaggingapi")
    (tagged,) = tagging.get_resources(ResourceTypeFilters=["resource-groups:group"])["ResourceTagMappingList"]
    assert tagged["ResourceARN"] == arn
    assert [one["GroupName"] for one in groups.list_groups()["GroupIdentifiers"]] == ["team-a"]
    groups.delete_group(Group=arn)
    assert groups.list_groups()["Groups"] == []


def test_what_no_group_can_be(groups: Any) -> None:
    def refused(call: Any, **params: Any) -> str:
        with pytest.raises(ClientError) as error:
            call(**params)
        return str(error.value.response["Error"]["Code"])

    bad = "BadRequestException"
    for query in (
        {"Type": "TAG_FILTERS_1_0", "Query": "{"},
        {"Type": "TAG_FILTERS_1_0", "Query": "[]"},
        {"Type": "TAG_FILTERS_1_0", "Query": "{}"},
        {"Type": "CLOUDFORMATION_STACK_1_0", "Query": "{}"},
        by_tags("AWS::EC2::Moon", team=["a"]),
    ):
        assert refused(groups.create_group, Name="g", ResourceQuery=query) == bad
    assert refused(groups.create_group, Name="g") == bad
    groups.create_group(Name="g", ResourceQuery=by_tags(team=[]))
    assert refused(groups.create_group, Name="g", ResourceQuery=by_tags(team=[])) == bad
    assert refused(groups.get_group_configuration, Group="g") == bad
    assert refused(groups.get_group, Group="none") == "NotFoundException"
    assert refused(groups.get_group) == bad


def test_a_group_of_its_stack(kumoi: Any, groups: Any) -> None:
    stacks = kumoi.client("cloudformation")
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Group": {"Type": "AWS::ResourceGroups::Group", "Properties": {"Name": "mine", "Description": "d"}},
        "Team": {
            "Type": "AWS::ResourceGroups::Group",
            "Properties": {
                "Name": "team",
                "ResourceQuery": {
                    "Type": "TAG_FILTERS_1_0",
                    "Query": {"TagFilters": [{"Key": "team", "Values": ["a"]}]},
                },
                "Tags": [{"Key": "x", "Value": "y"}],
            },
        },
    }
    outputs = {"Name": {"Value": {"Ref": "Group"}}, "Arn": {"Value": {"Fn::GetAtt": "Group.Arn"}}}
    stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    told = {
        one["OutputKey"]: one["OutputValue"] for one in stacks.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    }
    assert told == {"Name": "mine", "Arn": f"arn:aws:resource-groups:us-east-1:{kumoi.account}:group/mine"}
    types = {one["ResourceType"] for one in groups.list_group_resources(Group="mine")["ResourceIdentifiers"]}
    assert types == {"AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::ResourceGroups::Group"}
    assert groups.get_tags(Arn=told["Arn"].replace("mine", "team"))["Tags"] == {"x": "y"}
    resources["Team"]["Properties"] = {
        **resources["Team"]["Properties"],
        "Description": "new",
        "Tags": [{"Key": "x", "Value": "z"}],
    }
    stacks.update_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}))
    stacks.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    assert groups.get_group(Group="team")["Group"]["Description"] == "new"
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    assert groups.list_groups()["Groups"] == []
