"""Secrets Manager's CloudFormation resource types.

Their Ref is the secret's ARN. Source: "AWS Secrets Manager resource type reference" of the template reference.
"""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.wire.errors import aws_error

_LONGEST_NAME = 512
_PASSWORD = (
    *("ExcludeCharacters", "ExcludeLowercase", "ExcludeNumbers", "ExcludePunctuation", "ExcludeUppercase"),
    *("IncludeSpace", "PasswordLength", "RequireEachIncludedType"),
)


async def _value(call: ResourceCall) -> str | None:
    """The value that a template states or has generated."""
    stated, generated = call.properties.get("SecretString"), call.properties.get("GenerateSecretString")
    if stated is not None and generated is not None:
        raise aws_error(
            "ValidationError", "You can't specify both SecretString and GenerateSecretString in the same secret."
        )
    if generated is None:
        return None if stated is None else str(stated)
    password = await _password(call, generated)
    template, key = generated.get("SecretStringTemplate"), generated.get("GenerateStringKey")
    if (template is None) != (key is None):
        raise aws_error("ValidationError", "SecretStringTemplate and GenerateStringKey go together.")
    if template is None:
        return password
    try:
        content = orjson.loads(template)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise aws_error("ValidationError", "SecretStringTemplate must be a JSON object.")
    return orjson.dumps({**content, str(key): password}).decode()


async def _password(call: ResourceCall, generated: dict[str, Any]) -> str:
    given = {member: _plain(generated[member]) for member in _PASSWORD if member in generated}
    if "PasswordLength" in given:
        given["PasswordLength"] = int(given["PasswordLength"])
    answer = await call.ask("secretsmanager", "GetRandomPassword", **given)
    return str(answer["RandomPassword"])


def _plain(value: Any) -> Any:
    return value == "true" if value in ("true", "false") else value


def _secret(arn: str) -> Resource:
    return Resource(arn, {"Id": arn})


async def _create_secret(call: ResourceCall) -> Resource:
    answer = await call.ask(
        "secretsmanager",
        "CreateSecret",
        Name=call.name("Name", _LONGEST_NAME),
        SecretString=await _value(call),
        Tags=call.tag_list(),
        AddReplicaRegions=call.properties.get("ReplicaRegions"),
        **call.given("Description", "KmsKeyId"),
    )
    return _secret(answer["ARN"])


async def _update_secret(call: ResourceCall) -> Resource:
    arn = call.physical_id
    value = None
    if any(call.properties.get(name) != call.before.get(name) for name in ("SecretString", "GenerateSecretString")):
        value = await _value(call)
    changes = {name: call.properties.get(name, "") for name in ("Description", "KmsKeyId")}
    await call.ask("secretsmanager", "UpdateSecret", SecretId=arn, SecretString=value, **changes)
    known = await call.ask("secretsmanager", "DescribeSecret", SecretId=arn)
    wanted = call.all_tags()
    gone = [tag["Key"] for tag in known.get("Tags", []) if tag["Key"] not in wanted]
    if gone:
        await call.ask("secretsmanager", "UntagResource", SecretId=arn, TagKeys=gone)
    await call.ask("secretsmanager", "TagResource", SecretId=arn, Tags=call.tag_list())
    await _update_replicas(call, {one["Region"] for one in known.get("ReplicationStatus", ())})
    return _secret(arn)


async def _update_replicas(call: ResourceCall, known: set[str]) -> None:
    replicas = call.properties.get("ReplicaRegions", [])
    gone = sorted(known - {one["Region"] for one in replicas})
    if gone:
        await call.ask(
            "secretsmanager",
            "RemoveRegionsFromReplication",
            SecretId=call.physical_id,
            RemoveReplicaRegions=gone,
        )
    fresh = [one for one in replicas if one["Region"] not in known]
    if fresh:
        await call.ask("secretsmanager", "ReplicateSecretToRegions", SecretId=call.physical_id, AddReplicaRegions=fresh)


async def _delete_secret(call: ResourceCall) -> None:
    arn = call.physical_id
    known = await call.ask("secretsmanager", "DescribeSecret", SecretId=arn)
    regions = [one["Region"] for one in known.get("ReplicationStatus", ())]
    if regions:
        await call.ask("secretsmanager", "RemoveRegionsFromReplication", SecretId=arn, RemoveReplicaRegions=regions)
    await call.ask("secretsmanager", "DeleteSecret", SecretId=arn, ForceDeleteWithoutRecovery=True)


async def _put_policy(call: ResourceCall) -> Resource:
    call.required("SecretId", "ResourcePolicy")
    document = call.properties["ResourcePolicy"]
    answer = await call.ask(
        "secretsmanager",
        "PutResourcePolicy",
        SecretId=call.properties["SecretId"],
        ResourcePolicy=document if isinstance(document, str) else orjson.dumps(document).decode(),
        BlockPublicPolicy=_plain(call.properties.get("BlockPublicPolicy")),
    )
    return _secret(answer["ARN"])


