"""Event source mappings: create, get, update, delete, list. What they do is `kumoi.services.lambda_.event_sources`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from kumoi.doorway import Call, Principal
from kumoi.event_sources import Kind, checkpoints
from kumoi.event_sources.filters import is_pattern
from kumoi.names import uuid
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.event_sources.manager import EventSources
from kumoi.services.lambda_.event_sources.records import Mapping, mappings
from kumoi.services.lambda_.identifiers import bare_name
from kumoi.services.lambda_.operations.find import Found, find
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

PAGE = 100
MAX_FILTERS = 10
MIN_AGE = 60
_KINDS: dict[str, Kind] = {"sqs": "sqs", "dynamodb": "dynamodb", "kinesis": "kinesis"}
_KEPT = ("KMSKeyArn", "MetricsConfig", "LoggingConfig", "ProvisionedPollerConfig")


@lambda_.operation
async def create_event_source_mapping(
    call: Call,
    FunctionName: str,
    EventSourceArn: str | None = None,
    Enabled: bool = True,
    BatchSize: int | None = None,
    FilterCriteria: dict[str, Any] | None = None,
    MaximumBatchingWindowInSeconds: int = 0,
    ParallelizationFactor: int = 1,
    StartingPosition: str | None = None,
    StartingPositionTimestamp: datetime | float | None = None,
    DestinationConfig: dict[str, Any] | None = None,
    MaximumRecordAgeInSeconds: int = -1,
    BisectBatchOnFunctionError: bool = False,
    MaximumRetryAttempts: int = -1,
    Tags: dict[str, str] | None = None,
    TumblingWindowInSeconds: int = 0,
    FunctionResponseTypes: list[str] | None = None,
    ScalingConfig: dict[str, int] | None = None,
    KMSKeyArn: str | None = None,
    MetricsConfig: dict[str, Any] | None = None,
    LoggingConfig: dict[str, Any] | None = None,
    ProvisionedPollerConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Have a queue's or a stream's records start a function."""
    kind = _kind(EventSourceArn)
    found = await _function(call, FunctionName)
    given = locals()
    mapping = Mapping(
        uuid=uuid(),
        account=call.account,
        region=call.region,
        source_arn=EventSourceArn or "",
        kind=kind,
        function=found.identifier.name,
        function_arn=found.identifier.arn,
        enabled=Enabled,
        batch_size=BatchSize or (10 if kind == "sqs" else 100),
        window=MaximumBatchingWindowInSeconds,
        last_modified=call.now,
        filters=_patterns(FilterCriteria),
        response_types=tuple(FunctionResponseTypes or ()),
        max_concurrency=(ScalingConfig or {}).get("MaximumConcurrency"),
        on_failure=_on_failure(DestinationConfig),
        starting_position=StartingPosition,
        starting_timestamp=_seconds(StartingPositionTimestamp),
        parallelization=ParallelizationFactor,
        max_retries=MaximumRetryAttempts,
        max_age=MaximumRecordAgeInSeconds,
        bisect=BisectBatchOnFunctionError,
        tumbling_window=TumblingWindowInSeconds,
        tags=Tags or {},
        extras={member: given[member] for member in _KEPT if given[member] is not None},
    )
    _check(mapping, DestinationConfig)
    await _check_source(call, mapping, found)
    await _create(call.doorway.state.at("", ""), mapping)
    await call.part(EventSources).follow(mapping)
    return describe(call, mapping, "Creating")


@lambda_.operation
async def get_event_source_mapping(call: Call, UUID: str) -> dict[str, Any]:
    """One mapping."""
    return describe(call, await _get(call, UUID))


