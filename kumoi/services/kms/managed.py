"""AWS managed keys: `alias/aws/NAME`, there as soon as somebody asks for one. Source: "AWS managed keys"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from kumoi.doorway.sealing import Sealer
from kumoi.names import uuid
from kumoi.services.kms.material import new_content, sealed
from kumoi.services.kms.naming import MANAGED, Named
from kumoi.services.kms.policies import managed_policy
from kumoi.services.kms.records import Alias, Key, Material, Rotation
from kumoi.services.kms.specs import ENCRYPT, SYMMETRIC
from kumoi.services.kms.timers import DAY

YEAR = 365
_DESCRIPTIONS = {
    "acm": "Default key that protects my ACM private keys when no other key is defined",
    "dynamodb": "Default key that protects my DynamoDB data when no other key is defined",
    "ebs": "Default key that protects my EBS volumes when no other key is defined",
    "lambda": "Default key that protects my Lambda functions when no other key is defined",
    "rds": "Default key that protects my RDS database volumes when no other key is defined",
    "s3": "Default key that protects my S3 objects when no other key is defined",
    "secretsmanager": "Default key that protects my Secrets Manager data when no other key is defined",
    "sns": "Default key that protects my SNS data when no other key is defined",
    "sqs": "Default key that protects my SQS queue data when no other key is defined",
    "ssm": "Default key that protects my SSM parameters when no other key is defined",
}
_OTHERS = (
    *("backup", "codeartifact", "codebuild", "codecommit", "connect", "dms", "elasticfilesystem", "es", "fsx", "glue"),
    *("kafka", "kinesis", "kinesisvideo", "lex", "lightsail", "mq", "redshift", "sagemaker", "workspaces", "xray"),
)
NAMES = frozenset((*_DESCRIPTIONS, *_OTHERS))


class Made(NamedTuple):
    """A new AWS managed key with its material and its alias."""

    key: Key
    material: Material
    alias: Alias


def is_managed(named: Named) -> bool:
    """Whether a request names an AWS managed key that there is."""
    return named.alias.startswith(MANAGED) and service_of(named) in NAMES


def predefined(made: Iterable[str]) -> list[Alias]:
    """The aliases of AWS managed keys that are not there yet, without a key: all but those `made`."""
    names = {MANAGED + service for service in NAMES} - set(made)
    return [Alias(name=name, key="", created=0.0, updated=0.0) for name in names]


def service_of(named: Named) -> str:
    """The service that an AWS managed key is for."""
    return named.alias.removeprefix(MANAGED)


def make(sealer: Sealer, named: Named, now: float) -> Made:
    """The key of a service in an account and region."""
    service = service_of(named)
    fallback = f"Default key that protects my {service} data when no other key is defined"
    key = Key(
        id=uuid(),
        account=named.account,
        region=named.region,
        created=now,
        spec=SYMMETRIC,
        usage=ENCRYPT,
        policy=managed_policy(named.account, named.region, service),
        description=_DESCRIPTIONS.get(service, fallback),
        manager="AWS",
        rotation=Rotation(days=YEAR, next=now + YEAR * DAY),
    )
    material = sealed(sealer, key, new_content(SYMMETRIC), now)
    alias = Alias(name=named.alias, key=key.id, created=now, updated=now)
    return Made(replace(key, material=material.id), material, alias)
