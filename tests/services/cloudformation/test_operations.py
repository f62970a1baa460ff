"""What is done to stacks beside deploying them: policies, cancelling, going back, stand-ins; and garbage."""

from __future__ import annotations

import json
import random
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.kumoi_clock


def group(name: str, days: Any = 7, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": days}} | more


def groups(kumoi: Any) -> dict[str, int]:
    found = kumoi.client("logs").describe_log_groups()["logGroups"]
    return {one["logGroupName"]: one.get("retentionInDays") for one in found}


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value)


def policy(*statements: tuple[str, str, str]) -> str:
    told = [{"Effect": e, "Action": a, "Principal": "*", "Resource": r} for e, a, r in statements]
    return json.dumps({"Statement": told})


def test_a_stack_policy_is_enforced(kumoi: Any, stacks: Any) -> None:
    allowing = policy(("Allow", "Update:*", "*"), ("Deny", "Update:Replace", "LogicalResourceId/A"))
    stacks.deploy("s", {"A": group("a"), "B": group("b")}, StackPolicyBody=allowing)
    assert stacks.deploy("s", {"A": group("a", 14), "B": group("b")})["StackStatus"] == "UPDATE_COMPLETE"
    done = stacks.deploy("s", {"A": group("other"), "B": group("b")})
    assert done["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any("Action denied by stack policy" in one for one in stacks.reasons("s"))
    stacks.client.set_stack_policy(StackName="s", StackPolicyBody=policy(("Allow", "Update:Modify", "*")))
    assert stacks.deploy("s", {"A": group("a", 14)})["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(kumoi) == {"a": 14, "b": 7}
    once = policy(("Allow", "Update:*", "*"))
    done = stacks.deploy("s", {"A": group("a", 14)}, StackPolicyDuringUpdateBody=once)
    assert done["StackStatus"] == "UPDATE_COMPLETE"
    assert json.loads(stacks.client.get_stack_policy(StackName="s")["StackPolicyBody"])["Statement"][0]["Action"] == (
        "Update:Modify"
    )
    for bad in ("{", "[]", "{}", policy(("Allow", "Update:*", "arn:aws:x"))):
        message = refused(lambda: stacks.client.set_stack_policy(StackName="s", StackPolicyBody=bad))  # noqa: B023
        assert "Error validating stack policy" in message


WAIT = {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Wait": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": 600},
    },
}


def test_an_update_is_cancelled(kumoi: Any, stacks: Any) -> None:
    stacks.deploy("s", {"A": group("a")})
    updating = threading.Thread(
        target=stacks.deploy, args=("s", {"A": group("a", 14), **WAIT, "B": group("b", DependsOn="Wait")})
    )
    updating.start()
    resources: dict[str, str] = {}
    while resources.get("Wait") != "CREATE_IN_PROGRESS":
        found = stacks.client.describe_stack_resources(StackName="s")["StackResources"]
        resources = {one["LogicalResourceId"]: one["ResourceStatus"] for one in found}
        handle = {one["LogicalResourceId"]: one.get("PhysicalResourceId") for one in found}.get("Handle")
    assert "can not be updated" in refused(lambda: stacks.deploy("s", {"A": group("a", 30)}))
    assert "cannot be deleted while in status" in refused(lambda: stacks.client.delete_stack(StackName="s"))
    stacks.client.cancel_update_stack(StackName="s")
    signal = urllib.request.Request(str(handle), b'{"Status": "SUCCESS", "UniqueId": "1"}', {}, method="PUT")
    urllib.request.urlopen(signal).close()
    updating.join()
    assert stacks.settled("s")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(kumoi) == {"a": 7}
    assert "cannot be called from current stack status" in refused(
        lambda: stacks.client.cancel_update_stack(StackName="s")
    )


def test_a_stack_being_made_is_deleted(kumoi: Any, stacks: Any) -> None:
    template = json.dumps({"Resources": {"A": group("a"), **WAIT}})
    stacks.client.create_stack(StackName="s", TemplateBody=template)
    while "a" not in groups(kumoi):
        continue
    stack = stacks.client.describe_stacks(StackName="s")["Stacks"][0]["StackId"]
    stacks.client.delete_stack(StackName="s")
    assert stacks.settled(stack)["StackStatus"] == "DELETE_COMPLETE"
    assert groups(kumoi) == {}


