"""Templates and Parameter Store: parameters that stacks make, and values that templates take from there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


@pytest.fixture
def ssm(kumoi: Any) -> Any:
    return kumoi.client("ssm")


def described(client: Any) -> dict[str, Any]:
    """The stack, once nothing is under way."""
    while (stack := client.describe_stacks(StackName="s")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    return dict(stack)


def create(client: Any, resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    client.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources, **sections}))
    return described(client)


def update(client: Any, resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    client.update_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources, **sections}))
    return described(client)


def reasons(client: Any) -> str:
    return " ".join(
        one.get("ResourceStatusReason", "") for one in client.describe_stack_events(StackName="s")["StackEvents"]
    )


def parameter(value: Any, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **properties}}


def test_a_parameter_is_made_changed_and_deleted_with_its_stack(client: Any, ssm: Any) -> None:
    outputs = {
        "Name": {"Value": {"Ref": "P"}},
        "Kind": {"Value": {"Fn::GetAtt": ["P", "Type"]}},
        "Value": {"Value": {"Fn::GetAtt": ["P", "Value"]}},
    }
    one = parameter("one", Description="d", Tags={"team": "red"})
    stack = create(client, {"P": one}, Outputs=outputs)
    told = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    name = told["Name"]
    assert re.fullmatch("CFN-P-[0-9A-Za-z]{8,}", name)  # not the stack's, which may begin as no parameter's may
    assert (told["Kind"], told["Value"]) == ("String", "one")
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert {"Key": "team", "Value": "red"} in tags
    stack = update(client, {"P": parameter(2)}, Outputs=outputs)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    found = ssm.get_parameter(Name=name)["Parameter"]
    assert (found["Value"], found["Version"]) == ("2", 2)
    assert "Description" not in ssm.describe_parameters()["Parameters"][0]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert "team" not in [tag["Key"] for tag in tags]
    update(client, {"P": parameter("x", Name="/named")}, Outputs=outputs)
    assert [one["Name"] for one in ssm.describe_parameters()["Parameters"]] == ["/named"]
    client.delete_stack(StackName="s")
    while ssm.describe_parameters()["Parameters"]:
        continue


def test_a_secure_parameter_is_not_made_from_a_template(client: Any) -> None:
    stack = create(client, {"P": parameter("x", Type="SecureString")})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


def test_template_parameters_take_their_values_from_parameter_store(client: Any, ssm: Any) -> None:
    ssm.put_parameter(Name="/size", Value="large", Type="String")
    ssm.put_parameter(Name="/zones", Value="a,b", Type="StringList")
    declared = {
        "Size": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/size"},
        "Zones": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/zones"},
    }
    made = {"P": parameter({"Fn::Sub": ["${Size}/${Last}", {"Last": {"Fn::Select": [1, {"Ref": "Zones"}]}}]}, Name="p")}
    stack = create(client, made, Parameters=declared)
    assert ssm.get_parameter(Name="p")["Parameter"]["Value"] == "large/b"
    assert {one["ParameterKey"]: one["ResolvedValue"] for one in stack["Parameters"]} == {
        "Size": "large",
        "Zones": "a,b",
    }
    ssm.put_parameter(Name="/size", Value="small", Overwrite=True)
    update(client, made, Parameters=declared)
    assert ssm.get_parameter(Name="p")["Parameter"]["Value"] == "small/b"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/none", "Unable to fetch parameters [/none] from parameter store for this account."),
        ("/secret", "Parameters [/secret] referenced by template have types not supported by CloudFormation."),
        ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "machine images"),
    ],
)
def test_values_that_parameter_store_does_not_give(client: Any, ssm: Any, name: str, text: str) -> None:
    ssm.put_parameter(Name="/secret", Value="s", Type="SecureString")
    declared = {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": name}}
    with pytest.raises(ClientError) as error:
        create(client, {"R": parameter({"Ref": "P"})}, Parameters=declared)
    assert text in error.value.response["Error"]["Message"]


def test_dynamic_references_to_parameters(client: Any, ssm: Any) -> None:
    for value in ("one", "two"):
        ssm.put_parameter(Name="/plain", Value=value, Type="String", Overwrite=True)
    ssm.put_parameter(Name="/secret", Value="hidden", Type="SecureString")
    text = "{{resolve:ssm:/plain}} {{resolve:ssm:/plain:1}} {{resolve:ssm-secure:/secret:1}}"
    made = {"P": parameter(text, Name="p")}
    create(client, made)
    assert ssm.get_parameter(Name="p")["Parameter"]["Value"] == "two one hidden"
    assert "hidden" not in json.dumps(client.describe_stack_events(StackName="s")["StackEvents"], default=str)


def test_a_reference_whose_value_changed_is_no_change_of_the_template(client: Any, ssm: Any) -> None:
    ssm.put_parameter(Name="/plain", Value="one", Type="String")
    made = {"P": parameter("{{resolve:ssm:/plain}}", Name="p")}
    create(client, made)
    ssm.put_parameter(Name="/plain", Value="two", Overwrite=True)
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        update(client, made)
    assert ssm.get_parameter(Name="p")["Parameter"]["Value"] == "one"
    assert update(client, {"P": parameter("new {{resolve:ssm:/plain}}", Name="p")})["StackStatus"] == "UPDATE_COMPLETE"
    assert ssm.get_parameter(Name="p")["Parameter"]["Value"] == "new two"
    ssm.delete_parameter(Name="/plain")
    client.delete_stack(StackName="s")
    while ssm.describe_parameters()["Parameters"]:
        continue


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("{{resolve:ssm:/none}}", "ParameterNotFound"),
        ("{{resolve:ssm:/secret}}", "Non-secure ssm prefix was used for secure parameter: /secret"),
    ],
)
def test_a_reference_that_finds_nothing_fails_its_resource(client: Any, ssm: Any, reference: str, reason: str) -> None:
    ssm.put_parameter(Name="/secret", Value="hidden", Type="SecureString")
    stack = create(client, {"P": parameter(reference, Name="p")})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in reasons(client)
