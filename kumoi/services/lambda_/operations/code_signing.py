"""Code signing configurations: kept and answered; no package is refused for a missing signature."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import iso
from kumoi.services.lambda_.identifiers import FunctionIdentifier
from kumoi.services.lambda_.operations.find import find, find_head, identify
from kumoi.services.lambda_.records import CodeSigningConfig, code_signing_configs, heads
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

PAGE = 50


@lambda_.operation
async def create_code_signing_config(
    call: Call,
    AllowedPublishers: dict[str, list[str]],
    Description: str = "",
    CodeSigningPolicies: dict[str, str] | None = None,
    Tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Keep a code signing configuration."""
    policy = (CodeSigningPolicies or {}).get("UntrustedArtifactOnDeployment", "Warn")
    publishers = tuple(AllowedPublishers["SigningProfileVersionArns"])
    config = CodeSigningConfig(f"csc-{hex_id(17)}", Description, publishers, policy, call.now, Tags or {})
    await _put(call.state, config)
    return {"CodeSigningConfig": _described(call, config)}


@lambda_.operation
async def get_code_signing_config(call: Call, CodeSigningConfigArn: str) -> dict[str, Any]:
    """One code signing configuration."""
    return {"CodeSigningConfig": _described(call, await find_config(call.state, CodeSigningConfigArn))}


@lambda_.operation
async def update_code_signing_config(
    call: Call,
    CodeSigningConfigArn: str,
    Description: str | None = None,
    AllowedPublishers: dict[str, list[str]] | None = None,
    CodeSigningPolicies: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Change what is given of a code signing configuration."""
    config = await find_config(call.state, CodeSigningConfigArn)
    changes: dict[str, Any] = {"last_modified": call.now}
    if Description is not None:
        changes["description"] = Description
    if AllowedPublishers is not None:
        changes["publishers"] = tuple(AllowedPublishers["SigningProfileVersionArns"])
    if CodeSigningPolicies:
        changes["policy"] = CodeSigningPolicies["UntrustedArtifactOnDeployment"]
    config = msgspec.structs.replace(config, **changes)
    await _put(call.state, config)
    return {"CodeSigningConfig": _described(call, config)}


@lambda_.operation
async def delete_code_signing_config(call: Call, CodeSigningConfigArn: str) -> dict[str, Any]:
    """Delete a code signing configuration that no function uses."""
    await _delete(call.state, await find_config(call.state, CodeSigningConfigArn), CodeSigningConfigArn)
    return {}


@lambda_.operation
async def list_code_signing_configs(call: Call, Marker: str | None = None, MaxItems: int = PAGE) -> dict[str, Any]:
    """The account's code signing configurations."""
    configs = await _list(call.state, Marker, min(MaxItems, PAGE) + 1)
    page = min(MaxItems, PAGE)
    answer: dict[str, Any] = {"CodeSigningConfigs": [_described(call, config) for config in configs[:page]]}
    if len(configs) > page:
        answer["NextMarker"] = configs[page - 1].id
    return answer


@lambda_.operation
async def put_function_code_signing_config(call: Call, CodeSigningConfigArn: str, FunctionName: str) -> dict[str, Any]:
    """Note which code signing configuration a function has."""
    identifier = identify(call, FunctionName)
    await _sign(call.state, identifier, CodeSigningConfigArn)
    return {"CodeSigningConfigArn": CodeSigningConfigArn, "FunctionName": identifier.name}


@lambda_.operation
async def get_function_code_signing_config(call: Call, FunctionName: str) -> dict[str, Any]:
    """Which code signing configuration a function has."""
    found = await find(call, FunctionName)
    answer = {"FunctionName": found.identifier.name}
    if found.head.code_signing is not None:
        answer["CodeSigningConfigArn"] = found.head.code_signing
    return answer


@lambda_.operation
async def delete_function_code_signing_config(call: Call, FunctionName: str) -> None:
    """Take a function's code signing configuration away."""
    await _sign(call.state, identify(call, FunctionName), None)


@lambda_.operation
async def list_functions_by_code_signing_config(
    call: Call, CodeSigningConfigArn: str, Marker: str | None = None, MaxItems: int = PAGE
) -> dict[str, Any]:
    """The functions that have a code signing configuration."""
    await find_config(call.state, CodeSigningConfigArn)
    names = await _signed(call.state, CodeSigningConfigArn)
    page = min(MaxItems, PAGE)
    left = [name for name in names if Marker is None or name > Marker]
    answer: dict[str, Any] = {"FunctionArns": [call.arn("lambda", f"function:{name}") for name in left[:page]]}
    if len(left) > page:
        answer["NextMarker"] = left[page - 1]
    return answer


def _described(call: Call, config: CodeSigningConfig) -> dict[str, Any]:
    return {
        "CodeSigningConfigId": config.id,
        "CodeSigningConfigArn": call.arn("lambda", f"code-signing-config:{config.id}"),
        "Description": config.description,
        "AllowedPublishers": {"SigningProfileVersionArns": list(config.publishers)},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.policy},
        "LastModified": iso(config.last_modified),
    }


def _unknown(arn: str) -> AwsError:
    message = f"The Lambda code signing configuration {arn} can not be found."
    return aws_error("ResourceNotFoundException", message, Type="User")


async def find_signing(tx: Transaction, arn: str) -> None:
    """CodeSigningConfigNotFoundException when a function is to have a configuration that does not exist."""
    if await code_signing_configs.get(tx, arn.rpartition(":")[2]) is None:
        raise aws_error(
            "CodeSigningConfigNotFoundException",
            "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "
            f"{arn}.",
            Type="User",
        )


@transactional
async def _put(tx: Transaction, config: CodeSigningConfig) -> None:
    await code_signing_configs.put(tx, config)


@transactional
async def find_config(tx: Transaction, arn: str) -> CodeSigningConfig:
    """The configuration with an ARN; ResourceNotFoundException when there is none."""
    config = await code_signing_configs.get(tx, arn.rpartition(":")[2])
    if config is None:
        raise _unknown(arn)
    return config


@transactional
async def _delete(tx: Transaction, config: CodeSigningConfig, arn: str) -> None:
    if any(head.code_signing == arn for head in await heads.list(tx)):
        raise aws_error("ResourceConflictException", "Functions use this code signing configuration.", Type="User")
    await code_signing_configs.delete(tx, config.id)


@transactional
async def _list(tx: Transaction, after: str | None, limit: int) -> list[CodeSigningConfig]:
    return await code_signing_configs.list(tx, after=None if after is None else (after,), limit=limit)


@transactional
async def _sign(tx: Transaction, identifier: FunctionIdentifier, arn: str | None) -> None:
    if arn is not None:
        await find_signing(tx, arn)
    head = await find_head(tx, identifier)
    await heads.put(tx, msgspec.structs.replace(head, code_signing=arn))


@transactional
async def _signed(tx: Transaction, arn: str) -> list[str]:
    return [head.name for head in await heads.list(tx) if head.code_signing == arn]
