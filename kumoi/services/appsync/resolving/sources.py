"""Data sources: what a program's request makes of each kind, in the role that the source has.

Source: the "resolver mapping template reference" of each data source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import CallDropped, Principal
from kumoi.services.appsync.records import DataSource
from kumoi.services.appsync.resolving import dynamodb
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.wire.errors import AwsError


async def ask(field: Field, source: DataSource, request: Mapping[str, Any]) -> Any:
    """What a data source answers to a program's request; raises FieldError."""
    kind = source.properties["type"]
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
        config = source.properties["dynamodbConfig"]
        if config.get("versioned"):
            raise FieldError("Kumoi does not implement versioned data sources yet.", "NotImplemented")

        async def operate(operation: str, **params: Any) -> Any:
            return await _call(field, source, "DynamoDB", "dynamodb", operation, **params)

        return await dynamodb.answer(operate, config["tableName"], request)
    raise FieldError(f"Kumoi does not implement data sources of type {kind} yet.", "NotImplemented")


async def invoke(field: Field, source: DataSource, payload: Any, kind: str = "RequestResponse") -> Any:
    """What a function answers; raises FieldError."""
    answer = await _call(
        field,
        source,
        "Lambda",
        "lambda",
        "Invoke",
        FunctionName=source.properties["lambdaConfig"]["lambdaFunctionArn"],
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


async def _call(field: Field, source: DataSource, label: str, service: str, operation: str, **params: Any) -> Any:
    call = field.asked.call
    role = source.properties.get("serviceRoleArn")
    if role:
        caller = Principal.of_role(call.account, role, "APPSYNC_ASSUME_ROLE", call.node)
    else:
        arn = call.arn("appsync", f"apis/{source.api}")
        caller = Principal.of_service(call.account, "appsync.amazonaws.com", call.node, arn)
    try:
        return await call.to_as(caller, service, operation, **params) or {}
    except AwsError as error:
        raise FieldError(error.message, f"{label}:{error.code}") from None
    except CallDropped:
        raise FieldError("The connection was lost.", f"{label}:ServiceUnavailable") from None
