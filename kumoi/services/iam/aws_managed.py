"""AWS's own managed policies that serverless templates name, each as what it allows.

Written down from what the AWS managed policy reference says each is for, as far as the services that a serverless
application meets go: a policy here may be narrower or wider than AWS's newest version in services Kumoi does not serve.
A line is `actions` or `actions @ resources`; several lines are several statements.
"""

from __future__ import annotations

from functools import lru_cache

import orjson

ARN = "arn:aws:iam::aws:policy/"

_LOGS = "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"
_NETWORK = (
    "ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:DeleteNetworkInterface"
    " ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses"
)
_STREAM = "{0}:DescribeStream {0}:GetRecords {0}:GetShardIterator {0}:ListStreams"
_TRACES = (
    "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets"
    " xray:GetSamplingStatisticSummaries"
)
_READ = "{0}:Get* {0}:List* {0}:Describe*"

_ALLOWS: dict[str, str] = {
    "AdministratorAccess": "*",
    "PowerUserAccess": (
        "!iam:* organizations:* account:*\n"
        "iam:CreateServiceLinkedRole iam:DeleteServiceLinkedRole iam:ListRoles organizations:DescribeOrganization"
    ),
    "ReadOnlyAccess": (
        "apigateway:GET appsync:Get* appsync:List* athena:Get* athena:List* athena:BatchGet* cloudformation:Describe*"
        " cloudformation:Get* cloudformation:List* cloudfront:Get* cloudfront:List* cloudwatch:Describe*"
        " cloudwatch:Get* cloudwatch:List* cognito-identity:Describe* cognito-identity:Get* cognito-identity:List*"
        " cognito-idp:Describe* cognito-idp:AdminGet* cognito-idp:List* dynamodb:BatchGet* dynamodb:Describe*"
        " dynamodb:Get* dynamodb:List* dynamodb:Query dynamodb:Scan ec2:Describe* ecr:BatchGet* ecr:Describe*"
        " ecr:Get* ecr:List* elasticloadbalancing:Describe* events:Describe* events:List* events:Test*"
        " firehose:Describe*"
        " firehose:List* iam:Get* iam:List* iam:Simulate* iot:Describe* iot:Get* iot:List* iotanalytics:Describe*"
        " iotanalytics:Get* iotanalytics:List* kinesis:Describe* kinesis:Get* kinesis:List* kms:Describe* kms:Get*"
        " kms:List* lambda:Get* lambda:List* logs:Describe* logs:Get* logs:List* logs:FilterLogEvents pipes:Describe*"
        " pipes:List* s3:Get* s3:List* scheduler:Get* scheduler:List* secretsmanager:Describe* secretsmanager:List*"
        " sns:Get* sns:List* sqs:Get* sqs:List* sqs:Receive* ssm:Describe* ssm:Get* ssm:List* states:Describe*"
        " states:Get* states:List* sts:GetCallerIdentity sts:GetAccessKeyInfo tag:Get* wafv2:Get* wafv2:List* xray:Get*"
        " xray:BatchGet*"
    ),
    "service-role/AWSLambdaBasicExecutionRole": _LOGS,
    "AWSLambdaExecute": f"{_LOGS} @ arn:aws:logs:*:*:*\ns3:GetObject s3:PutObject @ arn:aws:s3:::*",
    "service-role/AWSLambdaVPCAccessExecutionRole": f"{_LOGS} {_NETWORK}",
    "service-role/AWSLambdaENIManagementAccess": _NETWORK,
    "service-role/AWSLambdaDynamoDBExecutionRole": f"{_STREAM.format('dynamodb')} {_LOGS}",
    "AWSLambdaInvocation-DynamoDB": f"lambda:InvokeFunction\n{_STREAM.format('dynamodb')}",
    "service-role/AWSLambdaKinesisExecutionRole": (
        f"{_STREAM.format('kinesis')} kinesis:DescribeStreamSummary kinesis:ListShards kinesis:SubscribeToShard {_LOGS}"
    ),
    "service-role/AWSLambdaSQSQueueExecutionRole": (
        f"sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes {_LOGS}"
    ),
    "service-role/AWSLambdaMSKExecutionRole": (
        "kafka:DescribeCluster kafka:DescribeClusterV2 kafka:GetBootstrapBrokers ec2:CreateNetworkInterface"
        " ec2:DescribeNetworkInterfaces ec2:DescribeVpcs ec2:DeleteNetworkInterface ec2:DescribeSubnets"
        f" ec2:DescribeSecurityGroups {_LOGS}"
    ),
    "service-role/AWSLambdaRole": "lambda:InvokeFunction",
    "AWSLambdaRole": "lambda:InvokeFunction",
    "AWSLambda_FullAccess": (
        "cloudformation:DescribeStacks cloudformation:ListStackResources cloudwatch:ListMetrics"
        " cloudwatch:GetMetricData"
        " ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs kms:ListAliases iam:GetPolicy"
        " iam:GetPolicyVersion iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies"
        " iam:ListRoles lambda:* logs:DescribeLogGroups states:DescribeStateMachine states:ListStateMachines"
        " tag:GetResources xray:GetTraceSummaries xray:BatchGetTraces\n"
        "iam:PassRole\n"
        "logs:DescribeLogStreams logs:GetLogEvents logs:FilterLogEvents @ arn:aws:logs:*:*:log-group:/aws/lambda/*"
    ),
    "AWSLambda_ReadOnlyAccess": (
        "cloudformation:DescribeStacks cloudformation:ListStackResources cloudwatch:GetMetricData"
        " cloudwatch:ListMetrics lambda:Get* lambda:List* logs:DescribeLogGroups logs:DescribeLogStreams"
        " logs:GetLogEvents logs:FilterLogEvents states:DescribeStateMachine states:ListStateMachines"
        " tag:GetResources iam:GetPolicy iam:GetPolicyVersion iam:GetRole iam:ListRoles"
    ),
    "AWSLambdaFullAccess": "lambda:* s3:* dynamodb:* sns:* sqs:* events:* logs:* kinesis:* iam:PassRole",
    "AWSLambdaReplicator": "lambda:CreateFunction lambda:DeleteFunction lambda:DisableReplication iam:PassRole",
    "CloudWatchLambdaInsightsExecutionRolePolicy": (
        "logs:CreateLogGroup\n"
        "logs:CreateLogStream logs:PutLogEvents @ arn:aws:logs:*:*:log-group:/aws/lambda-insights:*"
    ),
    "CloudWatchLambdaApplicationSignalsExecutionRolePolicy": (
        f"xray:PutTraceSegments\n{_LOGS} @ arn:aws:logs:*:*:log-group:/aws/application-signals/data:*"
    ),
    "AWSXRayDaemonWriteAccess": _TRACES,
    "AWSXrayWriteOnlyAccess": _TRACES,
    "AWSXrayFullAccess": "xray:*",
    "AWSXrayReadOnlyAccess": "xray:Get* xray:BatchGet* xray:List*",
    "AmazonDynamoDBFullAccess": (
        "dynamodb:* dax:* cloudwatch:DescribeAlarms cloudwatch:PutMetricAlarm cloudwatch:GetMetricData"
        " application-autoscaling:* kinesis:ListStreams kinesis:DescribeStream lambda:CreateFunction"
        " lambda:ListFunctions lambda:ListEventSourceMappings iam:GetRole iam:ListRoles kms:DescribeKey"
        " kms:ListAliases sns:ListTopics tag:GetResources"
    ),
    "AmazonDynamoDBFullAccess_v2": "dynamodb:* application-autoscaling:* cloudwatch:GetMetricData kms:DescribeKey",
    "AmazonDynamoDBReadOnlyAccess": (
        "dynamodb:BatchGetItem dynamodb:Describe* dynamodb:List* dynamodb:GetItem dynamodb:GetRecords"
        " dynamodb:GetShardIterator dynamodb:GetResourcePolicy dynamodb:Query dynamodb:Scan dynamodb:PartiQLSelect"
    ),
    "AmazonS3FullAccess": "s3:* s3-object-lambda:*",
    "AmazonS3ReadOnlyAccess": "s3:Get* s3:List* s3:Describe* s3-object-lambda:Get* s3-object-lambda:List*",
    "service-role/AmazonS3ObjectLambdaExecutionRolePolicy": f"{_LOGS} s3-object-lambda:WriteGetObjectResponse",
    "AmazonSQSFullAccess": "sqs:*",
    "AmazonSQSReadOnlyAccess": (
        "sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ListDeadLetterSourceQueues sqs:ListQueues sqs:ListQueueTags"
        " sqs:ListMessageMoveTasks"
    ),
    "AmazonSNSFullAccess": "sns:*",
    "AmazonSNSReadOnlyAccess": (
        "sns:GetTopicAttributes sns:List* sns:GetSubscriptionAttributes sns:GetDataProtectionPolicy"
    ),
    "service-role/AmazonSNSRole": f"{_LOGS} logs:PutMetricFilter logs:PutRetentionPolicy",
    "AmazonKinesisFullAccess": "kinesis:*",
    "AmazonKinesisReadOnlyAccess": _READ.format("kinesis"),
    "AmazonKinesisFirehoseFullAccess": "firehose:*",
    "AmazonKinesisFirehoseReadOnlyAccess": "firehose:Describe* firehose:List*",
    "AmazonEventBridgeFullAccess": "events:* schemas:* scheduler:* pipes:* iam:PassRole",
    "AmazonEventBridgeReadOnlyAccess": (
        "events:Describe* events:List* events:TestEventPattern schemas:Describe* schemas:List* scheduler:Get*"
        " scheduler:List* pipes:Describe* pipes:List*"
    ),
    "CloudWatchEventsFullAccess": "events:* schemas:* scheduler:* pipes:* iam:PassRole",
    "service-role/CloudWatchEventsInvocationAccess": "kinesis:PutRecord",
    "service-role/CloudWatchEventsBuiltInTargetExecutionAccess": (
        "ec2:CreateSnapshot ec2:RebootInstances ec2:StopInstances ec2:TerminateInstances"
    ),
    "AmazonEventBridgeSchedulerFullAccess": "scheduler:*\niam:PassRole",
    "AmazonEventBridgeSchedulerReadOnlyAccess": "scheduler:Get* scheduler:List*",
    "AmazonEventBridgePipesFullAccess": "pipes:*\niam:PassRole",
    "AWSStepFunctionsFullAccess": "states:*",
    "AWSStepFunctionsConsoleFullAccess": "states:*\niam:ListRoles iam:PassRole\nlambda:ListFunctions",
    "AWSStepFunctionsReadOnlyAccess": "states:List* states:Describe* states:Get* states:ValidateStateMachineDefinition",
    "CloudWatchFullAccess": (
        "application-autoscaling:DescribeScalingPolicies cloudwatch:* logs:* sns:* iam:GetPolicy iam:GetPolicyVersion"
        " iam:GetRole oam:ListSinks"
    ),
    "CloudWatchFullAccessV2": (
        "application-autoscaling:DescribeScalingPolicies application-signals:* cloudwatch:* logs:* rum:* synthetics:*"
        " xray:* sns:CreateTopic sns:ListTopics sns:Subscribe iam:GetRole"
    ),
    "CloudWatchReadOnlyAccess": (
        "cloudwatch:BatchGet* cloudwatch:Describe* cloudwatch:Get* cloudwatch:List* logs:Get* logs:List*"
        " logs:Describe* logs:StartQuery logs:StopQuery logs:FilterLogEvents logs:TestMetricFilter sns:Get* sns:List*"
    ),
    "CloudWatchLogsFullAccess": "logs:* cloudwatch:GenerateQuery",
    "CloudWatchLogsReadOnlyAccess": (
        "logs:Describe* logs:Get* logs:List* logs:StartQuery logs:StopQuery logs:TestMetricFilter logs:FilterLogEvents"
        " logs:StartLiveTail logs:StopLiveTail"
    ),
    "CloudWatchAgentServerPolicy": (
        "cloudwatch:PutMetricData ec2:DescribeVolumes ec2:DescribeTags logs:PutLogEvents logs:PutRetentionPolicy"
        " logs:DescribeLogStreams logs:DescribeLogGroups logs:CreateLogStream logs:CreateLogGroup"
        f" {_TRACES}\nssm:GetParameter @ arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"
    ),
    "AmazonAPIGatewayAdministrator": "apigateway:* @ arn:aws:apigateway:*::/*",
    "AmazonAPIGatewayInvokeFullAccess": "execute-api:Invoke execute-api:ManageConnections @ arn:aws:execute-api:*:*:*",
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs": (
        f"{_LOGS} logs:DescribeLogGroups logs:DescribeLogStreams logs:GetLogEvents logs:FilterLogEvents"
    ),
    "AWSAppSyncAdministrator": "appsync:*\niam:PassRole",
    "AWSAppSyncInvokeFullAccess": "appsync:GraphQL appsync:GetGraphqlApi appsync:ListGraphqlApis appsync:ListApiKeys",
    "service-role/AWSAppSyncPushToCloudWatchLogs": _LOGS,
    "AmazonCognitoPowerUser": (
        "cognito-identity:* cognito-idp:* cognito-sync:* iam:ListRoles sns:ListPlatformApplications"
    ),
    "AmazonCognitoReadOnly": (
        "cognito-identity:Describe* cognito-identity:Get* cognito-identity:List* cognito-idp:Describe*"
        " cognito-idp:AdminGet* cognito-idp:AdminList* cognito-idp:List* cognito-idp:Get*"
    ),
    "AmazonCognitoDeveloperAuthenticatedIdentities": (
        "cognito-identity:GetOpenIdTokenForDeveloperIdentity cognito-identity:LookupDeveloperIdentity"
        " cognito-identity:MergeDeveloperIdentities cognito-identity:UnlinkDeveloperIdentity"
    ),
    "AmazonSSMFullAccess": "ssm:* ssmmessages:* ec2messages:* cloudwatch:PutMetricData logs:*",
    "AmazonSSMReadOnlyAccess": "ssm:Describe* ssm:Get* ssm:List*",
    "AmazonSSMManagedInstanceCore": (
        "ssm:DescribeAssociation ssm:GetDocument ssm:GetParameter ssm:GetParameters ssm:PutInventory"
        " ssm:UpdateInstanceInformation ssmmessages:* ec2messages:*"
    ),
    "SecretsManagerReadWrite": (
        "secretsmanager:* cloudformation:CreateChangeSet cloudformation:DescribeChangeSet cloudformation:DescribeStacks"
        " cloudformation:ExecuteChangeSet ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs"
        " kms:DescribeKey kms:ListAliases kms:ListKeys lambda:ListFunctions rds:DescribeDBInstances tag:GetResources\n"
        "lambda:AddPermission lambda:CreateFunction lambda:GetFunction lambda:InvokeFunction"
        " lambda:UpdateFunctionConfiguration @ arn:aws:lambda:*:*:function:SecretsManager*"
    ),
    "AWSSecretsManagerClientReadOnlyAccess": "secretsmanager:GetSecretValue secretsmanager:DescribeSecret",
    "AWSKeyManagementServicePowerUser": (
        "kms:CreateAlias kms:CreateKey kms:DeleteAlias kms:Describe* kms:GenerateRandom kms:Get* kms:List*"
        " kms:TagResource kms:UntagResource iam:ListGroups iam:ListRoles iam:ListUsers"
    ),
    "AmazonAthenaFullAccess": (
        "athena:* glue:* s3:ListAllMyBuckets sns:ListTopics cloudwatch:GetMetricData\n"
        "s3:GetBucketLocation s3:GetObject s3:ListBucket s3:ListBucketMultipartUploads s3:ListMultipartUploadParts"
        " s3:AbortMultipartUpload s3:CreateBucket s3:PutObject @ arn:aws:s3:::aws-athena-query-results-*"
    ),
    "AWSGlueConsoleFullAccess": "glue:* s3:ListBucket s3:ListAllMyBuckets s3:GetObject iam:ListRoles iam:PassRole",
    "service-role/AWSGlueServiceRole": (
        f"glue:* s3:GetBucketLocation s3:ListBucket s3:ListAllMyBuckets s3:GetBucketAcl"
        f" cloudwatch:PutMetricData {_LOGS}"
        " iam:ListRolePolicies iam:GetRole iam:GetRolePolicy"
    ),
    "AWSIoTFullAccess": "iot:* iotjobsdata:*",
    "AWSIoTDataAccess": "iot:Connect iot:Publish iot:Subscribe iot:Receive iot:GetThingShadow iot:UpdateThingShadow"
    " iot:DeleteThingShadow iot:ListNamedShadowsForThing",
    "AWSIoTConfigAccess": (
        "iot:Create* iot:Delete* iot:Update* iot:Describe* iot:Get* iot:List* iot:Attach* iot:Detach*"
    ),
    "service-role/AWSIoTLogging": f"{_LOGS} logs:PutMetricFilter logs:PutRetentionPolicy logs:GetLogEvents",
    "service-role/AWSIoTRuleActions": (
        "dynamodb:PutItem kinesis:PutRecord iot:Publish s3:PutObject sns:Publish sqs:SendMessage*"
        " cloudwatch:PutMetricData"
    ),
    "AWSIoTAnalyticsFullAccess": "iotanalytics:*",
    "AWSIoTAnalyticsReadOnlyAccess": _READ.format("iotanalytics"),
    "CloudFrontFullAccess": (
        "cloudfront:* cloudfront-keyvaluestore:* acm:ListCertificates s3:ListAllMyBuckets wafv2:ListWebACLs"
    ),
    "CloudFrontReadOnlyAccess": "cloudfront:Describe* cloudfront:Get* cloudfront:List* cloudfront-keyvaluestore:Get*",
    "AWSCloudFormationFullAccess": "cloudformation:*",
    "AWSCloudFormationReadOnlyAccess": (
        "cloudformation:Describe* cloudformation:EstimateTemplateCost cloudformation:Get* cloudformation:List*"
        " cloudformation:ValidateTemplate cloudformation:Detect*"
    ),
    "IAMFullAccess": "iam:* organizations:DescribeAccount organizations:ListPolicies",
    "IAMReadOnlyAccess": (
        "iam:GenerateCredentialReport iam:Get* iam:List* iam:SimulateCustomPolicy iam:SimulatePrincipalPolicy"
    ),
    "IAMUserChangePassword": ("iam:ChangePassword @ arn:aws:iam::*:user/*\niam:GetAccountPasswordPolicy"),
    "ElasticLoadBalancingFullAccess": "elasticloadbalancing:* ec2:Describe* cognito-idp:DescribeUserPoolClient",
    "ElasticLoadBalancingReadOnly": "elasticloadbalancing:Describe* elasticloadbalancing:Get*",
    "AmazonSESFullAccess": "ses:*",
    "AmazonSESReadOnlyAccess": "ses:Get* ses:List* ses:BatchGet*",
    "AmazonEC2ContainerRegistryReadOnly": (
        "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:GetRepositoryPolicy"
        " ecr:DescribeRepositories ecr:ListImages ecr:DescribeImages ecr:BatchGetImage ecr:ListTagsForResource"
    ),
    "AmazonEC2ContainerRegistryPowerUser": "ecr:Get* ecr:Batch* ecr:Describe* ecr:List* ecr:Put* ecr:*LayerUpload",
    "AmazonEC2ContainerRegistryFullAccess": "ecr:*",
    "AmazonRDSDataFullAccess": "rds-data:* secretsmanager:GetSecretValue secretsmanager:ListSecrets tag:GetResources",
    "AmazonBedrockFullAccess": "bedrock:*",
    "service-role/AWSConfigRole": "config:Put* config:Get* config:List* config:Describe*",
    "service-role/AWSCodeDeployRoleForLambda": (
        "cloudwatch:DescribeAlarms lambda:UpdateAlias lambda:GetAlias lambda:GetProvisionedConcurrencyConfig\n"
        "sns:Publish @ arn:aws:sns:*:*:*\n"
        "s3:GetObject s3:GetObjectVersion @ arn:aws:s3:::*/CodeDeploy/*\n"
        "lambda:InvokeFunction @ arn:aws:lambda:*:*:function:CodeDeployHook_*"
    ),
    "service-role/AWSCodeDeployRoleForLambdaLimited": (
        "cloudwatch:DescribeAlarms lambda:UpdateAlias lambda:GetAlias\n"
        "lambda:InvokeFunction @ arn:aws:lambda:*:*:function:CodeDeployHook_*"
    ),
    "AWSCodeDeployFullAccess": "codedeploy:* lambda:ListFunctions lambda:UpdateAlias",
    "AutoScalingFullAccess": "autoscaling:* cloudwatch:PutMetricAlarm ec2:Describe*",
    "job-function/ViewOnlyAccess": (
        "cloudformation:ListStack* cloudwatch:GetMetricData cloudwatch:Describe* dynamodb:ListTables dynamodb:Describe*"
        " ec2:Describe* iam:List* kinesis:List* lambda:List* logs:Describe* s3:ListAllMyBuckets s3:ListBucket sns:List*"
        " sqs:ListQueues"
    ),
    "job-function/SystemAdministrator": (
        "cloudformation:* cloudwatch:* dynamodb:* ec2:* lambda:* logs:* s3:* sns:* sqs:* iam:Get*"
        " iam:List* iam:PassRole"
    ),
    "service-role/AmazonECSTaskExecutionRolePolicy": (
        "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:BatchGetImage"
        " logs:CreateLogStream logs:PutLogEvents"
    ),
}

NAMES = tuple(_ALLOWS)
"""The policies known here: path and name, as they follow `policy/` in the ARN."""


@lru_cache(512)
def document(policy_arn: str) -> str | None:
    """The document of an AWS managed policy; None for one that is not known here."""
    lines = _ALLOWS.get(policy_arn.removeprefix(ARN))
    if lines is None or not policy_arn.startswith(ARN):
        return None
    statements = [_statement(line) for line in lines.split("\n")]
    return orjson.dumps({"Version": "2012-10-17", "Statement": statements}).decode()


def _statement(line: str) -> dict[str, object]:
    """A statement of a line; `!` before the actions means every action but these."""
    actions, _, resources = line.partition(" @ ")
    element = "NotAction" if actions.startswith("!") else "Action"
    return {"Effect": "Allow", element: actions.removeprefix("!").split(), "Resource": resources.split() or ["*"]}
