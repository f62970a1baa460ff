"""Stacks in stacks: made, changed, rolled back and deleted with the stack they belong to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


def group(name: Any, days: Any = 7) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": days}}


@pytest.fixture
def put(kumoi: Any) -> Any:
    """Store a template; its URL."""
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=f"templates-{kumoi.account}")

    def store(key: str, template: dict[str, Any]) -> str:
        s3.put_object(Bucket=f"templates-{kumoi.account}", Key=key, Body=json.dumps(template).encode())
        return f"https://templates-{kumoi.account}.s3.us-east-1.amazonaws.com/{key}"

    return store


def child(days: Any = 7, **more: Any) -> dict[str, Any]:
    return {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Group": group({"Ref": "Name"}, days), **more},
        "Outputs": {"Made": {"Value": {"Ref": "Group"}}},
    }


def nested(url: str, name: str = "inner", **more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": url, "Parameters": {"Name": name}},
    } | more


def groups(kumoi: Any) -> dict[str, int]:
    found = kumoi.client("logs").describe_log_groups()["logGroups"]
    return {one["logGroupName"]: one.get("retentionInDays") for one in found}


OUTPUTS = {"Inner": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Made"]}}}


def test_a_nested_stack_lives_with_its_parent(kumoi: Any, stacks: Any, put: Any) -> None:
    url = put("child.json", child())
    done = stacks.deploy("parent", {"Child": nested(url)}, Outputs=OUTPUTS, Tags=[{"Key": "team", "Value": "cats"}])
    assert done["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("parent")
    assert stacks.outputs("parent") == {"Inner": "inner"}
    (resource,) = stacks.client.describe_stack_resources(StackName="parent")["StackResources"]
    inner = stacks.client.describe_stacks(StackName=resource["PhysicalResourceId"])["Stacks"][0]
    assert inner["StackName"].startswith("parent-Child-")
    assert inner["ParentId"] == inner["RootId"] == done["StackId"]
    assert {"Key": "team", "Value": "cats"} in inner["Tags"]
    put("child.json", child(14))  # behind the same URL
    assert stacks.deploy("parent", {"Child": nested(url)}, Outputs=OUTPUTS)["StackStatus"] == "UPDATE_COMPLETE"
    assert groups(kumoi) == {"inner": 14}
    stacks.delete("parent")
    assert groups(kumoi) == {}
    gone = stacks.client.describe_stacks(StackName=inner["StackId"])["Stacks"][0]
    assert gone["StackStatus"] == "DELETE_COMPLETE"


def test_a_failure_inside_rolls_everything_back(kumoi: Any, stacks: Any, put: Any) -> None:
    bad = put("bad.json", child(Bad=group("bad", 8)))
    done = stacks.deploy("parent", {"Beside": group("beside"), "Child": nested(bad, DependsOn="Beside")})
    assert done["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("was not successfully created" in one for one in stacks.reasons("parent"))
    assert groups(kumoi) == {}


def test_a_failure_beside_changes_the_nested_stack_back(kumoi: Any, stacks: Any, put: Any) -> None:
    url = put("child.json", child(7))
    stacks.deploy("parent", {"Child": nested(url)})
    put("child.json", child(30, More=group("more")))
    bad = group("bad", 8) | {"DependsOn": "Child"}
    done = stacks.deploy("parent", {"Child": nested(url), "Bad": bad})
    assert done["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", stacks.reasons("parent")
    assert groups(kumoi) == {"inner": 7}
    put("child.json", child(14, Bad=group("bad", 8)))
    done = stacks.deploy("parent", {"Child": nested(url)})
    assert done["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert groups(kumoi) == {"inner": 7}


def test_stacks_may_not_be_nested_for_ever(stacks: Any, put: Any) -> None:
    url = put("loop.json", {"Parameters": {"Name": {"Type": "String"}}, "Resources": {"Child": nested("URL")}})
    put("loop.json", {"Parameters": {"Name": {"Type": "String"}}, "Resources": {"Child": nested(url)}})
    done = stacks.deploy("parent", {"Child": nested(url)})
    assert done["StackStatus"] == "ROLLBACK_COMPLETE"


DOUBLE = """
def handler(event, context):
    fragment = event["fragment"]
    count = int(event["params"].get("Count", event["templateParameterValues"].get("Count", 1)))
    if event["params"].get("Fail"):
        return {"requestId": event["requestId"], "status": "failed", "errorMessage": event["params"]["Fail"]}
    if "Resources" in fragment:
        fragment["Resources"] |= {f"G{n}": {"Type": "AWS::Logs::LogGroup",
                                            "Properties": {"LogGroupName": f"g{n}"}} for n in range(count)}
    else:
        fragment["RetentionInDays"] = count
    return {"requestId": event["requestId"], "status": "success", "fragment": fragment}
"""


def test_a_macro_transforms_templates_and_their_parts(kumoi: Any, stacks: Any, function: Any, put: Any) -> None:
    macro = {
        "Type": "AWS::CloudFormation::Macro",
        "Properties": {"Name": "Many", "FunctionName": function("f", DOUBLE)},
    }
    stacks.deploy("macros", {"Macro": macro})
    count = {"Count": {"Type": "Number", "Default": 2}}
    done = stacks.deploy("many", {"First": group("first")}, Transform="Many", Parameters=count)
    assert done["StackStatus"] == "CREATE_COMPLETE"
    assert groups(kumoi).keys() == {"first", "g0", "g1", "/aws/lambda/f"}
    part = group("part")
    part["Properties"]["Fn::Transform"] = {"Name": "Many", "Parameters": {"Count": 30}}
    url = put("included.json", {"RetentionInDays": 5})
    included = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": "included",
            "Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": url}},
        },
    }
    stacks.deploy("parts", {"Part": part, "Included": included})
    assert (groups(kumoi)["part"], groups(kumoi)["included"]) == (30, 5)
    again = {"Name": "AWS::Include", "Parameters": {"Location": url}}
    put("included.json", {"Fn::Transform": again})
    for transform, message in (
        (again, "What is included can not include anything itself."),
        ({"Name": "Many", "Parameters": {"Fail": "no"}}, f"Transform {kumoi.account}::Many failed with: no"),
        ({"Name": "Nobody"}, "No transform named Nobody found."),
        ({"Name": "AWS::Include", "Parameters": {"Location": "here"}}, "The location parameter is not a valid S3 uri."),
        ({"Parameters": {}}, "a Transform needs a Name"),
        (7, "a Transform needs a Name"),
    ):
        with pytest.raises(ClientError) as error:
            stacks.deploy("bad", {"A": group("a")}, Transform=transform)
        assert message in str(error.value)
    stacks.delete("macros")
    with pytest.raises(ClientError) as error:
        stacks.deploy("late", {"A": group("a")}, Transform="Many")
    assert "No transform named Many found." in str(error.value)


def test_loops_are_written_out(kumoi: Any, stacks: Any) -> None:
    loop = ["Name", {"Ref": "Names"}, {"Group${Name}": group({"Fn::Sub": "log-${Name}"})}]
    names = {"Names": {"Type": "CommaDelimitedList", "Default": "a,b"}}
    stacks.deploy("s", {"Fn::ForEach::Groups": loop}, Transform="AWS::LanguageExtensions", Parameters=names)
    assert groups(kumoi).keys() == {"log-a", "log-b"}
