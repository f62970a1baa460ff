"""Applications: which stack a node belongs to, and what the template calls it."""

from __future__ import annotations

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
    "AWS::Scheduler::Schedule": "scheduler",
    "AWS::Pipes::Pipe": "pipes",
    "AWS::CloudFront::Distribution": "cloudfront",
    "AWS::AppSync::GraphQLApi": "appsync",
    "AWS::IoT::TopicRule": "iot",
    "AWS::Cognito::UserPool": "cognito-idp",
    "AWS::RDS::DBCluster": "rds",
    "AWS::SecretsManager::Secret": "secretsmanager",
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


def _node(service: str, physical: str) -> str:
    if service in ("events", "ssm") and not physical.startswith("arn:"):
        return f"{service}:{physical.rpartition('|')[2] or physical}"
    return node_of(physical) or f"{service}:{physical.rpartition('/')[2].rpartition(':')[2]}"
