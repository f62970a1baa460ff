"""Secrets as answers have them: only the members that there is something to tell for."""

from __future__ import annotations

from typing import Any

from kumoi.services.secretsmanager.records import Replica, Secret, SecretVersion
from kumoi.services.secretsmanager.store import Content


def named(secret: Secret) -> dict[str, Any]:
    """What nearly every answer begins with."""
    return {"ARN": secret.arn, "Name": secret.name}


def valued(secret: Secret, version: SecretVersion, content: Content) -> dict[str, Any]:
    """A version with its value."""
    value: dict[str, Any] = (
        {"SecretBinary": content.value} if content.binary else {"SecretString": content.value.decode()}
    )
    stages = secret.labels_of(version.id)
    return {
        **named(secret),
        "VersionId": version.id,
        **value,
        **({"VersionStages": stages} if stages else {}),
        "CreatedDate": version.created,
    }


def described(secret: Secret) -> dict[str, Any]:
    """What DescribeSecret and ListSecrets both tell."""
    answer: dict[str, Any] = {
        **named(secret),
        "Description": secret.description or None,
        "KmsKeyId": secret.kms_key,
        "LastChangedDate": secret.changed,
        "LastAccessedDate": secret.accessed,
        "CreatedDate": secret.created,
        "Tags": [{"Key": key, "Value": value} for key, value in secret.tags.items()] or None,
        "PrimaryRegion": secret.primary or (secret.region if secret.replicas else None),
    }
    rotation = secret.rotation
    if rotation is not None:
        rules = {
            "AutomaticallyAfterDays": rotation.days,
            "Duration": rotation.duration,
            "ScheduleExpression": rotation.expression,
        }
        answer |= {
            "RotationEnabled": rotation.enabled,
            "RotationLambdaARN": rotation.function,
            "RotationRules": {name: value for name, value in rules.items() if value is not None} or None,
            "LastRotatedDate": rotation.last,
            "NextRotationDate": rotation.next if rotation.enabled and secret.deletes is None else None,
        }
    return {name: value for name, value in answer.items() if value is not None}


def versions_to_stages(secret: Secret) -> dict[str, list[str]]:
    """Each version that has labels, with them."""
    return {version: secret.labels_of(version) for version in dict.fromkeys(secret.stages.values())}


def replication(secret: Secret) -> dict[str, Any]:
    """The ReplicationStatus member, where there are replicas."""
    if not secret.replicas:
        return {}
    return {"ReplicationStatus": [_replica(one) for one in secret.replicas.values()]}


def _replica(replica: Replica) -> dict[str, Any]:
    status: dict[str, Any] = {
        "Region": replica.region,
        "KmsKeyId": replica.kms_key or "alias/aws/secretsmanager",
        "Status": "InSync" if replica.failure is None else "Failed",
    }
    return status if replica.failure is None else {**status, "StatusMessage": replica.failure}
