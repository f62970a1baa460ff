"""Layers: code that functions share, published in numbered versions.

Rules: "Managing Lambda dependencies with layers"; the messages are recorded ones.
"""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.code import MAX_UNZIPPED, CodeStore, is_directory
from kumoi.services.lambda_.configuration import invalid, timestamp
from kumoi.services.lambda_.download import download_url
from kumoi.services.lambda_.identifiers import version_number
from kumoi.services.lambda_.layer_names import LayerName, layer_arn, parse_layer, parse_layer_version
from kumoi.services.lambda_.operations.find import check_revision
from kumoi.services.lambda_.operations.package import stored_code
from kumoi.services.lambda_.operations.permissions import (
    Statements,
    document_of,
    principal_of,
    with_statement,
    without_statement,
)
from kumoi.services.lambda_.records import (
    Code,
    LayerHead,
    LayerRef,
    LayerVersion,
    layer_heads,
    layer_versions,
)
from kumoi.state import Transaction, transactional
from kumoi.state.keys import MAX_INT
from kumoi.wire.errors import AwsError, aws_error

PAGE = 50
MAX_LAYERS = 5
LAYER_MAP = "KUMOI_LAYER_MAP"
"""Environment variable: a JSON object of layer ARNs (or their beginnings) and the local zip or directory for each."""


@lambda_.operation
async def publish_layer_version(
    call: Call,
    LayerName: str,
    Content: dict[str, Any],
    Description: str = "",
    CompatibleRuntimes: list[str] | None = None,
    LicenseInfo: str | None = None,
    CompatibleArchitectures: list[str] | None = None,
) -> dict[str, Any]:
    """Publish a zip as the next version of a layer."""
    name = parse_layer(LayerName, call.account, call.region).name
    layer = LayerVersion(
        name=name,
        version=0,
        code=await stored_code(call, Content),
        description=Description,
        created=call.now,
        runtimes=tuple(CompatibleRuntimes or ()),
        architectures=tuple(CompatibleArchitectures or ()),
        license=LicenseInfo,
    )
    return _described(call, await _publish(call.state, layer), content=True)


@lambda_.operation
async def get_layer_version(call: Call, LayerName: str, VersionNumber: int) -> dict[str, Any]:
    """A layer version, and where its zip can be downloaded."""
    name = parse_layer(LayerName, call.account, call.region)
    return _described(call, await _version(call, LayerName, VersionNumber), name.account, content=True)


@lambda_.operation
async def get_layer_version_by_arn(call: Call, Arn: str) -> dict[str, Any]:
    """A layer version by its ARN."""
    name = parse_layer_version(Arn)
    return _described(call, await _version(call, Arn.rpartition(":")[0], name.version), name.account, content=True)


@lambda_.operation
async def list_layers(
    call: Call,
    CompatibleRuntime: str | None = None,
    Marker: str | None = None,
    MaxItems: int = PAGE,
    CompatibleArchitecture: str | None = None,
) -> dict[str, Any]:
    """Each layer with its latest version."""
    latest: dict[str, LayerVersion] = {}
    for layer in await _list(call.state, ()):
        if _fits(layer, CompatibleRuntime, CompatibleArchitecture):
            latest[layer.name] = layer
    page = min(MaxItems, PAGE)
    names = [name for name in sorted(latest) if Marker is None or name > Marker]
    answer: dict[str, Any] = {
        "Layers": [
            {
                "LayerName": name,
                "LayerArn": layer_arn(call.region, call.account, name),
                "LatestMatchingVersion": _described(call, latest[name]),
            }
            for name in names[:page]
        ]
    }
    if len(names) > page:
        answer["NextMarker"] = names[page - 1]
    return answer


@lambda_.operation
async def list_layer_versions(
    call: Call,
    LayerName: str,
    CompatibleRuntime: str | None = None,
    Marker: str | None = None,
    MaxItems: int = PAGE,
    CompatibleArchitecture: str | None = None,
) -> dict[str, Any]:
    """The versions of a layer, newest first."""
    name = parse_layer(LayerName, call.account, call.region)
    before = MAX_INT if Marker is None else version_number(Marker) or 0
    found = [
        layer
        for layer in reversed(await _list(call.doorway.state.at(name.account, name.region), (name.name,)))
        if _fits(layer, CompatibleRuntime, CompatibleArchitecture) and layer.version < before
    ]
    page = min(MaxItems, PAGE)
    answer: dict[str, Any] = {"LayerVersions": [_described(call, layer, name.account) for layer in found[:page]]}
    if len(found) > page:
        answer["NextMarker"] = str(found[page - 1].version)
    return answer


