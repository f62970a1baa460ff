"""From a request to what a stack is to be made from: the template (sent, or in S3), transformed, and its values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from kumoi.doorway import Call
from kumoi.services.cloudformation.records import Source
from kumoi.services.cloudformation.template.graph import dependencies
from kumoi.services.cloudformation.template.parameters import (
    check_patterns,
    given_values,
    resolve_parameters,
    ssm_names,
)
from kumoi.services.cloudformation.template.parsing import (
    MOST_BYTES,
    MOST_BYTES_FROM_S3,
    check_resources,
    parse_template,
    template_error,
)
from kumoi.services.cloudformation.transforms import transform
from kumoi.wire.errors import AwsError, aws_error

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
    bucket, key = bucket_and_key(url)
    try:
        answer = await call.to("s3", "GetObject", Bucket=bucket, Key=key)
    except AwsError as error:
        raise aws_error("ValidationError", f"S3 error: {error.message}") from None
    content = b"".join([piece async for piece in _pieces(answer["Body"])])
    return content.decode("utf-8", "replace")


async def _pieces(body: Any) -> Any:
    size = 0
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        size += len(piece)
        if size > MOST_BYTES_FROM_S3:
            raise template_error(f"the template is larger than {MOST_BYTES_FROM_S3} bytes.")
        yield piece


def bucket_and_key(url: str) -> tuple[str, str]:
    """What a template's URL names, in any of the forms that clients write."""
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    host = parts.hostname or ""
    if parts.scheme == "s3":
        return host, path
    virtual = re.match(r"(.+?)\.s3[.-]", host)
    if virtual:
        return virtual[1], path
    bucket, _, key = path.partition("/")
    if not bucket or not key:
        raise aws_error("ValidationError", "TemplateURL must be a supported URL.")
    return bucket, key


async def source_of(
    call: Call,
    text: str,
    parameters: Sequence[Mapping[str, Any]] | None,
    tags: Sequence[Mapping[str, str]] | None,
    capabilities: Sequence[str] | None,
    before: Source | None = None,
) -> Source:
    """Read and check everything that a request says of a stack; ValidationError or InsufficientCapabilities."""
    template = parse_template(text)
    declared = template.get("Parameters", {})
    given = given_values(parameters or (), declared, before.parameters if before else {})
    looked_up = await _looked_up(call, declared, given)
    values = resolve_parameters(declared, given, looked_up)
    await check_patterns(declared, values)
    processed = await transform(call, template, {name: one.value for name, one in values.items()})
    check_resources(processed)
    dependencies(processed["Resources"])
    _check_capabilities(processed, set(capabilities or ()))
    return Source(
        template=text,
        processed=orjson.dumps(processed).decode(),
        parameters={name: one.text for name, one in values.items()},
        looked_up=looked_up,
        tags={tag["Key"]: tag["Value"] for tag in tags} if tags is not None else before.tags if before else {},
        capabilities=tuple(capabilities or ()),
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


def _check_capabilities(template: Mapping[str, Any], capabilities: set[str]) -> None:
    iam = [one for one in template["Resources"].values() if _IAM_TYPES.fullmatch(one["Type"])]
    named = any(not _NAMED_IAM.isdisjoint(one.get("Properties", {})) for one in iam)
    if named and "CAPABILITY_NAMED_IAM" not in capabilities:
        raise aws_error("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")
    if iam and not capabilities & {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}:
        raise aws_error("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
