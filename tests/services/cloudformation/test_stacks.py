"""Stacks through boto3: made, changed, replaced, rolled back, deleted."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Create = Callable[..., dict[str, Any]]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}


def table(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            **properties,
        },
    }


def group(name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, **properties}}


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


@pytest.fixture
def create(client: Any) -> Callable[..., dict[str, Any]]:
    """Create a stack of some resources; how DescribeStacks has it once it is done."""

    def make(resources: dict[str, Any], name: str = "stack", **options: Any) -> dict[str, Any]:
        sections = {key: options.pop(key) for key in list(options) if key in ("Outputs", "Conditions", "Mappings")}
        declared = options.pop("Declared", None)
        template = {"Resources": resources, **sections, **({"Parameters": declared} if declared else {})}
        options.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        client.create_stack(StackName=name, TemplateBody=json.dumps(template), **options)
        return described(client, name)

    return make


def described(client: Any, name: str = "stack") -> dict[str, Any]:
    """The stack, once nothing is under way."""
    while (stack := client.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    return dict(stack)


def events(client: Any, name: str = "stack") -> list[tuple[str, str]]:
    """What happened, the oldest first."""
    found = client.describe_stack_events(StackName=name)["StackEvents"]
    return [(one["LogicalResourceId"], one["ResourceStatus"]) for one in reversed(found)]


def update(client: Any, resources: dict[str, Any], **options: Any) -> dict[str, Any]:
    template = json.dumps({"Resources": resources, **options})
    client.update_stack(StackName="stack", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    return described(client)


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def groups(kumoi: Any) -> dict[str, int | None]:
    found = kumoi.client("logs").describe_log_groups()["logGroups"]
    return {one["logGroupName"]: one.get("retentionInDays") for one in found}


def test_a_stack_is_made_in_the_order_of_its_references(client: Any, create: Create, kumoi: Any) -> None:
    stack = create(
        {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.12",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Environment": {"Variables": {"TABLE": {"Ref": "Table"}}},
                    "Code": {"ZipFile": "import os\ndef handler(event, context):\n    return os.environ['TABLE']\n"},
                },
            },
            "Role": ROLE,
            "Table": table(),
            "Log": group("unused") | {"DependsOn": "Function"},
        },
        Outputs={"Name": {"Value": {"Ref": "Function"}, "Description": "what to invoke"}},
        Tags=[{"Key": "team", "Value": "cats"}],
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    (output,) = stack["Outputs"]
    assert output["OutputKey"] == "Name"
    assert output["Description"] == "what to invoke"
    answer = kumoi.client("lambda").invoke(FunctionName=output["OutputValue"])
    (name,) = kumoi.client("dynamodb").list_tables()["TableNames"]
    assert json.load(answer["Payload"]) == name
    assert name.startswith("stack-Table-")
    seen = events(client)
    assert seen[0] == ("stack", "CREATE_IN_PROGRESS")
    assert seen[-1] == ("stack", "CREATE_COMPLETE")
    place = {one: at for at, one in enumerate(seen)}
    assert place["Role", "CREATE_COMPLETE"] < place["Function", "CREATE_IN_PROGRESS"]
    assert place["Table", "CREATE_COMPLETE"] < place["Function", "CREATE_IN_PROGRESS"]
    assert place["Function", "CREATE_COMPLETE"] < place["Log", "CREATE_IN_PROGRESS"]
    tags = kumoi.client("lambda").list_tags(
        Resource=kumoi.client("lambda").get_function(FunctionName=output["OutputValue"])["Configuration"]["FunctionArn"]
    )["Tags"]
    assert tags["team"] == "cats"
    assert tags["aws:cloudformation:logical-id"] == "Function"
    client.delete_stack(StackName="stack")
    client.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert kumoi.client("dynamodb").list_tables()["TableNames"] == []
    assert client.describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    assert refused(lambda: client.describe_stacks(StackName="stack")) == (
        "ValidationError",
        "Stack with id stack does not exist",
    )


def test_an_update_changes_replaces_adds_and_removes(client: Any, create: Create, kumoi: Any) -> None:
    create({"A": group("a", RetentionInDays=7), "B": group("b"), "C": group("c")})
    assert (
        update(client, {"A": group("a", RetentionInDays=14), "B": group("new-b"), "D": group("d")})["StackStatus"]
        == "UPDATE_COMPLETE"
    )
    assert groups(kumoi) == {"a": 14, "new-b": None, "d": None}
    seen = events(client)
    after = seen[seen.index(("stack", "UPDATE_IN_PROGRESS")) :]
    assert ("A", "UPDATE_COMPLETE") in after
    cleaning = after.index(("stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    assert after.index(("B", "UPDATE_COMPLETE")) < cleaning < after.index(("B", "DELETE_COMPLETE"))
    assert after.index(("C", "DELETE_COMPLETE")) > cleaning
    assert refused(
        lambda: update(client, {"A": group("a", RetentionInDays=14), "B": group("new-b"), "D": group("d")})
    ) == (
        "ValidationError",
        "No updates are to be performed.",
    )


def test_a_creation_that_fails_leaves_nothing(client: Any, create: Create, kumoi: Any) -> None:
    stack = create({"A": group("a"), "B": group("b", RetentionInDays=8) | {"DependsOn": "A"}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert groups(kumoi) == {}
    assert ("B", "CREATE_FAILED") in events(client)
    assert ("A", "DELETE_COMPLETE") in events(client)
    kept = create(
        {"A": group("a"), "B": group("b", RetentionInDays=8) | {"DependsOn": "A"}}, "kept", DisableRollback=True
    )
    assert kept["StackStatus"] == "CREATE_FAILED"
    assert "a" in groups(kumoi)


def test_an_update_that_fails_is_undone(client: Any, create: Create, kumoi: Any) -> None:
    create({"A": group("a", RetentionInDays=7), "B": group("b"), "Z": table()})
    bad = table(BillingMode="NO_SUCH_MODE") | {"DependsOn": ["A", "B", "New"]}
    after = update(
        client,
        {"A": group("a", RetentionInDays=14), "B": group("other"), "New": group("new"), "Bad": bad, "Z": table()},
    )
    assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Bad" in next(
        one["ResourceStatusReason"]
        for one in client.describe_stack_events(StackName="stack")["StackEvents"]
        if one["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
    )
    assert groups(kumoi) == {"a": 7, "b": None}
    names = {
        one["LogicalResourceId"] for one in client.list_stack_resources(StackName="stack")["StackResourceSummaries"]
    }
    assert names == {"A", "B", "Z"}
    assert (
        update(client, {"A": group("a", RetentionInDays=14), "B": group("b"), "Z": table()})["StackStatus"]
        == "UPDATE_COMPLETE"
    )


def test_what_is_retained_outlives_its_stack(client: Any, create: Create, kumoi: Any) -> None:
    create({"A": group("a") | {"DeletionPolicy": "Retain"}, "B": group("b")})
    client.delete_stack(StackName="stack")
    assert groups(kumoi) == {"a": None}


def test_parameters_conditions_and_mappings(client: Any, create: Create, kumoi: Any) -> None:
    declared = {
        "Stage": {"Type": "String", "AllowedValues": ["dev", "prod"]},
        "Secret": {"Type": "String", "NoEcho": True, "Default": "hush"},
    }
    resources = {
        "A": group("x") | {"Condition": "IsProd"},
        "B": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": "b-${Stage}"},
                "RetentionInDays": {"Fn::FindInMap": ["Days", {"Ref": "Stage"}, "keep"]},
            },
        },
    }
    sections = {
        "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        "Mappings": {"Days": {"dev": {"keep": 1}, "prod": {"keep": 30}}},
    }
    stack = create(
        resources, Declared=declared, Parameters=[{"ParameterKey": "Stage", "ParameterValue": "dev"}], **sections
    )
    assert groups(kumoi) == {"b-dev": 1}
    assert {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]} == {
        "Stage": "dev",
        "Secret": "****",
    }
    for parameters, message in (
        ([], "Parameters: [Stage] must have values"),
        (
            [{"ParameterKey": "Stage", "ParameterValue": "test"}],
            "Parameter Stage failed to satisfy constraint: Parameter must be one of AllowedValues: [dev, prod]",
        ),
        (
            [{"ParameterKey": "Nope", "ParameterValue": "x"}],
            "Parameters: [Nope] do not exist in the template",
        ),
    ):
        assert refused(lambda: create(resources, "other", Declared=declared, Parameters=parameters, **sections)) == (  # noqa: B023
            "ValidationError",
            message,
        )


def test_exports_are_imported_and_protected(client: Any, create: Create, kumoi: Any) -> None:
    create({"A": group("a")}, "one", Outputs={"Name": {"Value": {"Ref": "A"}, "Export": {"Name": "group"}}})
    imported = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": {"Fn::Join": ["-", [{"Fn::ImportValue": "group"}, "two"]]}},
    }
    create({"B": imported}, "two")
    assert groups(kumoi) == {"a": None, "a-two": None}
    assert client.list_imports(ExportName="group")["Imports"] == ["two"]
    assert [one["Value"] for one in client.list_exports()["Exports"]] == ["a"]
    assert refused(lambda: client.delete_stack(StackName="one")) == (
        "ValidationError",
        "Export group cannot be deleted as it is in use by two",
    )
    client.delete_stack(StackName="two")
    client.delete_stack(StackName="one")
    assert groups(kumoi) == {}


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({}, "Template format error: At least one Resources member must be defined."),
        ({"A": {}}, "Template format error: [/Resources/A] Every Resources object must contain a Type member."),
        (
            {"A": group("a") | {"DependsOn": "B"}, "B": group("b") | {"DependsOn": "A"}},
            "Circular dependency between resources: [A, B]",
        ),
        (
            {"A": group("a") | {"DependsOn": "Nobody"}},
            "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template",
        ),
        ({"A-1": group("a")}, "Template format error: Resource name A-1 is non alphanumeric."),
    ],
)
def test_templates_that_are_refused(create: Create, resources: dict[str, Any], message: str) -> None:
    assert refused(lambda: create(resources)) == ("ValidationError", message)


def test_requests_that_are_refused(client: Any, create: Create) -> None:
    assert refused(lambda: create({"R": ROLE}, Capabilities=[])) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    )
    create({"A": group("a")}, EnableTerminationProtection=True)
    assert refused(lambda: create({"A": group("a")}))[0] == "AlreadyExistsException"
    assert "TerminationProtection" in refused(lambda: client.delete_stack(StackName="stack"))[1]
    client.update_termination_protection(StackName="stack", EnableTerminationProtection=False)
    assert refused(lambda: client.update_stack(StackName="none", TemplateBody="{}"))[1] == "Stack [none] does not exist"
    unknown = create({"X": {"Type": "AWS::Nobody::Knows"}}, "unknown")
    assert unknown["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [
        one.get("ResourceStatusReason", "") for one in client.describe_stack_events(StackName="unknown")["StackEvents"]
    ]
    assert any("does not support the resource type AWS::Nobody::Knows" in reason for reason in reasons)


def test_a_change_set_tells_first_and_acts_then(client: Any, create: Create, kumoi: Any) -> None:
    template = json.dumps({"Resources": {"A": group("a")}})
    made = client.create_change_set(
        StackName="stack", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template
    )
    client.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": 1})
    assert client.describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert groups(kumoi) == {}
    client.execute_change_set(ChangeSetName="first", StackName="stack")
    client.get_waiter("stack_create_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})
    assert groups(kumoi) == {"a": None}
    template = json.dumps({"Resources": {"A": group("b"), "C": group("c")}})
    client.create_change_set(StackName="stack", ChangeSetName="second", TemplateBody=template)
    changes = client.describe_change_set(StackName="stack", ChangeSetName="second")["Changes"]
    told = [
        (
            one["ResourceChange"]["Action"],
            one["ResourceChange"]["LogicalResourceId"],
            one["ResourceChange"].get("Replacement"),
        )
        for one in changes
    ]
    assert told == [("Modify", "A", "True"), ("Add", "C", None)]
    client.delete_change_set(StackName="stack", ChangeSetName="second")
    same = json.dumps({"Resources": {"A": group("a")}})
    client.create_change_set(StackName="stack", ChangeSetName="same", TemplateBody=same)
    nothing = client.describe_change_set(StackName="stack", ChangeSetName="same")
    assert (nothing["Status"], nothing["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert nothing["StatusReason"].startswith("The submitted information didn't contain changes.")
    assert (
        refused(lambda: client.execute_change_set(StackName="stack", ChangeSetName="same"))[0]
        == "InvalidChangeSetStatus"
    )


def test_templates_are_told(client: Any, create: Create) -> None:
    body = (
        "Description: told\nParameters: {P: {Type: Number, Default: 1}}\n"
        'Resources: {A: {Type: "AWS::Logs::LogGroup"}}\n'
    )
    client.create_stack(StackName="stack", TemplateBody=body)
    assert client.get_template(StackName="stack")["TemplateBody"] == body
    summary = client.get_template_summary(TemplateBody=body)
    assert summary["ResourceTypes"] == ["AWS::Logs::LogGroup"]
    assert summary["Parameters"][0]["DefaultValue"] == "1"
    assert client.validate_template(TemplateBody=body)["Description"] == "told"
    assert refused(lambda: client.validate_template(TemplateBody="Resources: {A: {Type: x}, A: {Type: y}}"))[
        1
    ].startswith("Template format error: YAML not well-formed.")


SAM = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, Timeout: 5}}
Resources:
  Items: {Type: AWS::Serverless::SimpleTable}
  Greet:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      InlineCode: |
        def handler(event, context):
            return "hello"
      Policies: [DynamoDBReadPolicy: {TableName: !Ref Items}]
      FunctionUrlConfig: {AuthType: NONE}
      Events:
        Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
Outputs:
  Url: {Value: !GetAtt GreetUrl.FunctionUrl}
"""


def test_a_sam_template_is_translated_by_awss_own_translator(client: Any, kumoi: Any) -> None:
    client.create_change_set(
        StackName="stack",
        ChangeSetName="sam",
        ChangeSetType="CREATE",
        TemplateBody=SAM,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    client.execute_change_set(StackName="stack", ChangeSetName="sam")
    stack = described(client)
    assert stack["StackStatus"] == "CREATE_COMPLETE", client.describe_stack_events(StackName="stack")["StackEvents"]
    with urllib.request.urlopen(stack["Outputs"][0]["OutputValue"]) as answer:
        assert answer.read() == b"hello"
    kinds = [one["ResourceType"] for one in client.list_stack_resources(StackName="stack")["StackResourceSummaries"]]
    assert set(kinds) == {
        "AWS::DynamoDB::Table",
        "AWS::Events::Rule",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Url",
    }
    assert client.get_template(StackName="stack")["TemplateBody"] == SAM