@lambda_.operation
async def delete_layer_version(call: Call, LayerName: str, VersionNumber: int) -> None:
    """Delete a layer version; functions that use it keep it."""
    name = parse_layer(LayerName, call.account, call.region).name
    _check_number(VersionNumber)
    await _delete(call.state, name, VersionNumber)


@lambda_.operation
async def add_layer_version_permission(
    call: Call,
    LayerName: str,
    VersionNumber: int,
    StatementId: str,
    Action: str,
    Principal: str,
    OrganizationId: str | None = None,
    RevisionId: str | None = None,
) -> dict[str, Any]:
    """Let others use a layer version."""
    layer = await _version(call, LayerName, VersionNumber)
    statement: dict[str, Any] = {
        "Sid": StatementId,
        "Effect": "Allow",
        "Principal": principal_of(Principal),
        "Action": Action,
        "Resource": f"{layer_arn(call.region, call.account, layer.name)}:{layer.version}",
    }
    if OrganizationId is not None:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": OrganizationId}}
    revision_id = await _change_policy(call.state, layer, RevisionId, with_statement, statement)
    return {"Statement": orjson.dumps(statement).decode(), "RevisionId": revision_id}


@lambda_.operation
async def remove_layer_version_permission(
    call: Call, LayerName: str, VersionNumber: int, StatementId: str, RevisionId: str | None = None
) -> None:
    """Take a statement out of a layer version's policy."""
    layer = await _version(call, LayerName, VersionNumber)
    await _change_policy(call.state, layer, RevisionId, without_statement, StatementId)


@lambda_.operation
async def get_layer_version_policy(call: Call, LayerName: str, VersionNumber: int) -> dict[str, Any]:
    """The policy of a layer version."""
    layer = await _version(call, LayerName, VersionNumber)
    if not layer.statements:
        raise _missing("No policy is associated with the given resource.")
    document = document_of(layer.statements)
    return {"Policy": orjson.dumps(document).decode(), "RevisionId": layer.policy_revision}


INJECTED_HERE = "chaos-lambda-extension"
"""What the layers are called that a function may ask for though nobody has them: own_faults.py does their work."""


async def layers_of(call: Call, arns: Sequence[str]) -> tuple[LayerRef, ...]:
    """The layers a function asks for; raises InvalidParameterValueException for what cannot be used."""
    if len(arns) > MAX_LAYERS:
        raise invalid("Cannot reference more than 5 layers.")
    names = [parse_layer_version(arn) for arn in arns]
    seen: dict[tuple[str, str], str] = {}
    found = []
    for arn, name in zip(arns, names, strict=True):
        if name.region != call.region:
            raise invalid(
                f"Layers are not in the same region as the function. Layers are expected to be in region {call.region}."
            )
        other = seen.setdefault((name.account, name.name), arn)
        if other is not arn:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{other} and {arn} are versions of the same layer."
            )
        found.append(LayerRef(arn, await _layer_code(call, arn, name)))
    return tuple(found)


async def check_unzipped(call: Call, code: Code, layers: Sequence[LayerRef]) -> None:
    """Refuse a function that is too large together with its layers; alone, it was checked when it was stored."""
    if not layers:
        return
    store = call.part(CodeStore)
    sizes = [await store.unzipped_size(one) for one in (code, *(layer.code for layer in layers))]
    if sum(sizes) > MAX_UNZIPPED:
        raise invalid(
            f"Function code combined with layers exceeds the maximum allowed size of {MAX_UNZIPPED} bytes. "
            f"The actual size is {sum(sizes)} bytes."
        )


async def _layer_code(call: Call, arn: str, name: LayerName) -> Code:
    state = call.doorway.state.at(name.account, name.region)
    layer = await _get(state, name.name, name.version)
    if layer is not None:
        return layer.code
    mapped = mapped_layer(os.environ.get(LAYER_MAP, ""), arn)
    store = call.part(CodeStore)
    if mapped is None and name.name.startswith(INJECTED_HERE):
        return await store.add(_note())
    if mapped is None:
        raise invalid(f"Layer version {arn} does not exist.")
    if await asyncio.to_thread(is_directory, mapped):
        return await store.local(str(mapped))
    try:
        return await store.add(await asyncio.to_thread(mapped.read_bytes))
    except OSError as error:
        raise invalid(f"{LAYER_MAP} has {mapped} for {arn}, which cannot be read: {error.strerror}.") from None


