"""Templates and Secrets Manager: secrets that stacks make, rotate and read."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


@pytest.fixture
def secrets(kumoi: Any) -> Any:
    return kumoi.client("secretsmanager")


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


def secret(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SecretsManager::Secret", "Properties": properties}


def parameter(value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "p", "Type": "String", "Value": value}}


GENERATED = {
    "SecretStringTemplate": '{"username": "app"}',
    "GenerateStringKey": "password",
    "PasswordLength": 20,
    "ExcludePunctuation": True,
}


def test_a_generated_secret_is_read_by_dynamic_references(kumoi: Any, client: Any, secrets: Any) -> None:
    db = secret(GenerateSecretString=GENERATED, Description="d", Tags=[{"Key": "team", "Value": "red"}])
    text = "{{resolve:secretsmanager:${Db}:SecretString:username}}:{{resolve:secretsmanager:${Db}::password}}"
    outputs = {"Ref": {"Value": {"Ref": "Db"}}, "Id": {"Value": {"Fn::GetAtt": ["Db", "Id"]}}}
    made = {"Db": db, "P": parameter({"Fn::Sub": text})}
    stack = create(client, made, Outputs=outputs)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    told = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    arn = told["Ref"]
    assert told["Id"] == arn
    assert ":secret:s-Db-" in arn
    content = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert (content["username"], len(content["password"]), content["password"].isalnum()) == ("app", 20, True)
    assert kumoi.client("ssm").get_parameter(Name="p")["Parameter"]["Value"] == f"app:{content['password']}"
    assert content["password"] not in json.dumps(client.describe_stack_events(StackName="s"), default=str)
    db["Properties"].update(Description="e", Tags=[])
    assert update(client, made, Outputs=outputs)["StackStatus"] == "UPDATE_COMPLETE"
    known = secrets.describe_secret(SecretId=arn)
    assert (known["Description"], "team" in [tag["Key"] for tag in known["Tags"]]) == ("e", False)
    assert json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"]) == content
    client.delete_stack(StackName="s")
    while secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        continue


def test_versions_and_whole_secrets_are_referred_to(kumoi: Any, client: Any, secrets: Any) -> None:
    secrets.create_secret(Name="plain", SecretString="one", ClientRequestToken="1" * 32)
    secrets.put_secret_value(SecretId="plain", SecretString="two")
    text = (
        "{{resolve:secretsmanager:plain}} {{resolve:secretsmanager:plain:SecretString::AWSPREVIOUS}} "
        f"{{{{resolve:secretsmanager:plain:SecretString:::{'1' * 32}}}}}"
    )
    assert create(client, {"P": parameter(text)})["StackStatus"] == "CREATE_COMPLETE"
    assert kumoi.client("ssm").get_parameter(Name="p")["Parameter"]["Value"] == "two one one"


def test_a_key_that_a_secret_lacks_fails_the_resource(client: Any, secrets: Any) -> None:
    secrets.create_secret(Name="plain", SecretString='{"a": 1}')
    stack = create(client, {"P": parameter("{{resolve:secretsmanager:plain:SecretString:b}}")})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_named_secret_with_a_policy_and_replicas(kumoi: Any, client: Any, secrets: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{kumoi.account}:root"},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    policy = {
        "Type": "AWS::SecretsManager::ResourcePolicy",
        "Properties": {
            "SecretId": {"Ref": "S"},
            "ResourcePolicy": {"Version": "2012-10-17", "Statement": [statement]},
            "BlockPublicPolicy": True,
        },
    }
    made = {"S": secret(Name="named", SecretString="x", ReplicaRegions=[{"Region": "eu-west-1"}]), "Policy": policy}
    assert create(client, made)["StackStatus"] == "CREATE_COMPLETE"
    assert json.loads(secrets.get_resource_policy(SecretId="named")["ResourcePolicy"])["Statement"] == [statement]
    kumoi.region = "eu-west-1"
    assert kumoi.client("secretsmanager").get_secret_value(SecretId="named")["SecretString"] == "x"
    del made["Policy"]
    assert update(client, made)["StackStatus"] == "UPDATE_COMPLETE"
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId="named")
    client.delete_stack(StackName="s")
    while secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        continue


ROTATOR = """
import boto3

def handler(event, context):
    secrets = boto3.client("secretsmanager")
    secret, token = event["SecretId"], event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        secrets.put_secret_value(
            SecretId=secret, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"]
        )
    if event["Step"] == "finishSecret":
        old = secrets.get_secret_value(SecretId=secret)["VersionId"]
        secrets.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=old
        )
"""


def test_a_rotation_schedule(kumoi: Any, client: Any, secrets: Any, zipped: Callable[[dict[str, str]], bytes]) -> None:
    function = kumoi.client("lambda").create_function(
        FunctionName="rotator",
        Runtime=f"python3.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/rotator",
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": zipped({"app.py": ROTATOR})},
    )["FunctionArn"]
    schedule = {
        "Type": "AWS::SecretsManager::RotationSchedule",
        "Properties": {
            "SecretId": {"Ref": "S"},
            "RotationLambdaARN": function,
            "RotationRules": {"AutomaticallyAfterDays": "30"},
        },
    }
    made = {"S": secret(Name="s", SecretString="old"), "Schedule": schedule}
    assert create(client, made)["StackStatus"] == "CREATE_COMPLETE"
    deadline = time.monotonic() + 60
    while secrets.get_secret_value(SecretId="s")["SecretString"] != "new":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert secrets.describe_secret(SecretId="s")["RotationRules"] == {"AutomaticallyAfterDays": 30}
    del made["Schedule"]
    update(client, made)
    assert secrets.describe_secret(SecretId="s")["RotationEnabled"] is False


def test_hosted_rotation_functions_are_refused(client: Any) -> None:
    hosted = {"SecretId": {"Ref": "S"}, "HostedRotationLambda": {"RotationType": "PostgreSQLSingleUser"}}
    made = {
        "S": secret(SecretString="x"),
        "Schedule": {"Type": "AWS::SecretsManager::RotationSchedule", "Properties": hosted},
    }
    assert create(client, made)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = client.describe_stack_events(StackName="s")["StackEvents"]
    assert any("hosted rotation functions" in one.get("ResourceStatusReason", "") for one in events)
