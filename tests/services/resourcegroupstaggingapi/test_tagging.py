"""Resources of all services by their tags, with boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.doorway.tagged import is_of_type
from kumoi.services.resourcegroupstaggingapi.filters import has_tags


@pytest.fixture
def tagging(kumoi: Any) -> Any:
    return kumoi.client("resourcegroupstaggingapi")


TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
MACHINE = json.dumps({"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}})
KEYS = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


def make(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> dict[str, str]:
    """One resource of many services; their ARNs by type."""
    client, account = kumoi.client, kumoi.account
    role = f"arn:aws:iam::{account}:role/any"
    package = {"ZipFile": zipped({"app.py": "def handler(event, context):\n    return 1\n"})}
    function = client("lambda").create_function(
        FunctionName="f", Runtime="python3.12", Role=role, Handler="app.handler", Code=package
    )
    table = client("dynamodb").create_table(TableName="orders", BillingMode="PAY_PER_REQUEST", **KEYS)
    sqs, logs, events, ssm = client("sqs"), client("logs"), client("events"), client("ssm")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    client("s3").create_bucket(Bucket=f"b-{account}")
    logs.create_log_group(logGroupName="/g")
    ssm.put_parameter(Name="/a/b", Value="v", Type="String")
    machine = client("stepfunctions").create_state_machine(name="m", definition=MACHINE, roleArn=role)
    client("cloudwatch").put_metric_alarm(
        AlarmName="a",
        Namespace="N",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    client("kinesis").create_stream(StreamName="s", ShardCount=1)
    rest = client("apigateway").create_rest_api(name="r")["id"]
    http = client("apigatewayv2").create_api(Name="h", ProtocolType="HTTP")["ApiId"]
    pool = client("cognito-idp").create_user_pool(PoolName="p")["UserPool"]
    client("sesv2").create_email_identity(EmailIdentity="c.example")
    here = f"us-east-1:{account}"
    return {
        "lambda:function": function["FunctionArn"],
        "dynamodb:table": table["TableDescription"]["TableArn"],
        "sqs": sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"],
        "sns:topic": client("sns").create_topic(Name="t")["TopicArn"],
        "s3:bucket": f"arn:aws:s3:::b-{account}",
        "logs:log-group": f"arn:aws:logs:{here}:log-group:/g",
        "ssm:parameter": f"arn:aws:ssm:{here}:parameter/a/b",
        "kms:key": client("kms").create_key()["KeyMetadata"]["Arn"],
        "secretsmanager:secret": client("secretsmanager").create_secret(Name="s", SecretString="x")["ARN"],
        "states:stateMachine": machine["stateMachineArn"],
        "events:rule": events.put_rule(Name="r", ScheduleExpression="rate(1 day)")["RuleArn"],
        "cloudwatch:alarm": f"arn:aws:cloudwatch:{here}:alarm:a",
        "kinesis:stream": f"arn:aws:kinesis:{here}:stream/s",
        "apigateway:restapis": f"arn:aws:apigateway:us-east-1::/restapis/{rest}",
        "apigateway:apis": f"arn:aws:apigateway:us-east-1::/apis/{http}",
        "cognito-idp:userpool": pool["Arn"],
        "cognito-identity:identitypool": "arn:aws:cognito-identity:{}:identitypool/{}".format(
            here,
            client("cognito-identity").create_identity_pool(IdentityPoolName="i", AllowUnauthenticatedIdentities=True)[
                "IdentityPoolId"
            ],
        ),
        "scheduler:schedule-group": client("scheduler").create_schedule_group(Name="g")["ScheduleGroupArn"],
        "ecr:repository": client("ecr").create_repository(repositoryName="repo")["repository"]["repositoryArn"],
        "appsync:apis": client("appsync").create_graphql_api(name="g", authenticationType="API_KEY")["graphqlApi"][
            "arn"
        ],
        "acm:certificate": client("acm").request_certificate(DomainName="a.example")["CertificateArn"],
        "route53:hostedzone": "arn:aws:route53:::hostedzone/{}".format(
            client("route53")
            .create_hosted_zone(Name="b.example", CallerReference="b")["HostedZone"]["Id"]
            .split("/")[2]
        ),
        "route53:healthcheck": "arn:aws:route53:::healthcheck/{}".format(
            client("route53").create_health_check(
                CallerReference="h",
                HealthCheckConfig={"Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": []},
            )["HealthCheck"]["Id"]
        ),
        "firehose:deliverystream": client("firehose").create_delivery_stream(
            DeliveryStreamName="d",
            S3DestinationConfiguration={"RoleARN": role, "BucketARN": f"arn:aws:s3:::b-{account}"},
        )["DeliveryStreamARN"],
        "ses:identity": f"arn:aws:ses:{here}:identity/c.example",
        "ec2:vpc": "arn:aws:ec2:{}:vpc/{}".format(
            here, client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        ),
        "athena:workgroup": f"arn:aws:athena:{here}:workgroup/w"
        if client("athena").create_work_group(Name="w")
        else "",
    }


def test_resources_of_many_services(kumoi: Any, tagging: Any, zipped: Any) -> None:
    arns = make(kumoi, zipped)
    listed = sorted(arns.values())
    assert tagging.get_resources()["ResourceTagMappingList"] == []
    for first in range(0, len(listed), 20):
        given = {"ResourceARNList": listed[first : first + 20], "Tags": {"team": "a", "stage": "test"}}
        assert tagging.tag_resources(**given)["FailedResourcesMap"] == {}
    pages = tagging.get_paginator("get_resources").paginate(PaginationConfig={"PageSize": 4})
    found = [one for page in pages for one in page["ResourceTagMappingList"]]
    assert [one["ResourceARN"] for one in found] == listed
    assert all(one["Tags"] == [{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "a"}] for one in found)
    for kind, arn in arns.items():
        filtered = tagging.get_resources(ResourceTypeFilters=[kind])["ResourceTagMappingList"]
        assert [one["ResourceARN"] for one in filtered] == [arn]
    for first in range(0, len(listed), 20):
        given = {"ResourceARNList": listed[first : first + 20], "TagKeys": ["team", "stage"]}
        assert tagging.untag_resources(**given)["FailedResourcesMap"] == {}
    assert tagging.get_resources()["ResourceTagMappingList"] == []


def test_filters_keys_and_values(kumoi: Any, tagging: Any) -> None:
    sns = kumoi.client("sns")
    arns = [
        sns.create_topic(Name=f"t{number}", Tags=[{"Key": "team", "Value": team}, {"Key": f"k{number}", "Value": ""}])
        for number, team in enumerate("aab")
    ]
    topics = [one["TopicArn"] for one in arns]

    def named(*filters: dict[str, Any]) -> list[str]:
        found = tagging.get_resources(TagFilters=list(filters))["ResourceTagMappingList"]
        return [one["ResourceARN"] for one in found]

    assert named({"Key": "team"}) == topics
    assert named({"Key": "team", "Values": ["a", "c"]}) == topics[:2]
    assert named({"Key": "team", "Values": ["a"]}, {"Key": "k1"}) == topics[1:2]
    assert named({"Key": "none"}) == []
    found = tagging.get_resources(ResourceARNList=[topics[2]], IncludeComplianceDetails=False)
    assert [one["ResourceARN"] for one in found["ResourceTagMappingList"]] == [topics[2]]
    assert tagging.get_tag_keys()["TagKeys"] == ["k0", "k1", "k2", "team"]
    assert tagging.get_tag_values(Key="team")["TagValues"] == ["a", "b"]
    with pytest.raises(ClientError) as refused:
        tagging.get_resources(ResourceARNList=topics, TagFilters=[{"Key": "team"}])
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    with pytest.raises(ClientError):
        tagging.get_resources(ResourcesPerPage=101)
    with pytest.raises(ClientError):
        tagging.tag_resources(ResourceARNList=topics, Tags={"aws:x": "y"})
    gone = topics[0].replace(":t0", ":gone")
    failed = tagging.tag_resources(ResourceARNList=[gone, topics[0]], Tags={"x": "y"})["FailedResourcesMap"]
    assert failed.keys() == {gone}
    assert (failed[gone]["StatusCode"], failed[gone]["ErrorCode"]) == (400, "InvalidParameterException")


def test_what_a_stack_has_made(kumoi: Any, tagging: Any) -> None:
    stacks = kumoi.client("cloudformation")
    resources = {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {**KEYS, "BillingMode": "PAY_PER_REQUEST"}},
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Group": {"Type": "AWS::Logs::LogGroup"},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Bucket": {"Type": "AWS::S3::Bucket"},
    }
    stacks.create_stack(
        StackName="shop", TemplateBody=json.dumps({"Resources": resources}), Tags=[{"Key": "a", "Value": "b"}]
    )
    stacks.get_waiter("stack_create_complete").wait(StackName="shop", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    made = {one["Key"]: one["Values"] for one in [{"Key": "aws:cloudformation:stack-name", "Values": ["shop"]}]}
    found = tagging.get_resources(TagFilters=[{"Key": key, "Values": values} for key, values in made.items()])
    names = {
        next(tag["Value"] for tag in one["Tags"] if tag["Key"] == "aws:cloudformation:logical-id")
        for one in found["ResourceTagMappingList"]
    }
    assert names == resources.keys()
    stack = tagging.get_resources(ResourceTypeFilters=["cloudformation:stack"])["ResourceTagMappingList"]
    assert [one["Tags"] for one in stack] == [[{"Key": "a", "Value": "b"}]]


@pytest.mark.parametrize(
    ("arn", "kind", "matches"),
    [
        ("arn:aws:lambda:r:1:function:f", "lambda", True),
        ("arn:aws:lambda:r:1:function:f", "lambda:function", True),
        ("arn:aws:lambda:r:1:function:f", "lambda:func", False),
        ("arn:aws:lambda:r:1:function:f", "s3", False),
        ("arn:aws:s3:::b", "s3:bucket", True),
        ("arn:aws:sqs:r:1:queue", "sqs:message", False),
        ("arn:aws:apigateway:r::/restapis/x/stages/y", "apigateway:restapis", True),
        ("arn:aws:elasticloadbalancing:r:1:loadbalancer/app/n/1", "elasticloadbalancing:loadbalancer/app", True),
    ],
)
def test_types(arn: str, kind: str, matches: bool) -> None:
    assert is_of_type(arn, kind) is matches


def test_tags_pass_every_filter() -> None:
    assert has_tags({"a": "1"}, [])
    assert not has_tags({"a": "1"}, [{"Key": "a"}, {"Key": "b"}])
    assert has_tags({"a": "1", "b": "2"}, [{"Key": "a", "Values": ["1", "3"]}, {"Key": "b", "Values": []}])