def _note() -> bytes:
    """A layer in place of one that is not needed here."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as out:
        note = "Kumoi injects what the variables CHAOS_EXTENSION__* ask for by itself.\n"
        out.writestr(zipfile.ZipInfo("chaos-lambda-extension.txt"), note)
    return content.getvalue()


def mapped_layer(setting: str, arn: str) -> Path | None:
    """What stands on this machine for a layer that is not stored here: the longest beginning of its ARN decides."""
    try:
        given = msgspec.json.decode(setting or "{}", type=dict[str, str])
    except msgspec.DecodeError:
        raise invalid(f"{LAYER_MAP} is no JSON object of layer ARNs and paths.") from None
    starts = [start for start in given if arn.startswith(start)]
    return Path(given[max(starts, key=len)]) if starts else None


async def _version(call: Call, LayerName: str, VersionNumber: int) -> LayerVersion:
    name = parse_layer(LayerName, call.account, call.region)
    _check_number(VersionNumber)
    layer = await _get(call.doorway.state.at(name.account, name.region), name.name, VersionNumber)
    if layer is None or name.region != call.region:
        raise _missing("The resource you requested does not exist.")
    return layer


def _check_number(number: int) -> None:
    if number < 1:
        raise invalid("Layer Version Cannot be less than 1")


def _fits(layer: LayerVersion, runtime: str | None, architecture: str | None) -> bool:
    return (runtime is None or runtime in layer.runtimes) and (
        architecture is None or architecture in layer.architectures
    )


def _described(call: Call, layer: LayerVersion, account: str = "", *, content: bool = False) -> dict[str, Any]:
    """A layer version of the caller's account, or of another, as the API has it."""
    account = account or call.account
    arn = layer_arn(call.region, account, layer.name)
    answer: dict[str, Any] = {
        "LayerVersionArn": f"{arn}:{layer.version}",
        "Version": layer.version,
        "Description": layer.description,
        "CreatedDate": timestamp(layer.created),
    }
    if layer.runtimes:
        answer["CompatibleRuntimes"] = list(layer.runtimes)
    if layer.architectures:
        answer["CompatibleArchitectures"] = list(layer.architectures)
    if layer.license is not None:
        answer["LicenseInfo"] = layer.license
    if content:
        answer["LayerArn"] = arn
        answer["Content"] = {
            "Location": download_url(call, "layer", layer.name, layer.version, account),
            "CodeSha256": layer.code.sha256,
            "CodeSize": layer.code.size,
        }
    return answer


def _missing(message: str) -> AwsError:
    return aws_error("ResourceNotFoundException", message, Type="User")


@transactional
async def _publish(tx: Transaction, layer: LayerVersion) -> LayerVersion:
    head = await layer_heads.get(tx, layer.name) or LayerHead(layer.name)
    published = msgspec.structs.replace(layer, version=head.next_version, policy_revision=uuid())
    await layer_heads.put(tx, LayerHead(layer.name, head.next_version + 1))
    await layer_versions.put(tx, published)
    return published


@transactional
async def _get(tx: Transaction, name: str, version: int) -> LayerVersion | None:
    return await layer_versions.get(tx, name, version)


@transactional
async def _change_policy(
    tx: Transaction,
    layer: LayerVersion,
    revision_id: str | None,
    change: Callable[[Statements, Any], Statements],
    what: Any,
) -> str:
    """Change the statements of a layer version; the policy's new revision."""
    current = await layer_versions.get(tx, layer.name, layer.version)
    if current is None:
        raise _missing("The resource you requested does not exist.")
    check_revision(current.policy_revision, revision_id, "GetLayerPolicy")
    changed = msgspec.structs.replace(current, statements=change(current.statements, what), policy_revision=uuid())
    await layer_versions.put(tx, changed)
    return changed.policy_revision


@transactional
async def _delete(tx: Transaction, name: str, version: int) -> None:
    await layer_versions.delete(tx, name, version)


@transactional
async def _list(tx: Transaction, prefix: tuple[str, ...]) -> list[LayerVersion]:
    return await layer_versions.list(tx, *prefix)
