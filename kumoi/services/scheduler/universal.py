"""Universal targets: `arn:aws:scheduler:::aws-sdk:sqs:sendMessage` with the request as JSON.

The service's model says what the request may hold. Members are matched whatever the case of their first letter; text
given for a blob is taken as it is. Source: "Using universal targets in EventBridge Scheduler".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from kumoi.delivery import DeliveryFailed, TargetCall
from kumoi.wire import OperationModel, UnknownService, Wire, timestamps
from kumoi.wire.model import Shape

PREFIX = "arn:aws:scheduler:::aws-sdk:"
READING = (
    *("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover"),
    *("validate", "batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration"),
    *("retrieve", "testConnection", "translateDocument", "isAuthorized", "invokeModel"),
)
"""How the names of operations begin that Scheduler does not call."""
_BOTOCORE = {
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentity": "cognito-identity",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
    "cloudwatchevents": "events",
    "iotdataplane": "iot-data",
    "sfn": "stepfunctions",
}
"""The SDKs' names of services where they differ from botocore's by more than hyphens."""
_PLAIN = {"string": str, "boolean": bool, "integer": int, "long": int, "short": int, "byte": int}


def is_universal(arn: str) -> bool:
    """Whether an ARN means an operation of an SDK."""
    return arn.startswith(PREFIX)


def reads(arn: str) -> bool:
    """Whether an ARN means an operation that only reads, which Scheduler refuses."""
    return arn.rpartition(":")[2].startswith(READING)


def universal_call(wire: Wire, served: Iterable[str], arn: str, text: str) -> TargetCall:
    """The call that an ARN and a request mean; DeliveryFailed when they mean none that the platform has."""
    service_id, _, action = arn.removeprefix(PREFIX).partition(":")
    service = _BOTOCORE.get(service_id) or _service(service_id, served)
    operation = _operation(wire, service, action)
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _refused("the Input is not JSON") from None
    if operation.input is None:
        return TargetCall(service, operation.name, {})
    params: dict[str, Any] = _convert(operation.input, request, operation.name)
    operation.validate(params)
    return TargetCall(service, operation.name, params)


def _service(service_id: str, served: Iterable[str]) -> str:
    for name in served:
        if name.replace("-", "") == service_id:
            return name
    raise _refused(f"Kumoi does not serve {service_id}")


def _operation(wire: Wire, service: str, action: str) -> OperationModel:
    try:
        model = wire.codec(service).model
    except UnknownService:
        raise _refused(f"there is no service {service}") from None
    for name in model.operation_names:
        if name.lower() == action.lower():
            return model.operation(name)
    raise _refused(f"{service} has no operation {action}")


def _convert(shape: Shape, value: Any, path: str) -> Any:
    """A JSON value as the operation takes it."""
    if shape.document:
        return value
    if shape.type == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        converted = {}
        for key, inner in value.items():
            name = members.get(key.lower())
            if name is None:
                raise _refused(f"{path} has no member {key}")
            converted[name] = _convert(shape.members[name], inner, f"{path}.{name}")
        return converted
    if shape.type == "list" and isinstance(value, list):
        return [_convert(shape.item, inner, f"{path}[{number}]") for number, inner in enumerate(value)]
    if shape.type == "map" and isinstance(value, dict):
        return {key: _convert(shape.value, inner, f"{path}.{key}") for key, inner in value.items()}
    if shape.type == "blob":
        return value.encode() if isinstance(value, str) else orjson.dumps(value)
    if shape.type == "timestamp":
        try:
            return timestamps.decode(value)
        except ValueError:
            raise _refused(f"{path} is not a timestamp") from None
    if shape.type in ("float", "double") and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is _PLAIN.get(shape.type):
        return value
    raise _refused(f"{path} is not a {shape.type}")


def _refused(reason: str) -> DeliveryFailed:
    return DeliveryFailed("INVALID_PARAMETER", f"The target cannot be called: {reason}.", retry=False)
