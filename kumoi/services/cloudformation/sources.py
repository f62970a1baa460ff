"""From a request to what a stack is to be made from: the template (sent, or in S3), transformed, and its values."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import partition_of
from kumoi.services.cloudformation.records import Source
from kumoi.services.cloudformation.sam import SERVERLESS, SamTranslator
from kumoi.services.cloudformation.stored_text import read_stored
from kumoi.services.cloudformation.template.bounds import MOST_BYTES
from kumoi.services.cloudformation.template.graph import dependencies
from kumoi.services.cloudformation.template.parameters import (
    check_patterns,
    given_values,
    resolve_parameters,
    ssm_names,
)
from kumoi.services.cloudformation.template.parsing import check_resources, parse_template
from kumoi.services.cloudformation.template.rules import check_rules
from kumoi.services.cloudformation.transforms import EXTENSIONS, INCLUDE, named_transforms, transform
from kumoi.wire.errors import AwsError, aws_error

LONG_TEXT = 16_384
"""Characters of a template that is worth a thread to read."""

_EXTENSIONS_OF_THE_LANGUAGE = re.compile(r'(?<!\\)"(Fn::(?:Length|ToJsonString))":')
_SUPPORTED = (
    "Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, "
    "Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Sub, Fn::Cidr, Fn::Transform"
)
_NAMED_IAM = frozenset(("RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"))
_IAM_TYPES = re.compile(
    r"AWS::IAM::(AccessKey|Group|InstanceProfile|ManagedPolicy|Policy|Role|User|UserToGroupAddition)"
)


async def template_text(call: Call, body: str | None, url: str | None) -> str:
    """The template of a request; ValidationError when there is none, two, or one too large."""
    if (body is None) == (url is None):
        raise aws_error("ValidationError", "Either Template URL or Template Body must be specified.")
    if body is not None:
        if len(body.encode()) > MOST_BYTES:
            raise aws_error(
                "ValidationError",
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MOST_BYTES}",
            )
        return body
    assert url is not None
    return await read_stored(call, url)


async def parsed(text: str) -> dict[str, Any]:
    """Read a template; a long one on a thread."""
    if len(text) > LONG_TEXT:
        return await asyncio.to_thread(parse_template, text)
    return parse_template(text)


async def source_of(
    call: Call,
    text: str,
    parameters: Sequence[Mapping[str, Any]] | None,
    tags: Sequence[Mapping[str, str]] | None,
    capabilities: Sequence[str] | None,
    before: Source | None = None,
) -> Source:
    """Read and check everything that a request says of a stack; ValidationError or InsufficientCapabilities."""
    if SERVERLESS in text:
        call.part(SamTranslator).expect()
    template = await parsed(text)
    declared = template.get("Parameters", {})
    given = given_values(parameters or (), declared, before.parameters if before else {})
    looked_up = await _looked_up(call, declared, given)
    values = resolve_parameters(declared, given, looked_up)
    await check_patterns(declared, values)
    check_rules(template, {**_pseudo(call), **{name: one.value for name, one in values.items()}})
    processed = await transform(call, template, {name: one.value for name, one in values.items()})
    check_resources(processed)
    written = orjson.dumps(processed).decode()
    if EXTENSIONS not in (name for name, _ in named_transforms(template)):
        _check_functions(written)
    dependencies(processed["Resources"])
    _check_capabilities(processed, set(capabilities or ()))
    return Source(
        template=text,
        processed=written,
        parameters={name: one.text for name, one in values.items()},
        looked_up=looked_up,
        tags={tag["Key"]: tag["Value"] for tag in tags} if tags is not None else before.tags if before else {},
        capabilities=tuple(capabilities or ()),
        expanded=any(name not in (INCLUDE, EXTENSIONS) for name, _ in named_transforms(template)),
    )


def _pseudo(call: Call) -> dict[str, str]:
    """The pseudo parameters that rules may refer to."""
    return {"AWS::AccountId": call.account, "AWS::Region": call.region, "AWS::Partition": partition_of(call.region)}


def _check_functions(written: str) -> None:
    """Refuse functions that only AWS::LanguageExtensions knows in a template that does not name it."""
    found = _EXTENSIONS_OF_THE_LANGUAGE.search(written)
    if found is not None:
        raise aws_error(
            "ValidationError",
            f"Template error: Encountered unsupported function: {found[1]} Supported functions are: [{_SUPPORTED}]; "
            f"{found[1]} needs Transform: {EXTENSIONS}",
        )


async def _looked_up(call: Call, declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, stored in ssm_names(declared, given).items():
        try:
            answer = await call.to("ssm", "GetParameter", Name=stored)
        except AwsError as error:
            told = f"Unable to fetch parameters [{stored}] from parameter store for this account. {error.message}"
            raise aws_error("ValidationError", told.rstrip()) from None
        if answer["Parameter"]["Type"] == "SecureString":
            raise aws_error(
                "ValidationError",
                f"Parameters [{stored}] referenced by template have types not supported by CloudFormation.",
            )
        found[name] = str(answer["Parameter"]["Value"])
    return found


def check_expansion(source: Source) -> None:
    """Refuse to make a stack directly from a template that macros expand, unless that is said to be wanted."""
    if source.expanded and "CAPABILITY_AUTO_EXPAND" not in source.capabilities:
        raise aws_error("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]")


def _check_capabilities(template: Mapping[str, Any], capabilities: set[str]) -> None:
    iam = [one for one in template["Resources"].values() if _IAM_TYPES.fullmatch(one["Type"])]
    named = any(not _NAMED_IAM.isdisjoint(one.get("Properties", {})) for one in iam)
    if named and "CAPABILITY_NAMED_IAM" not in capabilities:
        raise aws_error("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")
    if iam and not capabilities & {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}:
        raise aws_error("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
