"""Which permissions calls need: the action and the resource of operations, as AWS's service authorization reference."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.doorway import Call, Principal, Registry
from kumoi.wire.http import Request

ACCOUNT, REGION = "111111111111", "eu-west-1"
REGISTRY = Registry.discover("kumoi.services")
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Music"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:resize"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:news"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/app"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack"
IAM = f"arn:aws:iam::{ACCOUNT}"


def asks(service: str, operation: str, params: dict[str, Any]) -> list[str]:
    doorway: Any = None
    call = Call(doorway, service, operation, params, Principal.root(ACCOUNT), ACCOUNT, REGION)
    return [f"{ask.action} {ask.resource}" for ask in REGISTRY[service].authorization.asks(call)]


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        ("s3", "ListBuckets", {}, ["s3:ListAllMyBuckets *"]),
        ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "x/"}, ["s3:ListBucket arn:aws:s3:::b"]),
        ("s3", "HeadBucket", {"Bucket": "b"}, ["s3:ListBucket arn:aws:s3:::b"]),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k/1"}, ["s3:GetObject arn:aws:s3:::b/k/1"]),
        ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, ["s3:GetObject arn:aws:s3:::b/k"]),
        (
            "s3",
            "GetObject",
            {"Bucket": "b", "Key": "k", "VersionId": "v"},
            ["s3:GetObjectVersion arn:aws:s3:::b/k"],
        ),
        (
            "s3",
            "DeleteObject",
            {"Bucket": "b", "Key": "k", "VersionId": "v", "BypassGovernanceRetention": True},
            ["s3:DeleteObjectVersion arn:aws:s3:::b/k", "s3:BypassGovernanceRetention arn:aws:s3:::b/k"],
        ),
        (
            "s3",
            "PutObjectRetention",
            {"Bucket": "b", "Key": "k", "BypassGovernanceRetention": True},
            ["s3:PutObjectRetention arn:aws:s3:::b/k", "s3:BypassGovernanceRetention arn:aws:s3:::b/k"],
        ),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": "a/j", "GrantRead": "id=1"},
            ["s3:GetObject arn:aws:s3:::a/j", "s3:PutObject arn:aws:s3:::b/k", "s3:PutObjectAcl arn:aws:s3:::b/k"],
        ),
        (
            "lambda",
            "UpdateEventSourceMapping",
            {"UUID": "u", "FunctionName": "resize"},
            [f"lambda:UpdateEventSourceMapping arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:u"],
        ),
        (
            "s3",
            "PutObject",
            {"Bucket": "b", "Key": "k", "Tagging": "a=1", "ACL": "private"},
            [
                "s3:PutObject arn:aws:s3:::b/k",
                "s3:PutObjectAcl arn:aws:s3:::b/k",
                "s3:PutObjectTagging arn:aws:s3:::b/k",
            ],
        ),
        ("s3", "UploadPart", {"Bucket": "b", "Key": "k"}, ["s3:PutObject arn:aws:s3:::b/k"]),
        ("s3", "ListParts", {"Bucket": "b", "Key": "k"}, ["s3:ListMultipartUploadParts arn:aws:s3:::b/k"]),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": "a/x%20y?versionId=v"},
            ["s3:GetObjectVersion arn:aws:s3:::a/x y", "s3:PutObject arn:aws:s3:::b/k"],
        ),
        (
            "s3",
            "DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "1"}, {"Key": "2", "VersionId": "v"}]}},
            [],
        ),
        ("s3", "DeleteBucketCors", {"Bucket": "b"}, ["s3:PutBucketCORS arn:aws:s3:::b"]),
        ("s3", "GetBucketEncryption", {"Bucket": "b"}, ["s3:GetEncryptionConfiguration arn:aws:s3:::b"]),
        ("s3", "PutBucketLifecycleConfiguration", {"Bucket": "b"}, ["s3:PutLifecycleConfiguration arn:aws:s3:::b"]),
        ("sqs", "ListQueues", {}, ["sqs:ListQueues *"]),
        ("sqs", "CreateQueue", {"QueueName": "jobs"}, [f"sqs:CreateQueue {QUEUE}"]),
        ("sqs", "SendMessage", {"QueueUrl": f"http://x:1/{ACCOUNT}/jobs"}, [f"sqs:SendMessage {QUEUE}"]),
        ("sqs", "SendMessageBatch", {"QueueUrl": QUEUE}, [f"sqs:SendMessage {QUEUE}"]),
        (
            "sqs",
            "ReceiveMessage",
            {"QueueUrl": "http://x/222222222222/jobs"},
            [f"sqs:ReceiveMessage arn:aws:sqs:{REGION}:222222222222:jobs"],
        ),
        ("sns", "CreateTopic", {"Name": "news"}, [f"sns:CreateTopic {TOPIC}"]),
        ("sns", "PublishBatch", {"TopicArn": TOPIC}, [f"sns:Publish {TOPIC}"]),
        ("sns", "Publish", {"PhoneNumber": "+49"}, ["sns:Publish *"]),
        ("sns", "Unsubscribe", {"SubscriptionArn": f"{TOPIC}:1-2"}, [f"sns:Unsubscribe {TOPIC}"]),
        ("dynamodb", "GetItem", {"TableName": "Music"}, [f"dynamodb:GetItem {TABLE}"]),
        ("dynamodb", "GetItem", {"TableName": TABLE}, [f"dynamodb:GetItem {TABLE}"]),
        ("dynamodb", "Query", {"TableName": "Music", "IndexName": "by"}, [f"dynamodb:Query {TABLE}/index/by"]),
        ("dynamodb", "ListTables", {}, ["dynamodb:ListTables *"]),
        (
            "dynamodb",
            "BatchWriteItem",
            {"RequestItems": {"Music": [], "B": []}},
            [f"dynamodb:BatchWriteItem {TABLE}", f"dynamodb:BatchWriteItem {TABLE.replace('Music', 'B')}"],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "Music"}}, {"ConditionCheck": {"TableName": "Music"}}]},
            [f"dynamodb:ConditionCheckItem {TABLE}", f"dynamodb:PutItem {TABLE}"],
        ),
        (
            "dynamodb",
            "ExecuteStatement",
            {"Statement": 'SELECT * FROM "Music"."by" WHERE a = 1'},
            [f"dynamodb:PartiQLSelect {TABLE}/index/by"],
        ),
        (
            "dynamodb",
            "ExecuteTransaction",
            {"TransactStatements": [{"Statement": "DELETE FROM Music WHERE a=1"}, {"Statement": "nonsense"}]},
            [f"dynamodb:PartiQLDelete {TABLE}"],
        ),
        (
            "dynamodbstreams",
            "DescribeStream",
            {"StreamArn": f"{TABLE}/stream/1"},
            [f"dynamodb:DescribeStream {TABLE}/stream/1"],
        ),
        ("lambda", "Invoke", {"FunctionName": "resize"}, [f"lambda:InvokeFunction {FUNCTION}"]),
        (
            "lambda",
            "InvokeWithResponseStream",
            {"FunctionName": FUNCTION, "Qualifier": "live"},
            [f"lambda:InvokeFunction {FUNCTION}:live"],
        ),
        ("lambda", "ListFunctions", {}, ["lambda:ListFunctions *"]),
        (
            "lambda",
            "CreateFunction",
            {"FunctionName": "resize", "Role": ROLE},
            [f"lambda:CreateFunction {FUNCTION}", f"iam:PassRole {ROLE}"],
        ),
        (
            "lambda",
            "GetLayerVersion",
            {"LayerName": "tools", "VersionNumber": 3},
            [f"lambda:GetLayerVersion arn:aws:lambda:{REGION}:{ACCOUNT}:layer:tools:3"],
        ),
        (
            "lambda",
            "DeleteEventSourceMapping",
            {"UUID": "u"},
            [f"lambda:DeleteEventSourceMapping arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:u"],
        ),
        (
            "events",
            "PutEvents",
            {"Entries": [{}, {"EventBusName": "b"}, {}]},
            [f"events:PutEvents {BUS}/default", f"events:PutEvents {BUS}/b"],
        ),
        (
            "events",
            "PutTargets",
            {"Rule": "r", "EventBusName": "b", "Targets": [{"RoleArn": ROLE}, {"RoleArn": ROLE}]},
            [f"events:PutTargets arn:aws:events:{REGION}:{ACCOUNT}:rule/b/r", f"iam:PassRole {ROLE}"],
        ),
        ("events", "DescribeEventBus", {}, [f"events:DescribeEventBus {BUS}/default"]),
        (
            "events",
            "DeleteArchive",
            {"ArchiveName": "a"},
            [f"events:DeleteArchive arn:aws:events:{REGION}:{ACCOUNT}:archive/a"],
        ),
        (
            "scheduler",
            "CreateSchedule",
            {"Name": "n", "Target": {"RoleArn": ROLE}},
            [
                f"scheduler:CreateSchedule arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/n",
                f"iam:PassRole {ROLE}",
            ],
        ),
        ("kinesis", "PutRecord", {"StreamName": "clicks"}, [f"kinesis:PutRecord {STREAM}"]),
        (
            "kinesis",
            "SubscribeToShard",
            {"ConsumerARN": f"{STREAM}/consumer/c:1"},
            [f"kinesis:SubscribeToShard {STREAM}/consumer/c:1"],
        ),
        ("logs", "CreateLogGroup", {"logGroupName": "/app"}, [f"logs:CreateLogGroup {GROUP}:*"]),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/app", "logStreamName": "s"},
            [f"logs:PutLogEvents {GROUP}:log-stream:s"],
        ),
        ("logs", "FilterLogEvents", {"logGroupIdentifier": f"{GROUP}:*"}, [f"logs:FilterLogEvents {GROUP}:*"]),
        (
            "ssm",
            "GetParameters",
            {"Names": ["/a/b", "c:2"]},
            [f"ssm:GetParameters {PARAMETER}/a/b", f"ssm:GetParameters {PARAMETER}/c"],
        ),
        ("ssm", "GetParametersByPath", {"Path": "/a/"}, [f"ssm:GetParametersByPath {PARAMETER}/a"]),
        ("secretsmanager", "GetSecretValue", {"SecretId": "db"}, [f"secretsmanager:GetSecretValue {SECRET}:db-??????"]),
        ("cloudformation", "DescribeStacks", {"StackName": "s"}, [f"cloudformation:DescribeStacks {STACK}/s/*"]),
        ("cloudformation", "ListStacks", {}, ["cloudformation:ListStacks *"]),
        ("iam", "CreateRole", {"RoleName": "app", "Path": "/x/"}, [f"iam:CreateRole {IAM}:role/x/app"]),
        (
            "iam",
            "AttachRolePolicy",
            {"RoleName": "app", "PolicyArn": "arn:aws:iam::aws:policy/P"},
            [f"iam:AttachRolePolicy {ROLE}"],
        ),
        ("iam", "GetUser", {}, [f"iam:GetUser {IAM}:root"]),
        ("iam", "GetPolicy", {"PolicyArn": f"{IAM}:policy/p"}, [f"iam:GetPolicy {IAM}:policy/p"]),
        ("iam", "ListRoles", {}, ["iam:ListRoles *"]),
        ("sts", "GetCallerIdentity", {}, []),
        ("sts", "AssumeRole", {"RoleArn": ROLE}, [f"sts:AssumeRole {ROLE}"]),
        ("stepfunctions", "StartExecution", {"stateMachineArn": "arn:m"}, ["states:StartExecution arn:m"]),
        (
            "stepfunctions",
            "CreateStateMachine",
            {"name": "m", "roleArn": ROLE},
            [f"states:CreateStateMachine arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m", f"iam:PassRole {ROLE}"],
        ),
        (
            "codedeploy",
            "CreateDeploymentGroup",
            {"applicationName": "a", "deploymentGroupName": "g", "serviceRoleArn": ROLE},
            [
                f"codedeploy:CreateDeploymentGroup arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:a/g",
                f"iam:PassRole {ROLE}",
            ],
        ),
        (
            "sns",
            "SetTopicAttributes",
            {"TopicArn": "arn:t", "AttributeName": "SQSFailureFeedbackRoleArn", "AttributeValue": ROLE},
            ["sns:SetTopicAttributes arn:t", f"iam:PassRole {ROLE}"],
        ),
        (
            "sns",
            "Subscribe",
            {"TopicArn": "arn:t", "Protocol": "firehose", "Attributes": {"SubscriptionRoleArn": ROLE, "RawMessage": 1}},
            ["sns:Subscribe arn:t", f"iam:PassRole {ROLE}"],
        ),
        (
            "cognito-identity",
            "SetIdentityPoolRoles",
            {"IdentityPoolId": "r:1", "Roles": {"authenticated": ROLE, "unauthenticated": ROLE}},
            [
                f"cognito-identity:SetIdentityPoolRoles arn:aws:cognito-identity:{REGION}:{ACCOUNT}:identitypool/r:1",
                f"iam:PassRole {ROLE}",
            ],
        ),
        (
            "pipes",
            "CreatePipe",
            {"Name": "p", "RoleArn": ROLE},
            [f"pipes:CreatePipe arn:aws:pipes:{REGION}:{ACCOUNT}:pipe/p", f"iam:PassRole {ROLE}"],
        ),
        (
            "iotanalytics",
            "BatchPutMessage",
            {"channelName": "c"},
            [f"iotanalytics:BatchPutMessage arn:aws:iotanalytics:{REGION}:{ACCOUNT}:channel/c"],
        ),
        (
            "cloudfront",
            "CreateInvalidation",
            {"DistributionId": "E1"},
            [f"cloudfront:CreateInvalidation arn:aws:cloudfront::{ACCOUNT}:distribution/E1"],
        ),
        ("cloudfront-keyvaluestore", "GetKey", {"KvsARN": "arn:k"}, ["cloudfront-keyvaluestore:GetKey arn:k"]),
        ("ecr", "DescribeRepositories", {}, ["ecr:DescribeRepositories *"]),
        (
            "rds-data",
            "ExecuteStatement",
            {"resourceArn": "arn:c", "secretArn": "arn:s"},
            ["rds-data:ExecuteStatement arn:c", "secretsmanager:GetSecretValue arn:s"],
        ),
        ("iot", "DeleteThing", {"thingName": "t"}, [f"iot:DeleteThing arn:aws:iot:{REGION}:{ACCOUNT}:thing/t"]),
        ("iot", "ListThings", {"thingTypeName": "t"}, ["iot:ListThings *"]),
        (
            "iot",
            "CreateTopicRule",
            {"ruleName": "r", "topicRulePayload": {"actions": [{"sqs": {"roleArn": ROLE}}], "errorAction": {}}},
            [f"iot:CreateTopicRule arn:aws:iot:{REGION}:{ACCOUNT}:rule/r", f"iam:PassRole {ROLE}"],
        ),
        ("iot-data", "Publish", {"topic": "a/b"}, [f"iot:Publish arn:aws:iot:{REGION}:{ACCOUNT}:topic/a/b"]),
        (
            "iot-data",
            "GetThingShadow",
            {"thingName": "t", "shadowName": "s"},
            [f"iot:GetThingShadow arn:aws:iot:{REGION}:{ACCOUNT}:thing/t/s"],
        ),
        (
            "iotanalytics",
            "CreateDataset",
            {
                "datasetName": "d",
                "actions": [{"containerAction": {"executionRoleArn": ROLE}}],
                "contentDeliveryRules": [{"destination": {"s3DestinationConfiguration": {"roleArn": f"{ROLE}2"}}}],
            },
            [
                f"iotanalytics:CreateDataset arn:aws:iotanalytics:{REGION}:{ACCOUNT}:dataset/d",
                f"iam:PassRole {ROLE}",
                f"iam:PassRole {ROLE}2",
            ],
        ),
        (
            "apigateway",
            "UpdateIntegration",
            {"patchOperations": [{"op": "replace", "path": "/credentials", "value": ROLE}, {"path": "/uri"}]},
            [f"apigateway:PATCH arn:aws:apigateway:{REGION}::*", f"iam:PassRole {ROLE}"],
        ),
        ("apigatewayv2", "GetApis", {}, [f"apigateway:GET arn:aws:apigateway:{REGION}::*"]),
    ],
)
def test_what_calls_need(service: str, operation: str, params: dict[str, Any], expected: list[str]) -> None:
    assert asks(service, operation, params) == expected


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ("/v2/apis/a1", "/apis/a1"),
        ("/v2/apis/a1/", "/apis/a1"),
        ("/restapis/%611", "/restapis/a1"),
        ("/v2/tags/arn%3Aaws:x%2Fy", "/tags/arn%3Aaws%3Ax%2Fy"),
    ],
)
def test_an_api_is_the_same_however_its_path_is_written(sent: str, asked: str) -> None:
    doorway: Any = None
    call = Call(doorway, "apigatewayv2", "GetApi", {}, Principal.root(ACCOUNT), ACCOUNT, REGION)
    call.http = Request("GET", sent)
    (ask,) = REGISTRY["apigatewayv2"].authorization.asks(call)
    assert ask.resource == f"arn:aws:apigateway:{REGION}::{asked}"


JUNK: list[dict[str, Any]] = [
    {},
    {
        "Bucket": 1,
        "Key": None,
        "QueueUrl": 3,
        "TableName": {},
        "FunctionName": [],
        "Name": 5,
        "Names": "x",
        "SecretId": 1,
    },
    {
        "Entries": "x",
        "RequestItems": [],
        "TransactItems": ["x", {"Put": 1}],
        "Statements": [1],
        "Delete": [],
        "Target": 1,
    },
    {"CopySource": "%", "FunctionName": "arn:aws:lambda", "StreamARN": "", "ShardIterator": "x", "LayerName": "!"},
    {"RoleArn": "x", "Role": 5, "Targets": [1], "ResourceARN": None, "Tagging": "=&=", "SubscriptionArn": "arn"},
]


def test_garbage_is_asked_about_without_failing() -> None:
    """Whatever comes, something is asked: the operation itself refuses what it cannot read."""
    doorway: Any = None
    live = {"apigatewaymanagementapi"}  # its resources are open connections
    for service in (one for one in REGISTRY if one.name not in live):
        facts = service.authorization
        for operation in service.operations:
            for params in JUNK:
                call = Call(doorway, service.name, operation, params, Principal.root(ACCOUNT), ACCOUNT, REGION)
                for ask in facts.asks(call):
                    assert (
                        ask.action.startswith(f"{facts.prefix}:") or ask.action == "iam:PassRole" or ":" in ask.action
                    )
                if facts.context is not None:
                    facts.context(call)