def fail(kumoi: Any, operation: str) -> None:
    body = json.dumps(
        {"service": "logs", "operation": operation, "account": kumoi.account, "action": "fail", "error": "Broken"}
    ).encode()
    asked = urllib.request.Request(f"{kumoi.url}/_kumoi/faults", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(asked).close()


def heal(kumoi: Any) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{kumoi.url}/_kumoi/faults", method="DELETE")).close()


def test_a_rollback_that_failed_is_continued(kumoi: Any, stacks: Any) -> None:
    stacks.deploy("s", {"A": group("a", 7), "B": group("b", 7)})
    failing = group("bad", 8, DependsOn=["A", "B"])
    target = {"A": group("a", 14), "B": group("b", 14), "Bad": failing}
    template = json.dumps({"Resources": target})

    stacks.client.update_stack(StackName="s", TemplateBody=template, DisableRollback=True)
    assert stacks.settled("s")["StackStatus"] == "UPDATE_FAILED"
    fail(kumoi, "PutRetentionPolicy")
    try:
        stacks.client.rollback_stack(StackName="s")
        assert stacks.settled("s")["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
        assert "only such may be skipped" in refused(
            lambda: stacks.client.continue_update_rollback(StackName="s", ResourcesToSkip=["Bad"])
        )
        stacks.client.continue_update_rollback(StackName="s", ResourcesToSkip=["A"])
        assert stacks.settled("s")["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    finally:
        heal(kumoi)
    stacks.client.continue_update_rollback(StackName="s")
    assert stacks.settled("s")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(kumoi) == {"a": 14, "b": 7}
    assert "can not continue update rollback" in refused(lambda: stacks.client.continue_update_rollback(StackName="s"))


def test_what_was_kept_after_a_failure_goes_on_or_back(kumoi: Any, stacks: Any) -> None:
    stacks.deploy("s", {"A": group("a"), "B": group("b", 8, DependsOn="A")}, DisableRollback=True)
    assert stacks.status("s") == "CREATE_FAILED"
    assert stacks.deploy("s", {"A": group("a"), "B": group("b", 14)})["StackStatus"] == "UPDATE_COMPLETE"
    stacks.deploy("t", {"C": group("c"), "D": group("d", 8, DependsOn="C")}, DisableRollback=True)
    stacks.client.rollback_stack(StackName="t")
    assert stacks.settled("t")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert groups(kumoi) == {"a": 7, "b": 14}


def test_unknown_types_have_stand_ins_where_they_are_wanted(stacks: Any) -> None:
    resources = {
        "Fleet": {"Type": "AWS::Nobody::Fleet", "Properties": {"Size": 1}},
        "Name": group({"Fn::Sub": "/fleet/${Fleet}"}),  # type: ignore[arg-type]
        "Data": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}},
    }
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Fleet", "Arn"]}}}
    tags = [{"Key": "kumoi:unknown-resources", "Value": "stub"}]
    assert stacks.deploy("s", resources, Outputs=outputs, Tags=tags)["StackStatus"] == "CREATE_COMPLETE"
    assert stacks.outputs("s")["Arn"].endswith(".Arn")
    stacks.delete("s")
    assert stacks.deploy("t", resources, Outputs=outputs)["StackStatus"] == "ROLLBACK_COMPLETE"


def test_two_stacks_may_not_export_one_name(stacks: Any) -> None:
    export = {"Out": {"Value": "x", "Export": {"Name": "shared"}}}
    stacks.deploy("one", {"A": group("a")}, Outputs=export)
    assert stacks.deploy("two", {"B": group("b")}, Outputs=export)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("Export with name shared is already exported by stack one." in one for one in stacks.reasons("two"))


def test_what_kumoi_lacks_says_so(stacks: Any) -> None:
    stacks.deploy("s", {"A": group("a")})
    for call in (
        lambda: stacks.client.create_stack_set(StackSetName="x", TemplateBody="{}"),
        lambda: stacks.client.describe_account_limits(),
    ):
        assert "NotImplemented" in refused(call)


GARBAGE: list[Any] = [None, 7, -1, "", "x", [], {}, [None], {"Ref": 1}, {"Fn::GetAtt": []}, {"Fn::Sub": [1]}, True]


def test_garbage_is_refused_and_never_an_internal_failure(stacks: Any) -> None:
    chance = random.Random(7)
    template = {
        "Parameters": {"P": {"Type": "String", "Default": "d", "AllowedPattern": "d", "MinLength": 1}},
        "Mappings": {"M": {"a": {"b": "c"}}},
        "Conditions": {"C": {"Fn::Equals": [{"Ref": "P"}, "d"]}},
        "Transform": ["AWS::LanguageExtensions"],
        "Resources": {"A": group("g", 7, Condition="C", DeletionPolicy="Retain", DependsOn=[])},
        "Outputs": {"O": {"Value": {"Ref": "A"}, "Export": {"Name": "e"}, "Condition": "C"}},
    }

    def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [path, *(one for key, inner in below for one in paths(inner, (*path, key)))]

    places = [path for path in paths(template) if path]
    for number in range(60):
        broken = json.loads(json.dumps(template))
        *way, last = chance.choice(places)
        target = broken
        for step in way:
            target = target[step]
        target[last] = chance.choice(GARBAGE)
        body = json.dumps(broken)
        for call in (
            lambda: stacks.client.validate_template(TemplateBody=body),  # noqa: B023
            lambda: stacks.client.get_template_summary(TemplateBody=body),  # noqa: B023
            lambda: stacks.client.create_change_set(
                StackName=f"s{number}",  # noqa: B023
                ChangeSetName="c",
                ChangeSetType="CREATE",
                TemplateBody=body,  # noqa: B023
            ),
        ):
            try:
                call()
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ValidationError", (error, broken)


def test_sources_that_are_refused(kumoi: Any) -> None:
    stacks, s3 = kumoi.client("cloudformation"), kumoi.client("s3")
    kumoi.client("ssm").put_parameter(Name="secret", Value="x", Type="SecureString")
    secret = {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "secret"}}
    queue = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    bucket = f"long-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="long", Body=json.dumps(queue) + " " * 1_048_576)
    for given, code, message in (
        ({"TemplateBody": json.dumps({**queue, "Parameters": secret})}, "ValidationError", "types not supported"),
        ({"TemplateURL": f"https://{bucket}.s3.amazonaws.com/long"}, "ValidationError", "larger than 1048576 bytes"),
        (
            {"TemplateBody": json.dumps({**queue, "Transform": "AWS::Serverless-2016-10-31"})},
            "InsufficientCapabilitiesException",
            "CAPABILITY_AUTO_EXPAND",
        ),
    ):
        with pytest.raises(ClientError) as error:
            stacks.create_stack(StackName="s", **given)
        assert error.value.response["Error"]["Code"] == code
        assert message in error.value.response["Error"]["Message"]