async def _delete_policy(call: ResourceCall) -> None:
    await call.ask("secretsmanager", "DeleteResourcePolicy", SecretId=call.physical_id)


async def _rotate(call: ResourceCall) -> Resource:
    call.required("SecretId")
    if "HostedRotationLambda" in call.properties:
        raise aws_error(
            "ValidationError",
            "Kumoi has none of AWS's hosted rotation functions: state a RotationLambdaARN of your own.",
        )
    rules = dict(call.properties.get("RotationRules", {}))
    if "AutomaticallyAfterDays" in rules:
        rules["AutomaticallyAfterDays"] = int(rules["AutomaticallyAfterDays"])
    answer = await call.ask(
        "secretsmanager",
        "RotateSecret",
        SecretId=call.properties["SecretId"],
        RotationLambdaARN=call.properties.get("RotationLambdaARN"),
        RotationRules=rules or None,
        RotateImmediately=_plain(call.properties.get("RotateImmediatelyOnUpdate", True)),
    )
    return _secret(answer["ARN"])


async def _stop_rotation(call: ResourceCall) -> None:
    await call.ask("secretsmanager", "CancelRotateSecret", SecretId=call.physical_id)


_TARGETS = {"AWS::RDS::DBCluster": "DBCluster", "AWS::RDS::DBInstance": "DBInstance"}
_ENGINES = {"aurora-postgresql": "postgres", "aurora-mysql": "mysql"}
_ATTACHED = ("engine", "host", "port", "dbname", "dbClusterIdentifier", "dbInstanceIdentifier")


async def _attach(call: ResourceCall) -> Resource:
    """Write into a secret where the database is whose user and password it holds."""
    call.required("SecretId", "TargetId", "TargetType")
    kind, target = str(call.properties["TargetType"]), str(call.properties["TargetId"])
    what = _TARGETS.get(kind)
    if what is None:
        raise aws_error("ValidationError", f"Kumoi attaches secrets to {' and '.join(_TARGETS)}, not to {kind}.")
    [found] = (await call.ask("rds", f"Describe{what}s", **{f"{what}Identifier": target}))[f"{what}s"]
    cluster = found if kind.endswith("Cluster") else await _cluster_of(call, found)
    where = {
        "engine": _ENGINES.get(cluster["Engine"], cluster["Engine"]),
        "host": cluster["Endpoint"],
        "port": cluster["Port"],
        "dbname": cluster.get("DatabaseName"),
        "dbClusterIdentifier" if found is cluster else "dbInstanceIdentifier": target,
    }
    await _write(call, {name: value for name, value in where.items() if value is not None})
    return _secret(str(call.properties["SecretId"]))


async def _cluster_of(call: ResourceCall, instance: dict[str, Any]) -> dict[str, Any]:
    name = instance["DBClusterIdentifier"]
    [found] = (await call.ask("rds", "DescribeDBClusters", DBClusterIdentifier=name))["DBClusters"]
    return dict(found)


async def _detach(call: ResourceCall) -> None:
    await _write(call, {})


async def _write(call: ResourceCall, where: dict[str, Any]) -> None:
    secret = call.properties["SecretId"]
    value = (await call.ask("secretsmanager", "GetSecretValue", SecretId=secret)).get("SecretString", "")
    try:
        content = orjson.loads(value)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise aws_error("ValidationError", "A secret that is attached to a database must be a JSON object.")
    kept = {name: one for name, one in content.items() if name not in _ATTACHED}
    text = orjson.dumps({**kept, **where}).decode()
    await call.ask("secretsmanager", "PutSecretValue", SecretId=secret, SecretString=text)


RESOURCES = (
    ResourceType(
        "AWS::SecretsManager::Secret",
        _create_secret,
        _delete_secret,
        _update_secret,
        replaced_by=frozenset(("Name",)),
        expected=lambda call: call.arn("secretsmanager", f"secret:{call.name('Name', _LONGEST_NAME)}"),
    ),
    ResourceType(
        "AWS::SecretsManager::ResourcePolicy",
        _put_policy,
        _delete_policy,
        _put_policy,
        replaced_by=frozenset(("SecretId",)),
    ),
    ResourceType(
        "AWS::SecretsManager::RotationSchedule",
        _rotate,
        _stop_rotation,
        _rotate,
        replaced_by=frozenset(("SecretId",)),
    ),
    ResourceType(
        "AWS::SecretsManager::SecretTargetAttachment",
        _attach,
        _detach,
        _attach,
        replaced_by=frozenset(("SecretId",)),
    ),
)
