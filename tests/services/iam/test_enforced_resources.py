"""`--auth enforce`: who may use which resource, by its own policy and by what policies say of it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT, OTHER, REGION = "311111111111", "322222222222", "us-east-1"
Helper = Callable[..., Any]
Connect = Callable[..., Any]


def test_buckets_are_read_by_everybody_only_where_their_policy_says_so(
    connect: Connect, enforcing: str, document: Helper
) -> None:
    s3 = connect("s3")
    s3.create_bucket(Bucket="window")
    s3.put_object(Bucket="window", Key="a", Body=b"seen")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{enforcing}/window/a")
    assert refused.value.code == 403
    assert b"<Code>AccessDenied</Code><Message>Access Denied</Message>" in refused.value.read()
    s3.delete_public_access_block(Bucket="window")
    policy = document("s3:GetObject", "arn:aws:s3:::window/*", Principal="*")
    s3.put_bucket_policy(Bucket="window", Policy=policy)
    with urllib.request.urlopen(f"{enforcing}/window/a") as answer:
        assert answer.read() == b"seen"


def test_a_secret_is_known_by_its_arn(connect: Connect, document: Helper, new_user: Helper, refusal: Helper) -> None:
    secrets = connect("secretsmanager")
    arn = secrets.create_secret(Name="db", SecretString="s3cret")["ARN"]
    key = new_user(connect, "db-user", document("secretsmanager:GetSecretValue", arn))
    assert connect("secretsmanager", key).get_secret_value(SecretId="db")["SecretString"] == "s3cret"
    stranger = connect("secretsmanager", account=OTHER)
    refusal(stranger.get_secret_value, SecretId=arn)
    policy = document("secretsmanager:GetSecretValue", Principal={"AWS": OTHER})
    secrets.put_resource_policy(SecretId="db", ResourcePolicy=policy)
    assert stranger.get_secret_value(SecretId=arn)["SecretString"] == "s3cret"


def test_networks_are_changed_by_who_may_by_their_arns_and_tags(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    ec2 = connect("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ours, theirs = (
        ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"] for name in ("a", "b")
    )
    ec2.create_tags(Resources=[ours], Tags=[{"Key": "team", "Value": "a"}])
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    key = new_user(
        connect,
        "networker",
        document(
            "ec2:DeleteSecurityGroup",
            f"{arn}:security-group/*",
            Condition={"StringEquals": {"aws:ResourceTag/team": "a"}},
        ),
    )
    mine = connect("ec2", key)
    code, message = refusal(mine.delete_security_group, GroupId=theirs)
    assert code == "UnauthorizedOperation"
    assert f"perform: ec2:DeleteSecurityGroup on resource: {arn}:security-group/{theirs}" in message
    assert refusal(mine.describe_vpcs)[0] == "UnauthorizedOperation"
    assert refusal(mine.describe_vpcs, DryRun=True)[0] == "UnauthorizedOperation"
    mine.delete_security_group(GroupId=ours)


def test_passing_a_role_is_a_permission(connect: Connect, document: Helper, new_user: Helper, refusal: Helper) -> None:
    key = new_user(connect, "deployer", document("events:*"))
    events = connect("events", key)
    events.put_rule(Name="r", ScheduleExpression="rate(1 day)")
    role = f"arn:aws:iam::{ACCOUNT}:role/target"
    _, message = refusal(events.put_rule, Name="r2", ScheduleExpression="rate(1 day)", RoleArn=role)
    assert f"is not authorized to perform: iam:PassRole on resource: {role}" in message


def test_a_role_is_what_policies_were_asked_about_whatever_path_is_written(
    connect: Connect, trust: Helper, new_user: Helper, refusal: Helper
) -> None:
    iam = connect("iam")
    for name, path in (("chief", "/"), ("helper", "/team/")):
        iam.create_role(
            RoleName=name, Path=path, AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
        )
    team = f"arn:aws:iam::{ACCOUNT}:role/team"
    allowed = [
        {"Effect": "Allow", "Action": ["sts:AssumeRole", "iam:PassRole"], "Resource": f"{team}/*"},
        {"Effect": "Allow", "Action": "states:*", "Resource": "*"},
    ]
    key = new_user(connect, "member", json.dumps({"Version": "2012-10-17", "Statement": allowed}))
    sts, machines = connect("sts", key), connect("stepfunctions", key)
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    sts.assume_role(RoleArn=f"{team}/helper", RoleSessionName="me")
    machines.create_state_machine(name="helped", definition=definition, roleArn=f"{team}/helper")
    code, message = refusal(sts.assume_role, RoleArn=f"{team}/chief", RoleSessionName="me")
    assert (code, "sts:AssumeRole" in message) == ("AccessDenied", True)
    for role in (f"{team}/chief", f"arn:aws:iam::{OTHER}:role/team/chief"):
        _, message = refusal(machines.create_state_machine, name="forged", definition=definition, roleArn=role)
        assert f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/chief because" in message


def test_items_of_a_table_are_divided_by_their_leading_keys(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    root = connect("dynamodb")
    root.create_table(
        TableName="Scores",
        KeySchema=[{"AttributeName": "who", "KeyType": "HASH"}, {"AttributeName": "game", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("who", "game")],
        BillingMode="PAY_PER_REQUEST",
    )
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    policy = document("dynamodb:*", "arn:aws:dynamodb:*:*:table/Scores", Condition=condition)
    mine = connect("dynamodb", new_user(connect, "gus", policy))

    def key(who: str) -> dict[str, Any]:
        return {"who": {"S": who}, "game": {"S": "go"}}

    def query(who: str) -> dict[str, Any]:
        values = {":w": {"S": who}}
        return {"TableName": "Scores", "KeyConditionExpression": "who = :w", "ExpressionAttributeValues": values}

    mine.put_item(TableName="Scores", Item=key("gus"))
    assert mine.query(**query("gus"))["Count"] == 1
    mine.batch_get_item(RequestItems={"Scores": {"Keys": [key("gus")]}})
    mine.transact_write_items(TransactItems=[{"Delete": {"TableName": "Scores", "Key": key("gus")}}])
    refusal(mine.put_item, TableName="Scores", Item=key("ann"))
    refusal(mine.query, **query("ann"))
    refusal(mine.batch_get_item, RequestItems={"Scores": {"Keys": [key("gus"), key("ann")]}})
    refusal(mine.transact_write_items, TransactItems=[{"Put": {"TableName": "Scores", "Item": key("ann")}}])
    refusal(mine.scan, TableName="Scores")


def test_another_account_uses_a_table_as_its_policy_says(connect: Connect, document: Helper, refusal: Helper) -> None:
    owner = connect("dynamodb")
    made = owner.create_table(
        TableName="shared",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    iam = connect("iam", account=OTHER)
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=document("dynamodb:*"))
    reader = connect("dynamodb", iam.create_access_key(UserName="reader")["AccessKey"])
    key = {"pk": {"S": "a"}}
    owner.put_item(TableName="shared", Item=key)
    code, said = refusal(reader.get_item, TableName=made, Key=key)
    assert (code, "no resource-based policy allows" in said) == ("AccessDeniedException", True)
    principal = {"AWS": f"arn:aws:iam::{OTHER}:user/reader"}
    reading = document(["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"], made, Principal=principal)
    owner.put_resource_policy(ResourceArn=made, Policy=reading)
    assert reader.get_item(TableName=made, Key=key)["Item"] == key
    assert reader.scan(TableName=made)["Items"] == [key]
    assert refusal(reader.put_item, TableName=made, Item=key)[0] == "AccessDeniedException"
    assert "Item" not in reader.get_item(TableName=made, Key={"pk": {"S": "b"}})
    with pytest.raises(ClientError, match="ResourceNotFound"):
        reader.get_item(TableName="shared", Key=key)
    denied = document("dynamodb:*", made, "Deny", Principal="*")
    owner.put_resource_policy(ResourceArn=made, Policy=denied)
    assert "explicit deny" in refusal(owner.get_item, TableName="shared", Key=key)[1]


def test_the_platform_is_ruled_by_who_has_its_token(enforcing: str, data: str) -> None:
    for method, path in (("POST", "reset"), ("GET", "snapshot"), ("GET", "hops"), ("POST", "clock")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{enforcing}/_kumoi/{path}", method=method))
        assert refused.value.code == 401
        refused.value.close()
    shown = subprocess.run(
        [sys.executable, "-m", "kumoi", "fault", "list", "--data", data], capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr


def test_there_are_no_live_views_for_those_who_cannot_sign(enforcing: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{enforcing}/_kumoi/iotanalytics-live?account={ACCOUNT}&sql=SELECT+1", timeout=60)
    assert error.value.code == 403
    error.value.close()
