"""How each service is recognised on the wire: our own declaration, checked against the service models by a test.

Services outside this table are named by their signing name, target prefix or query version, so that an error can say
what is missing. Of services that share a signing name or an endpoint, the first in the table is the one that is meant
where nothing tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One service: botocore's `name`, and the signals that mean it.

    `signing` (SigV4 scope), `endpoint` (first labels of the host), `target` (prefix of X-Amz-Target, and the name in
    rpc-v2-cbor paths), `version` (of the query protocol), `paths` (raw path prefixes that tell a REST API from others
    of its scope), `header` (which must be there for `paths` to count), `unsigned_paths` (raw path prefixes by which
    callers are known that do not sign; no bucket is likely to be named so).
    """

    name: str
    signing: str
    endpoint: str
    target: str | None = None
    version: str | None = None
    paths: tuple[str, ...] = ()
    header: str | None = None
    unsigned_paths: tuple[str, ...] = ()


CATALOG: tuple[CatalogEntry, ...] = (
    CatalogEntry("acm", "acm", "acm", "CertificateManager"),
    CatalogEntry("apigateway", "apigateway", "apigateway"),
    CatalogEntry("apigatewayv2", "apigateway", "apigateway", paths=("/v2/",)),
    CatalogEntry("apigatewaymanagementapi", "execute-api", "execute-api"),
    CatalogEntry(
        "application-autoscaling", "application-autoscaling", "application-autoscaling", "AnyScaleFrontendService"
    ),
    CatalogEntry("appsync", "appsync", "appsync"),
    CatalogEntry("athena", "athena", "athena", "AmazonAthena"),
    CatalogEntry("cloudcontrol", "cloudcontrolapi", "cloudcontrolapi", "CloudApiService"),
    CatalogEntry("cloudformation", "cloudformation", "cloudformation", version="2010-05-15"),
    CatalogEntry("cloudfront", "cloudfront", "cloudfront", unsigned_paths=("/2020-05-31/",)),
    CatalogEntry("cloudfront-keyvaluestore", "cloudfront-keyvaluestore", "cloudfront-keyvaluestore"),
    CatalogEntry("cloudwatch", "monitoring", "monitoring", "GraniteServiceVersion20100801", "2010-08-01"),
    CatalogEntry("codedeploy", "codedeploy", "codedeploy", "CodeDeploy_20141006"),
    CatalogEntry("cognito-identity", "cognito-identity", "cognito-identity", "AWSCognitoIdentityService"),
    CatalogEntry("cognito-idp", "cognito-idp", "cognito-idp", "AWSCognitoIdentityProviderService"),
    CatalogEntry("dynamodb", "dynamodb", "dynamodb", "DynamoDB_20120810"),
    CatalogEntry("dynamodbstreams", "dynamodb", "streams.dynamodb", "DynamoDBStreams_20120810"),
    CatalogEntry("ec2", "ec2", "ec2", version="2016-11-15"),
    CatalogEntry("ecr", "ecr", "api.ecr", "AmazonEC2ContainerRegistry_V20150921"),
    CatalogEntry("elbv2", "elasticloadbalancing", "elasticloadbalancing", version="2015-12-01"),
    CatalogEntry("elb", "elasticloadbalancing", "elasticloadbalancing", version="2012-06-01"),
    CatalogEntry("events", "events", "events", "AWSEvents"),
    CatalogEntry("firehose", "firehose", "firehose", "Firehose_20150804"),
    CatalogEntry("fis", "fis", "fis"),
    CatalogEntry("glue", "glue", "glue", "AWSGlue"),
    CatalogEntry("iam", "iam", "iam", version="2010-05-08"),
    CatalogEntry("iot", "iot", "iot"),
    CatalogEntry("iot-data", "iotdata", "data-ats.iot"),
    CatalogEntry("iot-jobs-data", "iot-jobs-data", "data.jobs.iot"),
    CatalogEntry("iotanalytics", "iotanalytics", "iotanalytics"),
    CatalogEntry("kinesis", "kinesis", "kinesis", "Kinesis_20131202"),
    CatalogEntry("kms", "kms", "kms", "TrentService"),
    CatalogEntry(
        "lambda",
        "lambda",
        "lambda",
        unsigned_paths=(
            "/2014-11-13/functions",
            "/2015-03-31/functions",
            "/2015-03-31/event-source-mappings",
            "/2016-08-19/account-settings",
            "/2017-03-31/tags",
            "/2017-10-31/functions",
            "/2018-10-31/layers",
            "/2019-09-25/functions",
            "/2019-09-30/functions",
            "/2020-04-22/code-signing-configs",
            "/2020-06-30/functions",
            "/2021-07-20/functions",
            "/2021-10-31/functions",
            "/2021-11-15/functions",
        ),
    ),
    CatalogEntry("logs", "logs", "logs", "Logs_20140328"),
    CatalogEntry("opensearch", "es", "es", paths=("/2021-01-01/",)),
    CatalogEntry("es", "es", "es", paths=("/2015-01-01/",)),
    CatalogEntry("organizations", "organizations", "organizations", "AWSOrganizationsV20161128"),
    CatalogEntry("pipes", "pipes", "pipes"),
    CatalogEntry("rds", "rds", "rds", version="2014-10-31"),
    CatalogEntry("rds-data", "rds-data", "rds-data"),
    CatalogEntry("resource-groups", "resource-groups", "resource-groups"),
    CatalogEntry("resourcegroupstaggingapi", "tagging", "tagging", "ResourceGroupsTaggingAPI_20170126"),
    CatalogEntry("route53", "route53", "route53", unsigned_paths=("/2013-04-01/",)),
    CatalogEntry("s3", "s3", "s3"),
    CatalogEntry("s3control", "s3", "s3-control", paths=("/v20180820/",), header="x-amz-account-id"),
    CatalogEntry("scheduler", "scheduler", "scheduler"),
    CatalogEntry("secretsmanager", "secretsmanager", "secretsmanager", "secretsmanager"),
    CatalogEntry("ses", "ses", "email", version="2010-12-01"),
    CatalogEntry("sesv2", "ses", "email", paths=("/v2/email/",)),
    CatalogEntry("sns", "sns", "sns", version="2010-03-31"),
    CatalogEntry("sqs", "sqs", "sqs", "AmazonSQS", "2012-11-05"),
    CatalogEntry("ssm", "ssm", "ssm", "AmazonSSM"),
    CatalogEntry("stepfunctions", "states", "states", "AWSStepFunctions"),
    CatalogEntry("sts", "sts", "sts", version="2011-06-15"),
    CatalogEntry("xray", "xray", "xray", unsigned_paths=("/TraceSegments", "/GetSamplingRules", "/SamplingTargets")),
)
"""Every service Kumoi serves or means to; in alphabetical order but for those that share a scope."""

BY_NAME: Mapping[str, CatalogEntry] = MappingProxyType({entry.name: entry for entry in CATALOG})
"""The same by botocore's name."""
