"""CloudFront functions: create, change, publish, test, describe, delete."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.configuration import reading
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.configuration.rules import check_quantities
from kumoi.services.cloudfront.edge.deployments import Deployments
from kumoi.services.cloudfront.errors import check_version, invalid
from kumoi.services.cloudfront.functions.key_values import find_by_arn
from kumoi.services.cloudfront.functions.running import logged, run, utilisation
from kumoi.services.cloudfront.lookup import all_distributions
from kumoi.services.cloudfront.naming import cloudfront_arn, location, new_id
from kumoi.services.cloudfront.operations.tags import check_untagged
from kumoi.services.cloudfront.pages import page
from kumoi.services.cloudfront.records import EdgeFunction, Stage, functions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_CODE = 10 * 1024
MAX_FUNCTIONS = 100


@cloudfront.operation
async def create_function(
    call: Call, Name: str, FunctionConfig: dict[str, Any], FunctionCode: bytes, Tags: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Create a function, in the stage DEVELOPMENT."""
    _check(FunctionConfig, FunctionCode)
    check_untagged("CloudFront functions", Tags)
    stage = Stage(etag=new_id("ETVP"), code=FunctionCode, config=FunctionConfig, modified=call.now)
    fresh = EdgeFunction(name=Name, created=call.now, development=stage)
    await _create(call.state, fresh)
    return {
        "FunctionSummary": _summary(call, fresh, "DEVELOPMENT", "UNPUBLISHED"),
        "Location": location(f"function/{Name}"),
        "ETag": stage.etag,
    }


@cloudfront.operation
async def update_function(
    call: Call, Name: str, FunctionConfig: dict[str, Any], FunctionCode: bytes, IfMatch: str | None = None
) -> dict[str, Any]:
    """Give the stage DEVELOPMENT other code and configuration."""
    _check(FunctionConfig, FunctionCode)
    changed = await _update(call.state, Name, IfMatch, FunctionConfig, FunctionCode)
    return {
        "FunctionSummary": _summary(call, changed, "DEVELOPMENT", "UNPUBLISHED"),
        "ETag": changed.development.etag,
    }


@cloudfront.operation
async def publish_function(call: Call, Name: str, IfMatch: str | None = None) -> dict[str, Any]:
    """Copy the stage DEVELOPMENT to LIVE: distributions run it from now on."""
    changed = await _publish(call.state, Name, IfMatch)
    call.part(Deployments).forget(call.account)
    return {"FunctionSummary": _summary(call, changed, "LIVE", await _status(call.state, call.account, changed))}


@cloudfront.operation
async def describe_function(call: Call, Name: str, Stage: str = "DEVELOPMENT") -> dict[str, Any]:
    """A function's configuration in a stage."""
    found = await _find(call.state, Name)
    stage = _stage(found, Stage)
    status = await _status(call.state, call.account, found)
    return {"FunctionSummary": _summary(call, found, Stage, status), "ETag": stage.etag}


@cloudfront.operation
async def get_function(call: Call, Name: str, Stage: str = "DEVELOPMENT") -> dict[str, Any]:
    """A function's code in a stage."""
    stage = _stage(await _find(call.state, Name), Stage)
    return {"FunctionCode": stage.code, "ETag": stage.etag, "ContentType": "application/octet-stream"}


@cloudfront.operation
async def list_functions(
    call: Call, Marker: str | None = None, MaxItems: str | None = None, Stage: str | None = None
) -> dict[str, Any]:
    """The account's functions; those of both stages where none is named."""
    found = await _all(call.state)
    rows = [
        (one, stage)
        for one in found
        for stage in ("DEVELOPMENT", "LIVE")
        if Stage in (None, stage) and (stage == "DEVELOPMENT" or one.live is not None)
    ]
    statuses = {one.name: await _status(call.state, call.account, one) for one in found}

    def told(row: tuple[EdgeFunction, str]) -> dict[str, Any]:
        return _summary(call, row[0], row[1], statuses[row[0].name])

    listed = page(rows, lambda row: f"{row[0].name}/{row[1]}", told, Marker, MaxItems, full=False)
    return {"FunctionList": listed}


@cloudfront.operation
async def delete_function(call: Call, Name: str, IfMatch: str | None = None) -> None:
    """Delete a function that no distribution uses."""
    await _delete(call.state, call.account, Name, IfMatch)


