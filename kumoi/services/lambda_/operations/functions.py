"""CreateFunction, GetFunction, UpdateFunctionCode and their kin: functions as configuration."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.code import CodeStore
from kumoi.services.lambda_.configuration import (
    STORED_WITHOUT_EFFECT,
    check,
    check_layers,
    describe,
    describe_created,
    describe_updated,
    invalid,
    logging_of,
)
from kumoi.services.lambda_.executor import Executor
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier
from kumoi.services.lambda_.operations.find import (
    check_revision,
    find,
    find_head,
    find_version,
    identify,
    latest_only,
)
from kumoi.services.lambda_.operations.versions import publish
from kumoi.services.lambda_.records import Code, Function, FunctionHead, heads, versions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Response

HOT_RELOAD_BUCKET = "hot-reload"
"""S3Bucket that means: S3Key is a directory of this machine (a convention of local clouds)."""

DOWNLOAD_SECONDS = 600
PAGE = 50


@lambda_.operation
async def create_function(
    call: Call,
    FunctionName: str,
    Role: str,
    Code: dict[str, Any],
    Runtime: str | None = None,
    Handler: str | None = None,
    Description: str = "",
    Timeout: int = 3,
    MemorySize: int = 128,
    Publish: bool = False,
    PackageType: str = "Zip",
    Environment: dict[str, Any] | None = None,
    TracingConfig: dict[str, str] | None = None,
    Tags: dict[str, str] | None = None,
    Layers: list[str] | None = None,
    Architectures: list[str] | None = None,
    EphemeralStorage: dict[str, int] | None = None,
    LoggingConfig: dict[str, str] | None = None,
    VpcConfig: dict[str, Any] | None = None,
    DeadLetterConfig: dict[str, Any] | None = None,
    KMSKeyArn: str | None = None,
    FileSystemConfigs: list[dict[str, Any]] | None = None,
    SnapStart: dict[str, Any] | None = None,
    CodeSigningConfigArn: str | None = None,
) -> dict[str, Any]:
    """Create a function from a zip (inline or in S3) or a local directory; it is Active by the next request."""
    identifier = identify(call, FunctionName)
    latest_only(identifier)
    if PackageType != "Zip":
        raise aws_error("NotImplemented", "Kumoi runs functions of PackageType Zip; container images are not built.")
    if Runtime is None or Handler is None:
        missing = "Runtime" if Runtime is None else "Handler"
        raise invalid(f"{missing} is mandatory for functions created with deployment packages.")
    check_layers(Layers)
    function = Function(
        name=identifier.name,
        code=await _store_code(call, Code),
        runtime=Runtime,
        role=Role,
        handler=Handler,
        description=Description,
        timeout=Timeout,
        memory_size=MemorySize,
        tmp_size=(EphemeralStorage or {}).get("Size", 512),
        environment=None if Environment is None else Environment.get("Variables", {}),
        architectures=tuple(Architectures or ("x86_64",)),
        logging=logging_of(identifier.name, LoggingConfig),
        tracing_mode=(TracingConfig or {}).get("Mode", "PassThrough"),
        revision_id=uuid(),
        last_modified=call.now,
        extras=_extras({}, locals()),
    )
    check(function)
    created = await _create(call.state, identifier, function, Tags or {}, Publish)
    return describe_created(created, call.account, call.region, uuid())


@transactional
async def _create(
    tx: Transaction, identifier: FunctionIdentifier, function: Function, tags: dict[str, str], published: bool
) -> Function:
    if await heads.get(tx, function.name) is not None:
        raise aws_error("ResourceConflictException", f"Function already exist: {function.name}", Type="User")
    await heads.put(tx, FunctionHead(function.name, tags=tags))
    await versions.put(tx, function)
    return await publish(tx, identifier, function, function.description) if published else function


@lambda_.operation
async def get_function(call: Call, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
    """A function's configuration, where its code can be downloaded, its tags."""
    found = await find(call, FunctionName, Qualifier)
    answer: dict[str, Any] = {
        "Configuration": _described(call, found.identifier, found.function),
        "Code": {"RepositoryType": "S3", "Location": _download_url(call, found.function)},
    }
    head = await _head(call.state, found.identifier)
    if head.tags:
        answer["Tags"] = head.tags
    return answer


