"""Macros: functions that transform templates, declared by `AWS::CloudFormation::Macro`.

Source: "AWS::CloudFormation::Macro" and "Template macros overview" of the user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.names import uuid
from kumoi.services.cloudformation.records import Macro, macros
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


def name_of(call: ResourceCall) -> str:
    """The name that the template states."""
    return str(call.properties["Name"])


async def create(call: ResourceCall) -> Resource:
    """Declare the macro for its account and region."""
    call.required("Name", "FunctionName")
    state = call.doorway.state.at(call.account, call.region)
    await _declare(state, Macro(name_of(call), str(call.properties["FunctionName"])), bool(call.physical_id))
    return Resource(name_of(call))


update = create


async def delete(call: ResourceCall) -> None:
    """The name means nothing any more."""
    await _undeclare(call.doorway.state.at(call.account, call.region), call.physical_id)


@transactional
async def _declare(tx: Transaction, macro: Macro, known: bool) -> None:
    if not known and await macros.get(tx, macro.name) is not None:
        raise aws_error("AlreadyExistsException", f"{tx.account}::{macro.name} already exists")
    await macros.put(tx, macro)


@transactional
async def _undeclare(tx: Transaction, name: str) -> None:
    await macros.delete(tx, name)


@transactional
async def _find(tx: Transaction, name: str) -> Macro | None:
    return await macros.get(tx, name)


async def apply_macro(
    call: Call, name: str, params: Mapping[str, Any], fragment: Any, values: Mapping[str, Any]
) -> Any:
    """What a macro makes of a fragment of a template; ValidationError in AWS's words when it fails."""
    macro = await _find(call.state, name)
    if macro is None:
        raise aws_error("ValidationError", f"No transform named {name} found.")
    transform_id = f"{call.account}::{name}"
    event = {
        "region": call.region,
        "accountId": call.account,
        "fragment": fragment,
        "transformId": transform_id,
        "params": dict(params),
        "requestId": uuid(),
        "templateParameterValues": dict(values),
    }
    try:
        answer = await call.to("lambda", "Invoke", FunctionName=macro.function, Payload=orjson.dumps(event))
    except AwsError as error:
        raise _failed(transform_id, error.message) from None
    content = bytes(answer["Payload"])
    if "FunctionError" in answer:
        raise _failed(transform_id, content.decode("utf-8", "replace")[:1000])
    try:
        result = orjson.loads(content)
    except orjson.JSONDecodeError:
        result = None
    if not isinstance(result, dict) or result.get("requestId") != event["requestId"]:
        raise aws_error("ValidationError", f"Received malformed response from transform {transform_id}")
    if str(result.get("status", "")).lower() != "success":
        raise _failed(transform_id, result.get("errorMessage"))
    if "fragment" not in result:
        raise aws_error("ValidationError", f"Received malformed response from transform {transform_id}")
    return result["fragment"]


def _failed(transform_id: str, told: str | None) -> AwsError:
    end = f": {told}" if told else " without an error message."
    return aws_error("ValidationError", f"Transform {transform_id} failed{' with' if told else ''}{end}")