@lambda_.operation
async def list_event_source_mappings(
    call: Call,
    EventSourceArn: str | None = None,
    FunctionName: str | None = None,
    Marker: str | None = None,
    MaxItems: int = PAGE,
) -> dict[str, Any]:
    """The mappings of a source, a function, or all."""
    name = None if FunctionName is None else bare_name(FunctionName)
    found = [
        mapping
        for mapping in await _list(call.doorway.state.at("", ""), call.account, call.region, Marker)
        if (EventSourceArn in (None, mapping.source_arn)) and (name in (None, mapping.function))
    ]
    page = min(MaxItems, PAGE)
    answer: dict[str, Any] = {"EventSourceMappings": [describe(call, mapping) for mapping in found[:page]]}
    if len(found) > page:
        answer["NextMarker"] = found[page - 1].uuid
    return answer


@lambda_.operation
async def update_event_source_mapping(
    call: Call,
    UUID: str,
    FunctionName: str | None = None,
    Enabled: bool | None = None,
    BatchSize: int | None = None,
    FilterCriteria: dict[str, Any] | None = None,
    MaximumBatchingWindowInSeconds: int | None = None,
    DestinationConfig: dict[str, Any] | None = None,
    MaximumRecordAgeInSeconds: int | None = None,
    BisectBatchOnFunctionError: bool | None = None,
    MaximumRetryAttempts: int | None = None,
    ParallelizationFactor: int | None = None,
    TumblingWindowInSeconds: int | None = None,
    FunctionResponseTypes: list[str] | None = None,
    ScalingConfig: dict[str, int] | None = None,
    KMSKeyArn: str | None = None,
    MetricsConfig: dict[str, Any] | None = None,
    LoggingConfig: dict[str, Any] | None = None,
    ProvisionedPollerConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change what is given of a mapping; its place in a stream stays."""
    given = locals()
    current = await _get(call, UUID)
    wanted = {
        "enabled": Enabled,
        "batch_size": BatchSize,
        "window": MaximumBatchingWindowInSeconds,
        "max_age": MaximumRecordAgeInSeconds,
        "bisect": BisectBatchOnFunctionError,
        "max_retries": MaximumRetryAttempts,
        "parallelization": ParallelizationFactor,
        "tumbling_window": TumblingWindowInSeconds,
        "filters": None if FilterCriteria is None else _patterns(FilterCriteria),
        "response_types": None if FunctionResponseTypes is None else tuple(FunctionResponseTypes),
    }
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if ScalingConfig is not None:
        changes["max_concurrency"] = ScalingConfig.get("MaximumConcurrency")
    if DestinationConfig is not None:
        changes["on_failure"] = _on_failure(DestinationConfig)
    if FunctionName is not None:
        found = await _function(call, FunctionName)
        changes |= {"function": found.identifier.name, "function_arn": found.identifier.arn}
    kept = {member: given[member] for member in _KEPT if given[member] is not None}
    extras = {**current.extras, **kept}
    changes["extras"] = {member: value for member, value in extras.items() if value not in ({}, {"Metrics": []})}
    mapping = msgspec.structs.replace(current, **changes, last_modified=call.now)
    _check(mapping, DestinationConfig)
    await _put(call.doorway.state.at("", ""), mapping)
    await call.part(EventSources).follow(mapping)
    return describe(call, mapping, "Updating" if mapping.enabled == current.enabled else _going(mapping))


@lambda_.operation
async def delete_event_source_mapping(call: Call, UUID: str) -> dict[str, Any]:
    """Stop a mapping and forget it; batches under way are finished."""
    mapping = await _get(call, UUID)
    await _delete(call.doorway.state.at("", ""), mapping)
    await call.part(EventSources).leave(mapping.uuid)
    return describe(call, mapping, "Deleting")


def describe(call: Call, mapping: Mapping, state: str | None = None) -> dict[str, Any]:
    """A mapping as the API has it."""
    stream = mapping.kind != "sqs"
    answer: dict[str, Any] = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": call.arn("lambda", f"event-source-mapping:{mapping.uuid}"),
        "EventSourceArn": mapping.source_arn,
        "FunctionArn": mapping.function_arn,
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": mapping.window,
        "LastModified": mapping.last_modified,
        "State": state or ("Enabled" if mapping.enabled else "Disabled"),
        "StateTransitionReason": "User action" if stream else "USER_INITIATED",
        "FunctionResponseTypes": list(mapping.response_types),
        **mapping.extras,
    }
    if mapping.filters:
        answer["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in mapping.filters]}
    if mapping.max_concurrency is not None:
        answer["ScalingConfig"] = {"MaximumConcurrency": mapping.max_concurrency}
    if stream:
        answer |= {
            "LastProcessingResult": call.part(EventSources).results.get(mapping.uuid, "No records processed"),
            "ParallelizationFactor": mapping.parallelization,
            "StartingPosition": mapping.starting_position,
            "MaximumRecordAgeInSeconds": mapping.max_age,
            "MaximumRetryAttempts": mapping.max_retries,
            "BisectBatchOnFunctionError": mapping.bisect,
            "TumblingWindowInSeconds": mapping.tumbling_window,
            "DestinationConfig": {"OnFailure": {"Destination": mapping.on_failure} if mapping.on_failure else {}},
        }
        if mapping.starting_timestamp is not None:
            answer["StartingPositionTimestamp"] = mapping.starting_timestamp
    return answer


def _going(mapping: Mapping) -> str:
    return "Enabling" if mapping.enabled else "Disabling"


def _kind(source: str | None) -> Kind:
    service = (source or "").split(":")[2] if (source or "").count(":") >= 5 else ""
    if service not in _KINDS:
        raise invalid("Unrecognized event source.")
    return _KINDS[service]


async def _function(call: Call, FunctionName: str) -> Found:
    try:
        return await find(call, FunctionName)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            raise invalid("Function does not exist") from None
        raise


def _patterns(criteria: dict[str, Any] | None) -> tuple[str, ...]:
    patterns = tuple(one.get("Pattern", "") for one in (criteria or {}).get("Filters") or ())
    if len(patterns) > MAX_FILTERS:
        raise invalid(f"Filter count exceeds the limit of {MAX_FILTERS}.")
    if not all(map(is_pattern, patterns)):
        raise invalid("Invalid filter pattern definition.")
    return patterns


def _on_failure(destinations: dict[str, Any] | None) -> str | None:
    target: str | None = ((destinations or {}).get("OnFailure") or {}).get("Destination")
    return target


def _seconds(when: datetime | float | None) -> float | None:
    return when.timestamp() if isinstance(when, datetime) else when


def _check(mapping: Mapping, destinations: dict[str, Any] | None) -> None:
    """Refuse what Lambda refuses of a mapping, beyond the model's bounds."""
    if mapping.kind == "sqs":
        fifo = mapping.source_arn.endswith(".fifo")
        if mapping.batch_size > 10 and (fifo or mapping.window < 1):
            reason = (
                "BatchSize must be at most 10 for a FIFO queue."
                if fifo
                else "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
            )
            raise invalid(reason)
        if fifo and mapping.window:
            raise invalid("Batching window is not supported for FIFO queues")
        for parameter, given in (
            ("DestinationConfig", bool(destinations)),
            ("ParallelizationFactor", mapping.parallelization != 1),
            ("MaximumRecordAgeInSeconds", mapping.max_age != -1),
            ("MaximumRetryAttempts", mapping.max_retries != -1),
            ("BisectBatchOnFunctionError", mapping.bisect),
            ("TumblingWindowInSeconds", mapping.tumbling_window > 0),
        ):
            if given:
                raise invalid(f"Unsupported {parameter} parameter for given event source mapping type.")
        if mapping.starting_position is not None:
            raise invalid("StartingPosition is not valid for SQS event sources.")
        return
    if destinations and "OnSuccess" in destinations:
        raise invalid("Unsupported DestinationConfig parameter for given event source mapping type.")
    if -1 < mapping.max_age < MIN_AGE:
        raise invalid(f"MaximumRecordAgeInSeconds must be -1 or at least {MIN_AGE}.")
    if mapping.max_concurrency is not None:
        raise invalid("ScalingConfig is only supported for SQS event sources.")
    if mapping.starting_position is None:
        raise aws_error(
            "ValidationException",
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null.",
        )
    if mapping.kind == "dynamodb" and mapping.starting_position == "AT_TIMESTAMP":
        raise invalid(f"Unsupported starting position for arn type: {mapping.source_arn}")
    if mapping.starting_position == "AT_TIMESTAMP" and mapping.starting_timestamp is None:
        raise invalid("StartingPositionTimestamp is required when StartingPosition is AT_TIMESTAMP.")


async def _check_source(call: Call, mapping: Mapping, found: Found) -> None:
    """Raise Lambda's error for a source that cannot be read."""
    looking = Principal.looking(call.account, mapping.kind, call.node)
    if mapping.kind == "sqs":
        asked = {"QueueUrl": mapping.source_arn, "AttributeNames": ["VisibilityTimeout"]}
        try:
            answer = await call.to_as(looking, "sqs", "GetQueueAttributes", **asked)
        except AwsError as error:
            code = "AWS.SimpleQueueService.NonExistentQueue" if "DoesNotExist" in error.code else error.code
            raise invalid(
                f"Error occurred while ReceiveMessage. SQS Error Code: {code}. SQS Error Message: {error.message}"
            ) from None
        visible = int(answer["Attributes"]["VisibilityTimeout"])
        if visible < found.function.timeout:
            raise invalid(
                f"Queue visibility timeout: {visible} seconds is less than Function timeout: "
                f"{found.function.timeout} seconds"
            )
        return
    try:
        if mapping.kind == "kinesis":
            await call.to_as(looking, "kinesis", "DescribeStreamSummary", StreamARN=mapping.source_arn)
        else:
            await call.to_as(looking, "dynamodbstreams", "DescribeStream", StreamArn=mapping.source_arn)
    except AwsError as error:
        raise invalid(f"Stream not found: {mapping.source_arn} ({error.message})") from None


@transactional
async def _create(tx: Transaction, mapping: Mapping) -> None:
    for other in await mappings.list(tx, mapping.account, mapping.region):
        if (other.source_arn, other.function) == (mapping.source_arn, mapping.function):
            what = "mapping " if mapping.kind != "sqs" else ""
            source = "The event source arn" if mapping.kind != "sqs" else "An event source mapping with SQS arn"
            named = (
                f'{source} (" {mapping.source_arn} ") and function (" {mapping.function} ") provided {what}'
                if what
                else f'{source} (" {mapping.source_arn} ") and function (" {mapping.function} ") '
            )
            raise aws_error(
                "ResourceConflictException",
                f"{named}already exists. Please update or delete the existing mapping with UUID {other.uuid}",
                Type="User",
            )
    await mappings.put(tx, mapping)


async def _get(call: Call, identifier: str) -> Mapping:
    mapping = await _find(call.doorway.state.at("", ""), call.account, call.region, identifier)
    if mapping is None:
        raise aws_error("ResourceNotFoundException", "The resource you requested does not exist.", Type="User")
    return mapping


@transactional
async def _find(tx: Transaction, account: str, region: str, identifier: str) -> Mapping | None:
    return await mappings.get(tx, account, region, identifier)


@transactional
async def _put(tx: Transaction, mapping: Mapping) -> None:
    await mappings.put(tx, mapping)


@transactional
async def _delete(tx: Transaction, mapping: Mapping) -> None:
    await mappings.delete(tx, mapping.account, mapping.region, mapping.uuid)
    await checkpoints.delete_all(tx, mapping.uuid)


@transactional
async def _list(tx: Transaction, account: str, region: str, after: str | None) -> list[Mapping]:
    bound = None if after is None else (account, region, after)
    return await mappings.list(tx, account, region, after=bound)