@lambda_.operation
async def get_function_configuration(call: Call, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
    """A function's configuration."""
    found = await find(call, FunctionName, Qualifier)
    return _described(call, found.identifier, found.function)


@lambda_.operation
async def list_functions(
    call: Call,
    MasterRegion: str | None = None,
    FunctionVersion: str | None = None,
    Marker: str | None = None,
    MaxItems: int = PAGE,
) -> dict[str, Any]:
    """The account's functions by name, 50 a page; `FunctionVersion=ALL` lists each version."""
    page = min(MaxItems, PAGE)
    after = _read_marker(Marker)
    rows = await _list(call.state, after, page + 1, FunctionVersion == "ALL")
    functions = [
        describe(function, call.account, call.region, qualified=FunctionVersion == "ALL") for function in rows[:page]
    ]
    answer: dict[str, Any] = {"Functions": functions}
    if len(rows) > page:
        answer["NextMarker"] = _marker(rows[page - 1])
    return answer


@lambda_.operation
async def update_function_code(
    call: Call,
    FunctionName: str,
    ZipFile: bytes | None = None,
    S3Bucket: str | None = None,
    S3Key: str | None = None,
    S3ObjectVersion: str | None = None,
    ImageUri: str | None = None,
    Architectures: list[str] | None = None,
    Publish: bool = False,
    DryRun: bool = False,
    RevisionId: str | None = None,
) -> dict[str, Any]:
    """Give `$LATEST` other code; `DryRun` only says what would be."""
    identifier = identify(call, FunctionName)
    latest_only(identifier)
    current = (await find(call, FunctionName)).function
    check_revision(current, RevisionId)
    if ImageUri is not None:
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    source = {"ZipFile": ZipFile, "S3Bucket": S3Bucket, "S3Key": S3Key, "S3ObjectVersion": S3ObjectVersion}
    code = await _store_code(call, {member: value for member, value in source.items() if value is not None})
    changes: dict[str, Any] = {"code": code}
    if Architectures:
        changes["architectures"] = tuple(Architectures)
    if DryRun:
        return describe(msgspec.structs.replace(current, **changes), call.account, call.region)
    updated = await _update(call.state, identifier, RevisionId, changes, call.now, Publish)
    call.part(Executor).retire(call.account, call.region, identifier.name)
    return describe_updated(updated, call.account, call.region)


@lambda_.operation
async def update_function_configuration(
    call: Call,
    FunctionName: str,
    Role: str | None = None,
    Handler: str | None = None,
    Description: str | None = None,
    Timeout: int | None = None,
    MemorySize: int | None = None,
    Environment: dict[str, Any] | None = None,
    Runtime: str | None = None,
    TracingConfig: dict[str, str] | None = None,
    RevisionId: str | None = None,
    Layers: list[str] | None = None,
    EphemeralStorage: dict[str, int] | None = None,
    LoggingConfig: dict[str, str] | None = None,
    VpcConfig: dict[str, Any] | None = None,
    DeadLetterConfig: dict[str, Any] | None = None,
    KMSKeyArn: str | None = None,
    FileSystemConfigs: list[dict[str, Any]] | None = None,
    SnapStart: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change what is given of `$LATEST`'s configuration; the rest stays."""
    identifier = identify(call, FunctionName)
    latest_only(identifier)
    current = (await find(call, FunctionName)).function
    check_revision(current, RevisionId)
    check_layers(Layers)
    wanted = {
        "role": Role,
        "handler": Handler,
        "description": Description,
        "timeout": Timeout,
        "memory_size": MemorySize,
        "runtime": Runtime,
        "environment": None if Environment is None else Environment.get("Variables", {}),
        "tracing_mode": (TracingConfig or {}).get("Mode"),
        "tmp_size": (EphemeralStorage or {}).get("Size"),
    }
    changes = {name: value for name, value in wanted.items() if value is not None}
    changes["logging"] = logging_of(identifier.name, LoggingConfig, current.logging)
    changes["extras"] = _extras(current.extras, locals())
    check(msgspec.structs.replace(current, **changes))
    updated = await _update(call.state, identifier, RevisionId, changes, call.now, False)
    call.part(Executor).retire(call.account, call.region, identifier.name)
    return describe_updated(updated, call.account, call.region)


@lambda_.operation
async def delete_function(call: Call, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
    """Delete a function with all its versions, or one published version."""
    identifier = identify(call, FunctionName, Qualifier)
    await _delete(call.state, identifier)
    call.part(Executor).retire(call.account, call.region, identifier.name)
    return {"StatusCode": 204}


@lambda_.operation
async def get_account_settings(call: Call) -> dict[str, Any]:
    """The account's limits, and how much of them is used."""
    functions = await _list(call.state, None, None, True)
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": 1000,
            "UnreservedConcurrentExecutions": 1000,
        },
        "AccountUsage": {
            "TotalCodeSize": sum(function.code.size for function in functions),
            "FunctionCount": sum(function.version == LATEST for function in functions),
        },
    }


@lambda_.data_plane("lambda-code")
async def download_code(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """Answer the download URL of GetFunction: `/_kumoi/lambda-code/<ticket>/<account>/<region>/<name>/<number>`."""
    try:
        ticket, account, region, name, number = path.removeprefix("/_kumoi/lambda-code/").split("/")
        function = await _version(call.doorway.state.at(account, region), name, int(number))
    except ValueError:
        function = None
    if function is None or not call.doorway.identity.honours(ticket, f"{account}/{region}/{name}/{number}"):
        raise aws_error("AccessDenied", "Request has expired, or it was never signed.")
    if function.code.directory:
        raise aws_error("NotImplemented", f"The code lies on this machine: {function.code.directory}")
    package = await call.part(CodeStore).package(function.code)
    return Response(200, [("Content-Type", "application/zip")], package)


@transactional
async def _head(tx: Transaction, identifier: FunctionIdentifier) -> FunctionHead:
    return await find_head(tx, identifier)


@transactional
async def _version(tx: Transaction, name: str, number: int) -> Function | None:
    return await versions.get(tx, name, number)


@transactional
async def _list(
    tx: Transaction, after: tuple[str, int] | None, limit: int | None, every_version: bool
) -> list[Function]:
    """Functions in the order of their names, after a (name, number); only `$LATEST` unless every version is wanted."""
    if every_version:
        return await versions.list(tx, after=after, limit=limit)
    names = await heads.list(tx, after=None if after is None else (after[0],), limit=limit)
    found = [await versions.get(tx, head.name, 0) for head in names]
    return [function for function in found if function is not None]


@transactional
async def _update(
    tx: Transaction,
    identifier: FunctionIdentifier,
    revision_id: str | None,
    changes: dict[str, Any],
    now: float,
    published: bool,
) -> Function:
    current = await find_version(tx, identifier)
    check_revision(current, revision_id)
    updated = msgspec.structs.replace(current, **changes, revision_id=uuid(), last_modified=now)
    await versions.put(tx, updated)
    return await publish(tx, identifier, updated, updated.description) if published else updated


@transactional
async def _delete(tx: Transaction, identifier: FunctionIdentifier) -> None:
    qualifier = identifier.qualifier
    head = await find_head(tx, identifier)
    if qualifier is None:
        await heads.delete(tx, head.name)
        await versions.delete_all(tx, head.name)
    elif qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    elif qualifier.isdigit():
        await versions.delete(tx, head.name, int(qualifier))
    else:
        raise invalid(f"Deletion of aliases is not currently supported: {identifier.arn}")


async def _store_code(call: Call, source: dict[str, Any]) -> Code:
    """Store the package a request brings or points at."""
    store = call.part(CodeStore)
    if source.get("ZipFile"):
        return await store.add(source["ZipFile"])
    bucket, key = source.get("S3Bucket"), source.get("S3Key")
    if bucket is None or key is None:
        raise invalid("Please provide a source for function code.")
    if bucket == HOT_RELOAD_BUCKET:
        return await store.local(key)
    where = {"Bucket": bucket, "Key": key}
    if source.get("S3ObjectVersion"):
        where["VersionId"] = source["S3ObjectVersion"]
    answer = await call.to("s3", "GetObject", **where)
    body = answer["Body"]
    return await store.add(body if isinstance(body, bytes) else b"".join([piece async for piece in body]))


def _extras(current: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The members that are kept without effect: what there was, and what a request gives anew."""
    extras = dict(current)
    for member in STORED_WITHOUT_EFFECT:
        if given.get(member) is not None:
            extras[member] = given[member]
    if "VpcConfig" in extras:
        extras["VpcConfig"] = {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", **extras["VpcConfig"]}
    return extras


def _described(call: Call, identifier: FunctionIdentifier, function: Function) -> dict[str, Any]:
    return describe(function, identifier.account, identifier.region, qualified=identifier.qualifier is not None)


def _download_url(call: Call, function: Function) -> str:
    what = f"{call.account}/{call.region}/{function.name}/{function.number}"
    ticket = call.doorway.identity.ticket(what, call.now + DOWNLOAD_SECONDS)
    return f"{call.doorway.endpoint}/_kumoi/lambda-code/{ticket}/{what}"


def _marker(function: Function) -> str:
    return base64.urlsafe_b64encode(f"{function.name}:{function.number}".encode()).decode()


def _read_marker(marker: str | None) -> tuple[str, int] | None:
    if marker is None:
        return None
    try:
        name, _, number = base64.urlsafe_b64decode(marker).decode().partition(":")
        return name, int(number)
    except (binascii.Error, ValueError):
        raise invalid("Invalid Marker: use the NextMarker of an earlier answer.") from None
