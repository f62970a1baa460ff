"""Deployments: begun, told, stopped, reported on by their hooks, waited for."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.codedeploy import codedeploy
from kumoi.services.codedeploy.execution import Execution, begin, end, find, notice, report
from kumoi.services.codedeploy.operations.applications import find_application
from kumoi.services.codedeploy.operations.configurations import find_configuration
from kumoi.services.codedeploy.operations.groups import alarms_of, events_of, find_group
from kumoi.services.codedeploy.records import ENDED, Deployment, deployments
from kumoi.services.codedeploy.specification import read_specification
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@codedeploy.operation
async def create_deployment(
    call: Call,
    applicationName: str,
    deploymentGroupName: str | None = None,
    revision: dict[str, Any] | None = None,
    deploymentConfigName: str | None = None,
    description: str | None = None,
    autoRollbackConfiguration: dict[str, Any] | None = None,
    overrideAlarmConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Begin to shift an alias as an AppSpec says."""
    await find_application(call.state, applicationName)
    if deploymentGroupName is None:
        raise aws_error("DeploymentGroupNameRequiredException", "Deployment Group name is missing")
    group = await find_group(call.state, applicationName, deploymentGroupName)
    told = revision or {}
    content = (told.get("appSpecContent") or told.get("string") or {}).get("content")
    if not content:
        raise aws_error("RevisionRequiredException", "Kumoi's codedeploy takes a revision of type AppSpecContent.")
    said = await asyncio.to_thread(read_specification, content)
    rollback = group.rollback if autoRollbackConfiguration is None else events_of(autoRollbackConfiguration)
    made = Deployment(
        id=f"d-{os.urandom(5).hex()[:9].upper()}",
        application=applicationName,
        group=deploymentGroupName,
        config=await find_configuration(call.state, deploymentConfigName or group.config),
        created=call.now,
        function=said.function,
        alias=said.alias,
        current=said.current,
        target=said.target,
        before=said.before,
        after=said.after,
        content=content,
        rollback=rollback,
        alarms=alarms_of(overrideAlarmConfiguration or group.stated.get("alarmConfiguration")),
        description=description,
    )
    await begin(call.state, made)
    return {"deploymentId": made.id}


@codedeploy.operation
async def get_deployment(call: Call, deploymentId: str) -> dict[str, Any]:
    """A deployment."""
    return {"deploymentInfo": _told(await _find(call, deploymentId))}


@codedeploy.operation
async def batch_get_deployments(call: Call, deploymentIds: list[str]) -> dict[str, Any]:
    """Several deployments."""
    return {"deploymentsInfo": [_told(await _find(call, one)) for one in deploymentIds]}


@codedeploy.operation
async def list_deployments(
    call: Call,
    applicationName: str | None = None,
    deploymentGroupName: str | None = None,
    includeOnlyStatuses: list[str] | None = None,
    nextToken: str | None = None,
) -> dict[str, Any]:
    """The ids of deployments, of all or of a group."""
    if applicationName is not None:
        await find_application(call.state, applicationName)
    found = [
        one
        for one in await _all(call.state)
        if applicationName in (None, one.application)
        and deploymentGroupName in (None, one.group)
        and (not includeOnlyStatuses or one.status in includeOnlyStatuses)
    ]
    return {"deployments": [one.id for one in sorted(found, key=lambda one: -one.created)]}