@cloudfront.operation
async def test_function(
    call: Call, Name: str, EventObject: bytes, IfMatch: str | None = None, Stage: str = "DEVELOPMENT"
) -> dict[str, Any]:
    """Run a function on an event; what it throws is told in the result. Nothing is logged."""
    found = await _find(call.state, Name)
    stage = _stage(found, Stage)
    check_version(stage.etag, IfMatch)
    try:
        event = orjson.loads(EventObject)
    except orjson.JSONDecodeError:
        raise invalid("The parameter EventObject is not valid: it must be JSON.") from None
    if not isinstance(event, dict):
        raise invalid("The parameter EventObject is not valid: it must be a JSON object.")
    outcome = await run(call, found, stage, call.account, event)
    result: dict[str, Any] = {
        "FunctionSummary": _summary(call, found, Stage, await _status(call.state, call.account, found)),
        "ComputeUtilization": str(utilisation(outcome)),
        "FunctionExecutionLogs": logged(outcome),
        "FunctionErrorMessage": "",
        "FunctionOutput": "",
    }
    if outcome.error is not None:
        result["FunctionErrorMessage"] = (
            "The CloudFront function associated with the CloudFront distribution is invalid or could not run. "
            f"{outcome.error}"
        )
        return {"TestResult": result}
    value = None if outcome.value is None else orjson.loads(outcome.value)
    if not isinstance(value, dict):
        result["FunctionErrorMessage"] = "The function must return a request or a response object."
        return {"TestResult": result}
    kind = "response" if "statusCode" in value else "request"
    result["FunctionOutput"] = orjson.dumps({kind: value}).decode()
    return {"TestResult": result}


def _check(config: dict[str, Any], code: bytes) -> None:
    check_quantities(config)
    if not code:
        raise invalid("The parameter FunctionCode is empty.")
    if len(code) > MAX_CODE:
        raise aws_error("FunctionSizeLimitExceeded", "The function code size exceeds the maximum of 10 KB.", status=413)
    stores = items(config.get("KeyValueStoreAssociations"))
    if len(stores) > 1:
        raise invalid("A function can be associated with one key value store.")
    if stores and config["Runtime"] != "cloudfront-js-2.0":
        raise invalid("Key value stores need the runtime cloudfront-js-2.0.")


def _summary(call: Call, one: EdgeFunction, stage: str, status: str) -> dict[str, Any]:
    kept = _stage(one, stage)
    if stage == "DEVELOPMENT" and (one.live is None or one.live.etag != one.development.etag):
        status = "UNPUBLISHED"
    return {
        "Name": one.name,
        "Status": status,
        "FunctionConfig": kept.config,
        "FunctionMetadata": {
            "FunctionARN": cloudfront_arn(call.account, f"function/{one.name}"),
            "Stage": stage,
            "CreatedTime": one.created,
            "LastModifiedTime": kept.modified,
        },
    }


def _stage(one: EdgeFunction, stage: str) -> Stage:
    found = one.live if stage == "LIVE" else one.development
    if found is None:
        raise _missing()
    return found


def _missing() -> Exception:
    return aws_error("NoSuchFunctionExists", "The specified function does not exist.", status=404)


@transactional
async def _status(tx: Transaction, account: str, one: EdgeFunction) -> str:
    if one.live is None:
        return "UNPUBLISHED"
    return "DEPLOYED" if await _in_use(tx, account, one.name) else "UNASSOCIATED"


async def _in_use(tx: Transaction, account: str, name: str) -> bool:
    arn = cloudfront_arn(account, f"function/{name}")
    return any(any(used == arn for _, used in reading.functions(one.config)) for one in await all_distributions(tx))


@transactional
async def _find(tx: Transaction, name: str) -> EdgeFunction:
    found = await functions.get(tx, name)
    if found is None:
        raise _missing()
    return found


@transactional
async def _all(tx: Transaction) -> list[EdgeFunction]:
    return await functions.list(tx)


@transactional
async def _create(tx: Transaction, fresh: EdgeFunction) -> None:
    if await functions.get(tx, fresh.name) is not None:
        raise aws_error("FunctionAlreadyExists", "A function with the same name already exists.", status=409)
    if len(await functions.list(tx)) >= MAX_FUNCTIONS:
        raise aws_error("TooManyFunctions", "You have reached the maximum number of CloudFront functions.", status=400)
    await _check_stores(tx, fresh.development.config)
    await functions.put(tx, fresh)


async def _check_stores(tx: Transaction, config: dict[str, Any]) -> None:
    for one in items(config.get("KeyValueStoreAssociations")):
        if await find_by_arn(tx, one["KeyValueStoreARN"]) is None:
            raise aws_error("EntityNotFound", "The key value store entity was not found.", status=404)


@transactional
async def _update(
    tx: Transaction, name: str, if_match: str | None, config: dict[str, Any], code: bytes
) -> EdgeFunction:
    found = await _find(tx, name)
    check_version(found.development.etag, if_match)
    await _check_stores(tx, config)
    stage = Stage(etag=new_id("ETVP"), code=code, config=config, modified=tx.now)
    changed = msgspec.structs.replace(found, development=stage)
    await functions.put(tx, changed)
    return changed


@transactional
async def _publish(tx: Transaction, name: str, if_match: str | None) -> EdgeFunction:
    found = await _find(tx, name)
    check_version(found.development.etag, if_match)
    changed = msgspec.structs.replace(found, live=msgspec.structs.replace(found.development, modified=tx.now))
    await functions.put(tx, changed)
    return changed


@transactional
async def _delete(tx: Transaction, account: str, name: str, if_match: str | None) -> None:
    found = await _find(tx, name)
    check_version(found.development.etag, if_match)
    if await _in_use(tx, account, name):
        raise aws_error(
            "FunctionInUse",
            "Cannot delete the function because it's attached to one or more cache behaviors.",
            status=409,
        )
    await functions.delete(tx, name)
