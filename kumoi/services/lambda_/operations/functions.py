"""CreateFunction, GetFunction, UpdateFunctionCode and their kin: functions as configuration."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import (
    KEPT_AS_GIVEN,
    check,
    describe,
    describe_created,
    describe_updated,
    invalid,
    logging_of,
)
from kumoi.services.lambda_.download import download_url
from kumoi.services.lambda_.executor import Executor
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier, version_number
from kumoi.services.lambda_.operations.aliases import forget_qualifier
from kumoi.services.lambda_.operations.code_signing import find_signing
from kumoi.services.lambda_.operations.find import (
    check_revision,
    find,
    find_head,
    find_version,
    identify,
    latest_only,
)
from kumoi.services.lambda_.operations.layers import check_unzipped, layers_of
from kumoi.services.lambda_.operations.package import stored_code
from kumoi.services.lambda_.operations.replicas import is_replica, refuse_replicated
from kumoi.services.lambda_.operations.tags import check_tag_count
from kumoi.services.lambda_.operations.versions import publish
from kumoi.services.lambda_.operations.vpc import placed
from kumoi.services.lambda_.records import Alias, Code, Function, FunctionHead, aliases, heads, versions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

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
    ImageConfig: dict[str, Any] | None = None,
    RuntimeConfig: dict[str, Any] | None = None,
    TenancyConfig: dict[str, Any] | None = None,
    AcceleratorConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Create a function from a zip (inline or in S3) or a local directory; it is Active by the next request."""
    identifier = identify(call, FunctionName)
    latest_only(identifier)
    _check_package(PackageType, Code, Runtime, Handler)
    _check_image(PackageType == "Image", Runtime, Handler, Layers)
    layers = await layers_of(call, Layers or ())
    code = await _code_of(call, Code)
    await check_unzipped(call, code, layers)
    network = await placed(call, VpcConfig)
    function = Function(
        name=identifier.name,
        code=code,
        layers=layers,
        runtime=Runtime or "",
        role=Role,
        handler=Handler or "",
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
        extras=_extras({}, locals() | {"VpcConfig": network}),
    )
    check(function)
    created = await _create(call.state, identifier, function, Tags or {}, Publish, CodeSigningConfigArn)
    call.part(Executor).expect(function)
    return describe_created(created, call.account, call.region, uuid())


@transactional
async def _create(
    tx: Transaction,
    identifier: FunctionIdentifier,
    function: Function,
    tags: dict[str, str],
    published: bool,
    code_signing: str | None,
) -> Function:
    if await heads.get(tx, function.name) is not None:
        raise aws_error("ResourceConflictException", f"Function already exist: {function.name}", Type="User")
    check_tag_count(identifier.function_arn, tags)
    if code_signing is not None:
        await find_signing(tx, code_signing)
    await heads.put(tx, FunctionHead(function.name, tags=tags, code_signing=code_signing))
    await versions.put(tx, function)
    return await publish(tx, identifier, function, function.description) if published else function


