"""Pipes: create, describe, list, update, start, stop, delete. A pipe runs as soon as the answer says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from kumoi.doorway import Call, Principal
from kumoi.names import uuid
from kumoi.services.pipes import pipes as service
from kumoi.services.pipes.lifespan import RunningPipes, drop
from kumoi.services.pipes.records import Pipe, pipes
from kumoi.services.pipes.rules import check, invalid, merged, not_found, page, source_kind, source_parameters
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@service.operation
async def create_pipe(
    call: Call,
    Name: str,
    Source: str,
    Target: str,
    RoleArn: str,
    Description: str | None = None,
    DesiredState: str = "RUNNING",
    SourceParameters: dict[str, Any] | None = None,
    Enrichment: str | None = None,
    EnrichmentParameters: dict[str, Any] | None = None,
    TargetParameters: dict[str, Any] | None = None,
    Tags: dict[str, str] | None = None,
    LogConfiguration: dict[str, Any] | None = None,
    KmsKeyIdentifier: str | None = None,
) -> dict[str, Any]:
    """Create a pipe, and have it run unless it is wanted stopped."""
    pipe = Pipe(
        name=Name,
        id=uuid(),
        account=call.account,
        region=call.region,
        arn=call.arn("pipes", f"pipe/{Name}"),
        role=RoleArn,
        source=Source,
        kind=source_kind(Source),
        target=Target,
        running=DesiredState == "RUNNING",
        created=call.now,
        modified=call.now,
        enrichment=Enrichment or None,
        source_parameters=source_parameters({}, _plain(SourceParameters or {})),
        enrichment_parameters=EnrichmentParameters or {},
        target_parameters=TargetParameters or {},
        description=Description,
        log_configuration=LogConfiguration,
        kms_key=KmsKeyIdentifier,
        tags=Tags or {},
    )
    check(pipe)
    await _check_source(call, pipe)
    await _create(_state(call), pipe)
    await call.part(RunningPipes).follow(pipe)
    return _short(pipe, "CREATING")


@service.operation
async def describe_pipe(call: Call, Name: str) -> dict[str, Any]:
    """A pipe, whole."""
    pipe = await _get(call, Name)
    answer: dict[str, Any] = {
        **_short(pipe),
        "Source": pipe.source,
        "Target": pipe.target,
        "RoleArn": pipe.role,
        "SourceParameters": _shown_source(pipe),
        "EnrichmentParameters": pipe.enrichment_parameters,
        "TargetParameters": pipe.target_parameters,
        "Tags": pipe.tags,
    }
    optional = {
        "Description": pipe.description,
        "Enrichment": pipe.enrichment,
        "LogConfiguration": pipe.log_configuration,
        "KmsKeyIdentifier": pipe.kms_key,
    }
    return {**answer, **{name: value for name, value in optional.items() if value is not None}}


@service.operation
async def list_pipes(
    call: Call,
    NamePrefix: str = "",
    DesiredState: str | None = None,
    CurrentState: str | None = None,
    SourcePrefix: str = "",
    TargetPrefix: str = "",
    NextToken: str | None = None,
    Limit: int = 100,
) -> dict[str, Any]:
    """Pipes by name."""
    found = [
        pipe
        for pipe in await _list(_state(call), call.account, call.region)
        if pipe.name.startswith(NamePrefix)
        and pipe.source.startswith(SourcePrefix)
        and pipe.target.startswith(TargetPrefix)
        and DesiredState in (None, _word(pipe))
        and CurrentState in (None, _word(pipe))
    ]
    shown, more = page(found, NextToken, Limit)
    listed = []
    for pipe in shown:
        one = {**_short(pipe), "Source": pipe.source, "Target": pipe.target}
        if pipe.enrichment is not None:
            one["Enrichment"] = pipe.enrichment
        listed.append(one)
    return {"Pipes": listed, **more}


@service.operation
async def update_pipe(
    call: Call,
    Name: str,
    RoleArn: str,
    Description: str | None = None,
    DesiredState: str | None = None,
    SourceParameters: dict[str, Any] | None = None,
    Enrichment: str | None = None,
    EnrichmentParameters: dict[str, Any] | None = None,
    Target: str | None = None,
    TargetParameters: dict[str, Any] | None = None,
    LogConfiguration: dict[str, Any] | None = None,
    KmsKeyIdentifier: str | None = None,
) -> dict[str, Any]:
    """Change what is given; the source and the place in it stay."""
    current = await _get(call, Name)
    wanted: dict[str, Any] = {
        "description": Description,
        "running": None if DesiredState is None else DesiredState == "RUNNING",
        "target": Target,
        "enrichment_parameters": EnrichmentParameters,
        "target_parameters": TargetParameters,
        "log_configuration": LogConfiguration,
        "kms_key": KmsKeyIdentifier,
    }
    changes = {name: value for name, value in wanted.items() if value is not None}
    if Enrichment is not None:
        changes["enrichment"] = Enrichment or None
    if SourceParameters is not None:
        changes["source_parameters"] = source_parameters(current.source_parameters, _plain(SourceParameters))
    pipe = msgspec.structs.replace(current, **changes, role=RoleArn, modified=call.now)
    check(pipe)
    return await _changed(call, pipe, "UPDATING")


@service.operation
async def start_pipe(call: Call, Name: str) -> dict[str, Any]:
    """Have a stopped pipe run."""
    pipe = await _get(call, Name)
    return await _changed(call, msgspec.structs.replace(pipe, running=True, modified=call.now), "STARTING")


@service.operation
async def stop_pipe(call: Call, Name: str) -> dict[str, Any]:
    """Stop a pipe; it goes on from its place when started again."""
    pipe = await _get(call, Name)
    return await _changed(call, msgspec.structs.replace(pipe, running=False, modified=call.now), "STOPPING")


@service.operation
async def delete_pipe(call: Call, Name: str) -> dict[str, Any]:
    """Stop a pipe and forget it."""
    pipe = await _get(call, Name)
    await call.part(RunningPipes).leave(pipe)
    await drop(_state(call), pipe)
    return {**_short(pipe, "DELETING"), "DesiredState": "DELETED"}


def _state(call: Call) -> Any:
    return call.doorway.state.at("", "")


def _word(pipe: Pipe) -> str:
    return "RUNNING" if pipe.running else "STOPPED"


def _short(pipe: Pipe, state: str | None = None) -> dict[str, Any]:
    return {
        "Arn": pipe.arn,
        "Name": pipe.name,
        "DesiredState": _word(pipe),
        "CurrentState": state or _word(pipe),
        "CreationTime": pipe.created,
        "LastModifiedTime": pipe.modified,
    }


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they are stored: times in epoch seconds."""
    return {
        name: value.timestamp() if isinstance(value, datetime) else _plain(value) if isinstance(value, dict) else value
        for name, value in parameters.items()
    }


