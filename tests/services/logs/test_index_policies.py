"""Field index policies: what they may say, and which groups a query with `filterIndex` reads."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.clock import Clock
from kumoi.insights.parsing import parse
from kumoi.services.logs.index_policies import IndexPolicy, fields_of, index_policies, indexed
from kumoi.services.logs.records import LogGroup
from kumoi.state import Transaction, transactional
from kumoi.state.sqlite import SqliteState
from kumoi.wire.errors import AwsError


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({"Fields": ["id"]}, {"id": "FIELD_INDEX"}),
        ({"FieldsV2": {"id": {"type": "FACET"}}}, {"id": "FACET"}),
        ({"Fields": ["@@a", "b.c"], "FieldsV2": {"d": {"type": "FIELD_INDEX"}}}, {"@@a": 0, "b.c": 0, "d": 0}),
    ],
)
def test_what_a_policy_indexes(document: Any, fields: dict[str, Any]) -> None:
    assert fields_of(json.dumps(document)) == {name: kind or "FIELD_INDEX" for name, kind in fields.items()}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ([], "an object with Fields"),
        ({}, "an object with Fields"),
        ({"Fields": ["a"], "More": 1}, "an object with Fields"),
        ({"Fields": "a"}, "a list of field names"),
        ({"Fields": [1]}, "a list of field names"),
        ({"Fields": []}, "between 1 and 20 fields"),
        ({"Fields": [f"f{number}" for number in range(21)]}, "between 1 and 20 fields"),
        ({"Fields": ["a", "a"]}, "named twice"),
        ({"Fields": ["a"], "FieldsV2": {"a": {"type": "FACET"}}}, "named twice"),
        ({"FieldsV2": ["a"]}, "FieldsV2"),
        ({"FieldsV2": {"a": {"type": "TREE"}}}, "FIELD_INDEX, FACET"),
        ({"FieldsV2": {"a": {"type": []}}}, "FIELD_INDEX, FACET"),
        ({"Fields": ["x" * 101]}, "100 characters"),
        ({"Fields": [""]}, "100 characters"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told(document: Any, said: str) -> None:
    with pytest.raises(AwsError) as refused:
        fields_of(document if isinstance(document, str) else json.dumps(document))
    assert (refused.value.code, said in refused.value.message) == ("InvalidParameterException", True)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("filter a = 1", set()),
        ("filterIndex a = 1 | filter b = 2", {"a"}),
        ("fields x | filterindex a in ['1', '2'] and b.c = 'd' | filterIndex @type = 'e'", {"a", "b.c", "@type"}),
        ("SOURCE 'g' | filterIndex a in (SOURCE 'h' | filterIndex b = 1 | fields b)", {"a"}),
    ],
)
def test_which_fields_a_query_wants_indexed(text: str, fields: set[str]) -> None:
    assert parse(text).indexed() == fields


@transactional
async def _chosen(tx: Transaction, fields: set[str]) -> list[str]:
    shop, other = (LogGroup(name=name, created=0) for name in ("shop", "other"))
    rare = LogGroup(name="rare", created=0, log_class="INFREQUENT_ACCESS")
    await index_policies.put(tx, IndexPolicy(group="shop", document='{"Fields": ["id", "@@who"]}', updated=0))
    return [group.name for group in await indexed(tx, [shop, other, rare], fields)]


@pytest.mark.parametrize(
    ("fields", "groups"),
    [
        ({"id"}, ["shop"]),
        ({"id", "@who"}, ["shop"]),
        ({"id", "ID"}, []),
        ({"@aws.region"}, ["shop", "other"]),
        ({"@aws.region", "id"}, ["shop"]),
    ],
)
def test_which_groups_are_indexed(fields: set[str], groups: list[str]) -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        assert await _chosen(state.at("a", "r"), fields) == groups
        await state.close()

    asyncio.run(scenario())


@pytest.fixture
def logs(kumoi: Any) -> Any:
    client = kumoi.client("logs")
    for group in ("shop", "other"):
        client.create_log_group(logGroupName=group)
    client.create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    return client


def refused(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**given)
    return str(error.value.response["Error"]["Code"])


def test_a_policy_is_kept_and_told(logs: Any, kumoi: Any) -> None:
    arn = f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:shop"
    document = json.dumps({"Fields": ["id"], "FieldsV2": {"group": {"type": "FACET"}}})
    put = logs.put_index_policy(logGroupIdentifier=arn, policyDocument=document)["indexPolicy"]
    assert (put["logGroupIdentifier"], put["policyDocument"], put["source"]) == (arn, document, "LOG_GROUP")
    assert logs.describe_index_policies(logGroupIdentifiers=["shop"])["indexPolicies"] == [put]
    assert logs.describe_index_policies(logGroupIdentifiers=["other"])["indexPolicies"] == []
    found = logs.describe_field_indexes(logGroupIdentifiers=["shop", "rare"], indexCategories=["CUSTOM"])
    assert {one["fieldIndexName"]: one["type"] for one in found["fieldIndexes"]} == {
        "id": "FIELD_INDEX",
        "group": "FACET",
    }
    assert len(logs.describe_field_indexes(logGroupIdentifiers=["shop", "rare"])["fieldIndexes"]) == 7
    logs.delete_index_policy(logGroupIdentifier="shop")
    assert refused(logs.delete_index_policy, logGroupIdentifier="shop") == "ResourceNotFoundException"


def test_what_cannot_be_indexed_is_refused(logs: Any) -> None:
    document = '{"Fields": ["id"]}'
    rare = refused(logs.put_index_policy, logGroupIdentifier="rare", policyDocument=document)
    gone = refused(logs.put_index_policy, logGroupIdentifier="none", policyDocument=document)
    assert (rare, gone) == ("InvalidParameterException", "ResourceNotFoundException")
    assert refused(logs.describe_index_policies, logGroupIdentifiers=["none"]) == "ResourceNotFoundException"


def test_a_group_that_is_made_anew_has_no_policy(logs: Any) -> None:
    logs.put_index_policy(logGroupIdentifier="shop", policyDocument='{"Fields": ["id"]}')
    logs.delete_log_group(logGroupName="shop")
    logs.create_log_group(logGroupName="shop")
    assert logs.describe_index_policies(logGroupIdentifiers=["shop"])["indexPolicies"] == []


def test_a_template_makes_changes_and_takes_back_a_policy(kumoi: Any) -> None:
    stacks, logs = kumoi.client("cloudformation"), kumoi.client("logs")

    def template(*fields: str) -> str:
        policies = {"FieldIndexPolicies": [{"Fields": list(fields)}]} if fields else {}
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "made", **policies}}
        return json.dumps({"Resources": {"Group": group}})

    def policies() -> list[Any]:
        found = logs.describe_index_policies(logGroupIdentifiers=["made"])["indexPolicies"]
        return [json.loads(one["policyDocument"]) for one in found]

    stacks.create_stack(StackName="s", TemplateBody=template("a"))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert policies() == [{"Fields": ["a"]}]
    for fields in (("a", "b"), ()):
        stacks.update_stack(StackName="s", TemplateBody=template(*fields))
        stacks.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
        assert policies() == ([{"Fields": list(fields)}] if fields else [])
