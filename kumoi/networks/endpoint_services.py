"""AWS services that VPCs have endpoints to, by what follows `com.amazonaws.REGION.` in their names; pure.

Source: "AWS services that integrate with AWS PrivateLink" and "Gateway endpoints" of the AWS PrivateLink guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.networks.prefixes import SERVICES as GATEWAYS
from kumoi.networks.zones import zone_names

REACHED: Mapping[str, tuple[str, ...]] = {
    **{
        name: (name,)
        for name in (
            *("apigateway", "athena", "cloudformation", "codedeploy", "cognito-identity", "cognito-idp", "dynamodb"),
            *("ec2", "events", "fis", "glue", "iot", "kms", "lambda", "logs", "pipes", "rds", "rds-data", "s3"),
            *("scheduler", "secretsmanager", "sns", "sqs", "ssm", "sts", "xray"),
        )
    },
    "appsync-api": ("appsync-api", "appsync-realtime"),
    "dynamodb-streams": ("dynamodbstreams",),
    "ecr.api": ("ecr",),
    "elasticloadbalancing": ("elbv2",),
    "execute-api": ("execute-api",),
    "iot.data": ("iot-data",),
    "kinesis-streams": ("kinesis",),
    "monitoring": ("cloudwatch",),
    "states": ("stepfunctions",),
}
"""The services of Kumoi that an endpoint leads to."""

_OTHERS = (
    *("access-analyzer", "acm-pca", "airflow.api", "application-autoscaling", "appconfig", "appconfigdata"),
    *("apprunner", "appstream.api", "auditmanager", "autoscaling", "backup", "batch", "bedrock", "bedrock-agent"),
    *("bedrock-agent-runtime", "bedrock-runtime", "cloudtrail", "codeartifact.api", "codeartifact.repositories"),
    *("codebuild", "codecommit", "codepipeline", "comprehend", "config", "connect", "databrew", "dataexchange"),
    *("datasync", "dms", "ebs", "ec2messages", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "eks", "eks-auth"),
    *("elasticache", "elasticbeanstalk", "elasticfilesystem", "elasticmapreduce", "email-smtp", "emr-serverless"),
    *("evidently", "forecast", "fsx", "git-codecommit", "guardduty-data", "imagebuilder", "inspector2"),
    *("iot.credentials", "iot.fleethub.api", "kafka", "kendra", "kinesis-firehose", "lakeformation", "lexv2-models"),
    *(
        "license-manager",
        "macie2",
        "memory-db",
        "mq",
        "neptune-graph",
        "network-firewall",
        "organizations",
        "personalize",
    ),
    *("pipes-data", "polly", "qbusiness", "quicksight-website", "redshift", "redshift-data", "rekognition"),
    *("resource-groups", "rum", "sagemaker.api", "sagemaker.runtime", "securityhub", "servicecatalog"),
    *("servicediscovery", "ssm-contacts", "ssmmessages", "storagegateway", "swf", "sync-states", "synthetics"),
    *("tagging", "textract", "timestream.ingest-cell1", "transcribe", "transcribestreaming", "transfer", "translate"),
    *("verifiedpermissions", "wafv2", "workspaces"),
)
NAMES = frozenset((*REACHED, *_OTHERS))
_MEMBERS = {"appsync-api": "*.appsync-api", "execute-api": "*.execute-api"}


def short_name(region: str, service: str) -> str | None:
    """What follows `com.amazonaws.REGION.` in the name of a service that there is; None for any other."""
    name = service.removeprefix(f"com.amazonaws.{region}.")
    return name if name != service and name in NAMES else None


def private_name(region: str, name: str) -> str:
    """The host name that an endpoint answers within its VPC, where private DNS is on."""
    host = {"monitoring": "monitoring", "kinesis-streams": "kinesis", "ecr.api": "api.ecr", "iot.data": "data-ats.iot"}
    return f"{_MEMBERS.get(name, host.get(name, name))}.{region}.amazonaws.com"


def service_detail(region: str, name: str, kind: str) -> dict[str, Any]:
    """What is told of a service."""
    private = private_name(region, name)
    told: dict[str, Any] = {
        "ServiceName": f"com.amazonaws.{region}.{name}",
        "ServiceType": [{"ServiceType": kind}],
        "ServiceRegion": region,
        "AvailabilityZones": list(zone_names(region)),
        "Owner": "amazon",
        "BaseEndpointDnsNames": [f"{name}.{region}.vpce.amazonaws.com"],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "Tags": [],
        "SupportedIpAddressTypes": ["ipv4"],
    }
    if kind == "Interface":
        told |= {"PrivateDnsName": private, "PrivateDnsNames": [{"PrivateDnsName": private}]}
        told["PrivateDnsNameVerificationState"] = "verified"
    else:
        told["BaseEndpointDnsNames"] = [private]
    return told


def details(region: str) -> list[dict[str, Any]]:
    """Every service, those with gateways twice."""
    found = [service_detail(region, name, "Gateway") for name in GATEWAYS]
    return found + [service_detail(region, name, "Interface") for name in sorted(NAMES)]