def _shown_source(pipe: Pipe) -> dict[str, Any]:
    """SourceParameters with what was left out."""
    source = pipe.reading
    shown = merged({}, pipe.source_parameters)
    if pipe.kind == "sqs":
        shown["SqsQueueParameters"] = {"BatchSize": source.batch_size, **shown.get("SqsQueueParameters", {})}
    return shown


async def _check_source(call: Call, pipe: Pipe) -> None:
    looking = Principal.looking(pipe.account, pipe.kind, call.node)
    try:
        if pipe.kind == "sqs":
            await call.to_as(looking, "sqs", "GetQueueAttributes", QueueUrl=pipe.source, AttributeNames=["QueueArn"])
        elif pipe.kind == "kinesis":
            await call.to_as(looking, "kinesis", "DescribeStreamSummary", StreamARN=pipe.source)
        else:
            await call.to_as(looking, "dynamodbstreams", "DescribeStream", StreamArn=pipe.source)
    except AwsError as error:
        raise invalid(f"Source {pipe.source} cannot be read: {error.message}") from None


async def _get(call: Call, name: str) -> Pipe:
    pipe = await _find(_state(call), call.account, call.region, name)
    if pipe is None:
        raise not_found(name)
    return pipe


async def _changed(call: Call, pipe: Pipe, state: str) -> dict[str, Any]:
    await _put(_state(call), pipe)
    await call.part(RunningPipes).follow(pipe)
    return _short(pipe, state)


@transactional
async def _create(tx: Transaction, pipe: Pipe) -> None:
    if await pipes.get(tx, pipe.account, pipe.region, pipe.name) is not None:
        raise aws_error(
            "ConflictException", f"Pipe {pipe.name} already exists.", resourceId=pipe.name, resourceType="Pipe"
        )
    await pipes.put(tx, pipe)


@transactional
async def _find(tx: Transaction, account: str, region: str, name: str) -> Pipe | None:
    return await pipes.get(tx, account, region, name)


@transactional
async def _put(tx: Transaction, pipe: Pipe) -> None:
    await pipes.put(tx, pipe)


@transactional
async def _list(tx: Transaction, account: str, region: str) -> list[Pipe]:
    return list(await pipes.list(tx, account, region))
