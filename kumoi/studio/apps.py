"""Applications: which one a node belongs to. Its stack's; else its tag's, `app`; else the one its name begins with.

A node of a stack is called what the template calls it. What else an application has, made by hand (a bucket for its
code, `orders-code`), is recognised by its name: an application's, and a sign behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kumoi.names import arn
from kumoi.studio.looking import Looker
from kumoi.studio.nodes import node_of
from kumoi.wire.errors import AwsError

_SERVICES = {
    "AWS::Lambda::Function": "lambda",
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::DynamoDB::GlobalTable": "dynamodb",
    "AWS::SQS::Queue": "sqs",
    "AWS::SNS::Topic": "sns",
    "AWS::S3::Bucket": "s3",
    "AWS::StepFunctions::StateMachine": "stepfunctions",
    "AWS::ApiGatewayV2::Api": "apigatewayv2",
    "AWS::ApiGateway::RestApi": "apigateway",
    "AWS::Events::EventBus": "events",
    "AWS::Events::Rule": "events",
    "AWS::Kinesis::Stream": "kinesis",
    "AWS::KinesisFirehose::DeliveryStream": "firehose",
    "AWS::Scheduler::Schedule": "scheduler",
    "AWS::Pipes::Pipe": "pipes",
    "AWS::CloudFront::Distribution": "cloudfront",
    "AWS::AppSync::GraphQLApi": "appsync",
    "AWS::IoT::TopicRule": "iot",
    "AWS::Cognito::UserPool": "cognito-idp",
    "AWS::RDS::DBCluster": "rds",
    "AWS::SecretsManager::Secret": "secretsmanager",
    "AWS::KMS::Key": "kms",
    "AWS::SSM::Parameter": "ssm",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "elbv2",
    "AWS::IoTAnalytics::Channel": "iotanalytics",
    "AWS::IoTAnalytics::Pipeline": "iotanalytics",
    "AWS::IoTAnalytics::Datastore": "iotanalytics",
    "AWS::IoTAnalytics::Dataset": "iotanalytics",
}
GONE = frozenset(("DELETE_COMPLETE",))


async def apps(looker: Looker) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Of each node: the application (the outermost stack) and its logical id; and what could not be read."""
    found: dict[str, tuple[str, str]] = {}
    problems: list[str] = []
    try:
        stacks = await looker.every("cloudformation", "DescribeStacks", "Stacks")
    except AwsError as error:
        return found, [f"stacks: {error}"]
    for stack in stacks:
        if stack["StackStatus"] in GONE:
            continue
        root = stack.get("RootId") or stack["StackId"]
        app = root.split("/")[1] if "/" in root else stack["StackName"]
        try:
            resources = await looker.every(
                "cloudformation", "ListStackResources", "StackResourceSummaries", StackName=stack["StackName"]
            )
        except AwsError as error:
            problems.append(f"stack {stack['StackName']}: {error}")
            continue
        for resource in resources:
            service = _SERVICES.get(resource["ResourceType"])
            physical = resource.get("PhysicalResourceId")
            if service is not None and physical:
                found[_node(service, physical)] = (app, resource["LogicalResourceId"])
    return found, problems


class Tags(NamedTuple):
    """How the tags of a kind of resource are read: the operation, what names the resource, where tags are."""

    operation: str
    parameter: str
    value: str
    member: str
    key: str = "Key"
    text: str = "Value"


_TAGS = {
    "lambda": Tags("ListTags", "Resource", "function:{}", "Tags"),
    "dynamodb": Tags("ListTagsOfResource", "ResourceArn", "table/{}", "Tags"),
    "sns": Tags("ListTagsForResource", "ResourceArn", "{}", "Tags"),
    "stepfunctions": Tags("ListTagsForResource", "resourceArn", "stateMachine:{}", "tags", "key", "value"),
    "firehose": Tags("ListTagsForDeliveryStream", "DeliveryStreamName", "", "Tags"),
    "kinesis": Tags("ListTagsForStream", "StreamName", "", "Tags"),
    "s3": Tags("GetBucketTagging", "Bucket", "", "TagSet"),
    "sqs": Tags("ListQueueTags", "QueueUrl", "", "Tags"),
}
"""By service; `value` is an ARN's resource, empty where the name itself is asked for."""

_ARNS = {"stepfunctions": "states"}


async def tagged(looker: Looker, nodes: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The applications of nodes that have a tag `app`, as `apps` tells them."""
    found = {}
    for node in nodes:
        service, _, name = node.partition(":")
        if (tags := _TAGS.get(service)) is None or not name:
            continue
        try:
            app = await _tag(looker, service, name, tags)
        except AwsError:  # no tags, as S3 says it, or gone meanwhile
            continue
        if app:
            found[node] = (app, "")
    return found


async def _tag(looker: Looker, service: str, name: str, tags: Tags) -> str:
    named = name
    if tags.value:
        named = arn(_ARNS.get(service, service), looker.region, looker.account, tags.value.format(name))
    elif service == "sqs":
        named = f"https://sqs.{looker.region}.amazonaws.com/{looker.account}/{name}"
    answer = await looker.ask(service, tags.operation, **{tags.parameter: named})
    held = answer.get(tags.member) or {}
    if not isinstance(held, Mapping):
        held = {one[tags.key]: one[tags.text] for one in held}
    return str(held.get("app", ""))


_EDGE = re.compile(r"[a-z]{2}(-[a-z]+)+-\d\.")
"""How names of edge functions begin where they run: with the region that they are from."""


def named_for(node: str, known: Iterable[str]) -> str:
    """The longest of the known applications' names that a node's name begins with, as a word; empty without one."""
    name = _EDGE.sub("", node.partition(":")[2], count=1)
    matching = [app for app in known if app and name.startswith(app) and not name[len(app) : len(app) + 1].isalnum()]
    return max(matching, key=len, default="")


def _node(service: str, physical: str) -> str:
    if service in ("events", "ssm") and not physical.startswith("arn:"):
        return f"{service}:{physical.rpartition('|')[2] or physical}"
    return node_of(physical) or f"{service}:{physical.rpartition('/')[2].rpartition(':')[2]}"