@codedeploy.operation
async def list_deployment_targets(
    call: Call,
    deploymentId: str,
    nextToken: str | None = None,
    targetFilters: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """The one target of a deployment: its function's alias."""
    one = await _find(call, deploymentId)
    return {"targetIds": [f"{one.function}:{one.alias}"]}


@codedeploy.operation
async def get_deployment_target(call: Call, deploymentId: str, targetId: str) -> dict[str, Any]:
    """The alias with its weight and what became of each lifecycle event."""
    one = await _find(call, deploymentId)
    if targetId not in (f"{one.function}:{one.alias}", one.function):
        raise aws_error("DeploymentTargetDoesNotExistException", f"{targetId} is no target of {one.id}")
    return {
        "deploymentTarget": {
            "deploymentTargetType": "LambdaTarget",
            "lambdaTarget": {
                "deploymentId": one.id,
                "targetId": targetId,
                "targetArn": call.arn("lambda", f"function:{one.function}:{one.alias}"),
                "status": one.status,
                "lastUpdatedAt": _moment(one.ended or call.now),
                "lambdaFunctionInfo": {
                    "functionName": one.function,
                    "functionAlias": one.alias,
                    "currentVersion": one.current,
                    "targetVersion": one.target,
                    "targetVersionWeight": one.weight,
                },
                "lifecycleEvents": [
                    {
                        "lifecycleEventName": step.name,
                        "status": step.status,
                        **({"startTime": _moment(step.started)} if step.started is not None else {}),
                        **({"endTime": _moment(step.ended)} if step.ended is not None else {}),
                    }
                    for step in one.steps
                ],
            },
        }
    }


@codedeploy.operation
async def stop_deployment(call: Call, deploymentId: str, autoRollbackEnabled: bool | None = None) -> dict[str, Any]:
    """Stop a deployment where it is; traffic is shifted back where that is wanted."""
    execution = call.part(Execution)
    async with execution.turn(deploymentId):
        one = await _find(call, deploymentId)
        if one.status in ENDED:
            raise aws_error("DeploymentAlreadyCompletedException", f"The deployment {one.id} is already {one.status}")
        back = "DEPLOYMENT_STOP_ON_REQUEST" in one.rollback if autoRollbackEnabled is None else autoRollbackEnabled
        if back:
            await execution.shift_back(call.state, one)
        message = "The deployment was stopped by a user."
        stopped = msgspec.structs.replace(one, status="Stopped", ended=call.now, rolled_back=back, message=message)
        await end(call.state, stopped)
    return {"status": "Succeeded", "statusMessage": "No more commands will be scheduled for execution"}


@codedeploy.operation
async def put_lifecycle_event_hook_execution_status(
    call: Call,
    deploymentId: str | None = None,
    lifecycleEventHookExecutionId: str | None = None,
    status: str | None = None,
) -> dict[str, Any]:
    """What a hook reports of itself."""
    if deploymentId is None:
        raise aws_error("DeploymentIdRequiredException", "Deployment ID is missing")
    if lifecycleEventHookExecutionId is None:
        raise aws_error("InvalidLifecycleEventHookExecutionIdException", "The hook's execution id is missing")
    if status not in ("Succeeded", "Failed"):
        raise aws_error("InvalidLifecycleEventHookExecutionStatusException", "The status is Succeeded or Failed")
    await report(call.state, deploymentId, lifecycleEventHookExecutionId, status)
    return {"lifecycleEventHookExecutionId": lifecycleEventHookExecutionId}


@codedeploy.operation
async def await_deployment(call: Call, deploymentId: str) -> dict[str, Any]:
    """A deployment once it has ended: for CloudFormation, which waits for it. No operation of AWS's."""
    async with call.state.watch(notice(deploymentId)) as watch:
        while (one := await _find(call, deploymentId)).status not in ENDED:
            await watch.wait()
    return {"deploymentInfo": _told(one)}


async def _find(call: Call, deployment_id: str) -> Deployment:
    found = await find(call.state, deployment_id)
    if found is None:
        raise aws_error("DeploymentDoesNotExistException", f"The deployment {deployment_id} could not be found")
    return found


@transactional
async def _all(tx: Transaction) -> list[Deployment]:
    return await deployments.list(tx)


def _told(one: Deployment) -> dict[str, Any]:
    told: dict[str, Any] = {
        "applicationName": one.application,
        "deploymentGroupName": one.group,
        "deploymentConfigName": one.config.name,
        "deploymentId": one.id,
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": one.content}},
        "status": one.status,
        "createTime": _moment(one.created),
        "startTime": _moment(one.created),
        "computePlatform": "Lambda",
        "creator": "user",
        "autoRollbackConfiguration": {"enabled": bool(one.rollback), "events": list(one.rollback)},
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
    }
    if one.ended is not None:
        told["completeTime"] = _moment(one.ended)
    if one.error is not None:
        told["errorInformation"] = {"code": one.error, "message": one.message or ""}
    if one.description is not None:
        told["description"] = one.description
    if one.rolled_back:
        told["rollbackInfo"] = {"rollbackMessage": f"Traffic was shifted back to version {one.current}."}
    return told


def _moment(when: float) -> datetime:
    return datetime.fromtimestamp(round(when, 3), UTC)
