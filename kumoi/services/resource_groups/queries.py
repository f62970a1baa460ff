"""Resource queries: which tags and types they ask for; pure.

Source: "ResourceQuery" of the API reference, "Resource types you can use with AWS Resource Groups and Tag Editor".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.doorway.tagged import is_of_type
from kumoi.services.resource_groups.store import bad

BY_TAGS, BY_STACK = "TAG_FILTERS_1_0", "CLOUDFORMATION_STACK_1_0"
_ALL = "AWS::AllSupported"
_STACK_ID = "aws:cloudformation:stack-id"

TYPES: Mapping[str, str] = {
    "AWS::ApiGateway::RestApi": "apigateway:restapis",
    "AWS::ApiGatewayV2::Api": "apigateway:apis",
    "AWS::AppSync::GraphQLApi": "appsync:apis",
    "AWS::ApplicationAutoScaling::ScalableTarget": "application-autoscaling:scalable-target",
    "AWS::Athena::WorkGroup": "athena:workgroup",
    "AWS::CloudFormation::Stack": "cloudformation:stack",
    "AWS::CloudFront::Distribution": "cloudfront:distribution",
    "AWS::CloudWatch::Alarm": "cloudwatch:alarm",
    "AWS::Cognito::IdentityPool": "cognito-identity:identitypool",
    "AWS::Cognito::UserPool": "cognito-idp:userpool",
    "AWS::DynamoDB::Table": "dynamodb:table",
    "AWS::ECR::Repository": "ecr:repository",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "elasticloadbalancing:loadbalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "elasticloadbalancing:targetgroup",
    "AWS::Events::EventBus": "events:event-bus",
    "AWS::Events::Rule": "events:rule",
    "AWS::KMS::Key": "kms:key",
    "AWS::Kinesis::Stream": "kinesis:stream",
    "AWS::Lambda::Function": "lambda:function",
    "AWS::Logs::LogGroup": "logs:log-group",
    "AWS::RDS::DBCluster": "rds:cluster",
    "AWS::RDS::DBInstance": "rds:db",
    "AWS::ResourceGroups::Group": "resource-groups:group",
    "AWS::S3::Bucket": "s3:bucket",
    "AWS::SNS::Topic": "sns:topic",
    "AWS::SQS::Queue": "sqs:queue",
    "AWS::SSM::Parameter": "ssm:parameter",
    "AWS::Scheduler::ScheduleGroup": "scheduler:schedule-group",
    "AWS::SecretsManager::Secret": "secretsmanager:secret",
    "AWS::StepFunctions::Activity": "states:activity",
    "AWS::StepFunctions::StateMachine": "states:stateMachine",
}
"""What types are called in queries, and in ARNs."""


class Asked(NamedTuple):
    """What a query asks of the tagging API: filters of tags, and types as they stand in ARNs (none: all)."""

    tags: list[dict[str, Any]]
    types: list[str]


def parse(kind: str, text: str) -> Asked:
    """Read a query; BadRequestException."""
    try:
        query = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise bad(f"Query not valid: not JSON: {text[:100]}") from None
    if not isinstance(query, dict):
        raise bad("Query not valid: not an object")
    types = _types(query.get("ResourceTypeFilters") or [_ALL])
    if kind == BY_STACK:
        stack = query.get("StackIdentifier")
        if not isinstance(stack, str) or ":stack/" not in stack:
            raise bad("Query not valid: StackIdentifier must be the ARN of a stack")
        return Asked([{"Key": _STACK_ID, "Values": [stack]}], types)
    if kind != BY_TAGS:
        raise bad(f"Query not valid: its type {kind} is neither {BY_TAGS} nor {BY_STACK}")
    return Asked(_tags(query.get("TagFilters")), types)


def _types(stated: Any) -> list[str]:
    if not isinstance(stated, list) or not all(isinstance(one, str) for one in stated):
        raise bad("Query not valid: ResourceTypeFilters must be a list of types")
    if _ALL in stated:
        return []
    unknown = [one for one in stated if one not in TYPES]
    if unknown:
        raise bad(f"Query not valid: the resource type {unknown[0]} is not supported")
    return [TYPES[one] for one in stated]


def _tags(stated: Any) -> list[dict[str, Any]]:
    if not isinstance(stated, list) or not stated:
        raise bad("Query not valid: TagFilters must be a list of filters")
    found = []
    for one in stated:
        key, values = (one.get("Key"), one.get("Values", [])) if isinstance(one, dict) else (None, [])
        if not isinstance(key, str) or not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise bad("Query not valid: a filter of TagFilters has a Key and a list of Values")
        found.append({"Key": key, "Values": values})
    return found


def type_of(arn: str) -> str:
    """What the type of a resource is called in queries; empty where queries know none of it."""
    return next((name for name, kind in TYPES.items() if is_of_type(arn, kind)), "")
