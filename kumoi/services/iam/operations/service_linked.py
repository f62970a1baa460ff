"""Service-linked roles: roles that belong to a service, which alone may change them."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import unique_id, uuid
from kumoi.services.iam import iam
from kumoi.services.iam.operations.roles import describe_role, find_role
from kumoi.services.iam.records import Deletion, Role, deletions, roles
from kumoi.services.iam.rules import no_such
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_NAMES = {
    "apigateway": "APIGateway",
    "autoscaling": "AutoScaling",
    "dynamodb.application-autoscaling": "ApplicationAutoScaling_DynamoDBTable",
    "ecs": "ECS",
    "elasticloadbalancing": "ElasticLoadBalancing",
    "es": "AmazonElasticsearchService",
    "lambda.application-autoscaling": "ApplicationAutoScaling_LambdaConcurrency",
    "lex": "LexBots",
    "ops.apigateway": "APIGateway",
    "rds": "RDS",
    "replication.dynamodb": "DynamoDBReplication",
    "replicator.lambda": "LambdaReplicator",
    "logger.cloudfront": "CloudFrontLogger",
    "ecs.application-autoscaling": "ApplicationAutoScaling_ECSService",
}
"""How services name their roles, where the name is not just the service's."""


@iam.operation
async def create_service_linked_role(
    call: Call, AWSServiceName: str, Description: str | None = None, CustomSuffix: str | None = None
) -> dict[str, Any]:
    """Create the role of a service, e.g. `elasticloadbalancing.amazonaws.com`."""
    host = AWSServiceName
    if not host.endswith(".amazonaws.com"):
        raise aws_error("InvalidInput", f"{host} is not a service principal.")
    service = host.removesuffix(".amazonaws.com")
    name = f"AWSServiceRoleFor{_NAMES.get(service, service.title().replace('.', '').replace('-', ''))}"
    if CustomSuffix is not None:
        name += f"_{CustomSuffix}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": host}, "Action": "sts:AssumeRole"}],
    }
    role = Role(
        name=name,
        id=unique_id("AROA"),
        path=f"/aws-service-role/{host}/",
        trust=orjson.dumps(trust).decode(),
        description=Description,
        max_session=3600,
        created=call.now,
        service=host,
    )
    await _create(call.state, role)
    return {"Role": describe_role(role, call.account)}


@iam.operation
async def delete_service_linked_role(call: Call, RoleName: str) -> dict[str, Any]:
    """Delete a service-linked role. It is done at once; the task's status says so."""
    return {"DeletionTaskId": await _delete(call.state, RoleName, uuid())}


@iam.operation
async def get_service_linked_role_deletion_status(call: Call, DeletionTaskId: str) -> dict[str, Any]:
    """SUCCEEDED: a role is deleted before its task has an id."""
    if not await _deleted(call.state, DeletionTaskId):
        raise aws_error("NoSuchEntity", f"Deletion task {DeletionTaskId} was not found.", status=404)
    return {"Status": "SUCCEEDED"}


@transactional
async def _create(tx: Transaction, role: Role) -> None:
    if await roles.get(tx, role.name) is not None:
        raise aws_error(
            "InvalidInput",
            f"Service role name {role.name} has been taken in this account, please try a different suffix.",
        )
    await roles.put(tx, role)


@transactional
async def _deleted(tx: Transaction, task: str) -> bool:
    return await deletions.get(tx, task) is not None


@transactional
async def _delete(tx: Transaction, name: str, unique: str) -> str:
    role = await find_role(tx, name)
    if not role.service:
        raise no_such("service-linked role", name)
    task = f"task{role.path}{role.name}/{unique}"
    await roles.delete(tx, name)
    await deletions.put(tx, Deletion(task, tx.now))
    return task