@lambda_.operation
async def get_function(call: Call, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
    """A function's configuration, where its code can be downloaded, its tags."""
    found = await find(call, FunctionName, Qualifier)
    function = found.function
    code = {"RepositoryType": "S3", "Location": download_url(call, "function", function.name, function.number)}
    if function.code.image:
        code = {"RepositoryType": "ECR", "ImageUri": function.code.image, "ResolvedImageUri": function.code.image}
    answer: dict[str, Any] = {"Configuration": _described(call, found.identifier, function), "Code": code}
    if found.head.tags:
        answer["Tags"] = found.head.tags
    if found.head.reserved_concurrency is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": found.head.reserved_concurrency}
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
    """The account's functions by name, 50 a page; `FunctionVersion=ALL` lists each version.

    Replicas (Lambda@Edge) are listed where their MasterRegion is named.
    """
    page = min(MaxItems, PAGE)
    after = _read_marker(Marker)
    if MasterRegion is None:
        rows = await _list(call.state, after, page + 1, FunctionVersion == "ALL")
    else:
        rows = await _replicas(call.state, after, page + 1, MasterRegion)
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
    S3ObjectStorageMode: str | None = None,
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
    check_revision(current.revision_id, RevisionId)
    source = {
        "ZipFile": ZipFile,
        "S3Bucket": S3Bucket,
        "S3Key": S3Key,
        "S3ObjectVersion": S3ObjectVersion,
        "ImageUri": ImageUri,
    }
    given = {member: value for member, value in source.items() if value is not None}
    if current.code.image and (ImageUri is None or len(given) > 1):
        raise invalid("Please provide ImageUri when updating a function with packageType Image.")
    if ImageUri is not None and not current.code.image:
        raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
    code = await _code_of(call, given)
    await check_unzipped(call, code, current.layers)
    changes: dict[str, Any] = {"code": code}
    if Architectures:
        changes["architectures"] = tuple(Architectures)

    def change(function: Function) -> Function:
        return msgspec.structs.replace(function, **changes)

    if DryRun:
        return describe(change(current), call.account, call.region)
    updated = await _update(call.state, identifier, RevisionId, change, call.now, Publish)
    executor = call.part(Executor)
    executor.retire(call.account, call.region, identifier.name)
    executor.expect(updated)
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
    ImageConfig: dict[str, Any] | None = None,
    RuntimeConfig: dict[str, Any] | None = None,
    AcceleratorConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change what is given of `$LATEST`'s configuration; the rest stays."""
    identifier = identify(call, FunctionName)
    latest_only(identifier)
    current = (await find(call, FunctionName)).function
    check_revision(current.revision_id, RevisionId)
    _check_image(bool(current.code.image), Runtime, Handler, Layers)
    wanted = {
        "layers": None if Layers is None else await layers_of(call, Layers),
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
    network = await placed(call, VpcConfig)
    given = {member: value for member, value in locals().items() if member in KEPT_AS_GIVEN} | {"VpcConfig": network}

    def change(function: Function) -> Function:
        logging = logging_of(identifier.name, LoggingConfig, function.logging)
        extras = _extras(function.extras, given)
        changed = msgspec.structs.replace(function, **changes, logging=logging, extras=extras)
        check(changed)
        return changed

    changed = change(current)
    await check_unzipped(call, changed.code, changed.layers)
    updated = await _update(call.state, identifier, RevisionId, change, call.now, False)
    call.part(Executor).retire(call.account, call.region, identifier.name)
    return describe_updated(updated, call.account, call.region)


@lambda_.operation
async def delete_function(call: Call, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
    """Delete a function with all its versions, or one published version."""
    identifier = identify(call, FunctionName, Qualifier)
    executor = call.part(Executor)
    for version in await _delete(call.state, identifier):
        await executor.provision(call.account, call.region, identifier.name, version, 0)
    executor.retire(call.account, call.region, identifier.name)
    return {"StatusCode": 204}


@transactional
async def _list(
    tx: Transaction, after: tuple[str, int] | None, limit: int | None, every_version: bool
) -> list[Function]:
    """Functions in the order of their names, after a (name, number); only `$LATEST` unless every version is wanted."""
    if every_version:
        rows = await versions.list(tx, after=after)
        return [one for one in rows if not is_replica(one.name)][:limit]
    names = await heads.list(tx, after=None if after is None else (after[0],))
    found = [await versions.get(tx, head.name, 0) for head in names if not is_replica(head.name)][:limit]
    return [function for function in found if function is not None]


@transactional
async def _replicas(tx: Transaction, after: tuple[str, int] | None, limit: int, master_region: str) -> list[Function]:
    """The versions of replicas whose master is in a region."""
    rows = await versions.list(tx, after=after)
    return [one for one in rows if one.name.startswith(f"{master_region}.") and is_replica(one.name)][:limit]


@transactional
async def _update(
    tx: Transaction,
    identifier: FunctionIdentifier,
    revision_id: str | None,
    change: Callable[[Function], Function],
    now: float,
    published: bool,
) -> Function:
    current = await find_version(tx, identifier)
    check_revision(current.revision_id, revision_id)
    updated = msgspec.structs.replace(change(current), revision_id=uuid(), last_modified=now)
    await versions.put(tx, updated)
    return await publish(tx, identifier, updated, updated.description) if published else updated


@transactional
async def _delete(tx: Transaction, identifier: FunctionIdentifier) -> list[str]:
    """Delete a function or a version with what hangs on it; the versions that had environments provisioned."""
    qualifier = identifier.qualifier
    head = await find_head(tx, identifier)
    await refuse_replicated(tx, identifier)
    if qualifier is None:
        leads_to = {alias.name: alias.function_version for alias in await aliases.list(tx, head.name)}
        leads_to |= {one.version: one.version for one in await versions.list(tx, head.name) if one.number}
        kept_ready = [version for one, version in leads_to.items() if await forget_qualifier(tx, identifier, one)]
        await forget_qualifier(tx, identifier, "")
        await heads.delete(tx, head.name)
        await aliases.delete_all(tx, head.name)
        await versions.delete_all(tx, head.name)
        return kept_ready
    if qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    number = version_number(qualifier)
    if number is not None:
        used = [alias.name for alias in await aliases.list(tx, head.name) if qualifier in _versions_of(alias)]
        if used:
            raise aws_error(
                "ResourceConflictException",
                f"Version {qualifier} is currently referenced by alias(es): {', '.join(used)}",
                Type="User",
            )
        was_ready = await forget_qualifier(tx, identifier, qualifier)
        await versions.delete(tx, head.name, number)
        return [qualifier] if was_ready else []
    raise invalid(f"Deletion of aliases is not currently supported: {identifier.arn}")


def _versions_of(alias: Alias) -> tuple[str, ...]:
    return (alias.function_version, *alias.weights)


def _check_package(package_type: str, code: dict[str, Any], runtime: str | None, handler: str | None) -> None:
    """Refuse what does not go together in a new function."""
    if package_type == "Image":
        if not code.get("ImageUri"):
            raise invalid("Please provide ImageUri when creating a function with packageType Image.")
    elif code.get("ImageUri"):
        raise invalid("Please don't provide ImageUri when creating a function with packageType Zip.")
    elif runtime is None or handler is None:
        missing = "Runtime" if runtime is None else "Handler"
        raise invalid(f"{missing} is mandatory for functions created with deployment packages.")


def _check_image(image: bool, runtime: str | None, handler: str | None, layers: list[str] | None) -> None:
    """Refuse what a function from a container image cannot have."""
    given = {"Runtime": runtime, "Handler": handler, "Layers": layers or None}
    refused = [member for member, value in given.items() if value is not None]
    if image and refused:
        raise invalid(f"{', '.join(refused)} not supported for functions created with container images.")


async def _code_of(call: Call, source: dict[str, Any]) -> Code:
    """The code that a request brings: a container image is only noted."""
    if source.get("ImageUri"):
        return Code(hashlib.sha256(source["ImageUri"].encode()).hexdigest(), 0, image=source["ImageUri"])
    return await stored_code(call, source)


def _extras(current: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The members that are kept without effect: what there was, and what a request gives anew."""
    extras = dict(current)
    for member in KEPT_AS_GIVEN:
        if given.get(member) is not None:
            extras[member] = given[member]
    for member in ("KMSKeyArn", "FileSystemConfigs"):
        if not extras.get(member):
            extras.pop(member, None)
    if not extras.get("DeadLetterConfig", {}).get("TargetArn"):
        extras.pop("DeadLetterConfig", None)
    if "VpcConfig" in extras:
        extras["VpcConfig"] = {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", **extras["VpcConfig"]}
    return extras


def _described(call: Call, identifier: FunctionIdentifier, function: Function) -> dict[str, Any]:
    """A version's configuration under the ARN of the request: with the alias or number that it named."""
    answer = describe(function, identifier.account, identifier.region)
    answer["FunctionArn"] = identifier.arn
    return answer


def _marker(function: Function) -> str:
    return base64.urlsafe_b64encode(f"{function.name}:{function.version}".encode()).decode()


def _read_marker(marker: str | None) -> tuple[str, int] | None:
    if marker is None:
        return None
    try:
        name, _, version = base64.urlsafe_b64decode(marker).decode().partition(":")
        number = version_number(version)
    except (binascii.Error, ValueError):
        number = None
    if number is None:
        raise invalid("Invalid Marker: use the NextMarker of an earlier answer.")
    return name, number
