"""Data sources: what a program's request makes of each kind, in the role that the source has.

Source: the "resolver mapping template reference" of each data source.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Principal
from kumoi.services.appsync.records import DataSource
from kumoi.services.appsync.resolving import endpoints, relational
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.wire.errors import AwsError

_SEARCH = {
    "AMAZON_OPENSEARCH_SERVICE": "openSearchServiceConfig",
    "AMAZON_ELASTICSEARCH": "elasticsearchConfig",
}


async def ask(
    field: Field, source: DataSource, request: Mapping[str, Any], sync: Mapping[str, Any] | None = None
) -> Any:
    """What a data source answers to a program's request; `sync` is the resolver's `syncConfig`. Raises FieldError."""
    properties = source.properties
    kind = properties["type"]
    if kind == "NONE":
        return request.get("payload")
    if kind == "AWS_LAMBDA":
        operation = request.get("operation")
        if operation != "Invoke":
            raise FieldError(f"Unsupported operation: '{operation}'.", "MappingTemplate")
        return await invoke(
            field, source, request.get("payload"), str(request.get("invocationType", "RequestResponse"))
        )
    if kind == "AMAZON_DYNAMODB":
        return await _table(field, source, request, sync or {})
    if kind == "HTTP":
        return await endpoints.ask(field, properties["httpConfig"], partial(caller, field, source), request)
    if kind in _SEARCH:
        return await endpoints.search(field, properties[_SEARCH[kind]], partial(caller, field, source), request)
    if kind == "RELATIONAL_DATABASE":

        async def execute(operation: str, **params: Any) -> Any:
            return await call_as(field, caller(field, source), "RDSHttp", "rds-data", operation, **params)

        return await relational.ask(execute, properties["relationalDatabaseConfig"], request)
    if kind == "AMAZON_EVENTBRIDGE":
        return await _events(field, source, request)
    raise FieldError(f"Kumoi has no data sources of type {kind}: there is nothing local to ask.", "NotImplemented")


def caller(field: Field, source: DataSource) -> Principal:
    """Who asks: the source's role, the client where the source uses its credentials, else AppSync itself.

    Where policies are enforced, a source without a role may do nothing, as in AWS: what AppSync itself may do is for
    its own calls, not for whoever makes a source. Raises FieldError.
    """
    call = field.asked.call
    if (source.properties.get("dynamodbConfig") or {}).get("useCallerCredentials"):
        if field.asked.caller.mode != "AWS_IAM":
            raise FieldError(f"{source.name} uses its caller's credentials: sign the request.", "UnauthorizedException")
        return call.caller
    role = source.properties.get("serviceRoleArn")
    if role:
        return Principal.of_role(call.account, role, "APPSYNC_ASSUME_ROLE", call.node)
    if call.doorway.identity.enforces:
        raise FieldError(f"{source.name} has no serviceRoleArn that could be used.", "UnauthorizedException")
    arn = call.arn("appsync", f"apis/{source.api}")
    return Principal.of_service(call.account, "appsync.amazonaws.com", call.node, arn)


async def invoke(
    field: Field, source: DataSource, payload: Any, kind: str = "RequestResponse", function: str | None = None
) -> Any:
    """What a function answers, the source's or a named one; raises FieldError."""
    answer = await call_as(
        field,
        caller(field, source),
        "Lambda",
        "lambda",
        "Invoke",
        FunctionName=function or source.properties["lambdaConfig"]["lambdaFunctionArn"],
        InvocationType=kind,
        Payload=orjson.dumps(payload),
    )
    content = answer.get("Payload") or b""
    try:
        value = orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        raise FieldError("The function's answer is no JSON.", "Lambda:IllegalArgument") from None
    if "FunctionError" in answer:
        told = value if isinstance(value, dict) else {}
        message = str(told.get("errorMessage", "The function failed."))
        raise FieldError(message, str(told.get("errorType") or "Lambda:Unhandled"))
    return value


async def _table(field: Field, source: DataSource, request: Mapping[str, Any], sync: Mapping[str, Any]) -> Any:
    from kumoi.services.appsync.resolving.tables.requests import answer
    from kumoi.services.appsync.resolving.tables.table import Table

    config = source.properties["dynamodbConfig"]

    async def operate(operation: str, **params: Any) -> Any:
        return await call_as(field, caller(field, source), "DynamoDB", "dynamodb", operation, **params)

    async def decide(function: str, event: Any) -> Any:
        return await invoke(field, source, event, function=function)

    return await answer(Table(config["tableName"], source.name, config, sync, field, operate, decide), request)


async def _events(field: Field, source: DataSource, request: Mapping[str, Any]) -> Any:
    if request.get("operation") != "PutEvents":
        raise FieldError(f"Unsupported operation '{request.get('operation')}'.", "MappingTemplate")
    events = request.get("events")
    if not isinstance(events, list) or not events or not all(isinstance(one, dict) for one in events):
        raise FieldError("PutEvents needs a list of events.", "MappingTemplate")
    entries = []
    for event in events:
        entry: dict[str, Any] = {"EventBusName": source.properties["eventBridgeConfig"]["eventBusArn"]}
        for name, member in (("source", "Source"), ("detailType", "DetailType"), ("resources", "Resources")):
            if event.get(name) is not None:
                entry[member] = event[name]
        detail = event.get("detail")
        entry["Detail"] = detail if isinstance(detail, str) else orjson.dumps(detail or {}).decode()
        if event.get("time") is not None:
            entry["Time"] = event["time"]
        entries.append(entry)
    answer = await call_as(field, caller(field, source), "EventBridge", "events", "PutEvents", Entries=entries)
    return {"Entries": answer.get("Entries", []), "FailedEntryCount": answer.get("FailedEntryCount", 0)}


async def call_as(field: Field, who: Principal, label: str, service: str, operation: str, **params: Any) -> Any:
    """Call an operation of a service; raises FieldError with the error behind it as its cause."""
    try:
        return await field.asked.call.to_as(who, service, operation, **params) or {}
    except AwsError as error:
        raise FieldError(error.message, f"{label}:{error.code}") from error
    except CallDropped:
        raise FieldError("The connection was lost.", f"{label}:ServiceUnavailable") from None
