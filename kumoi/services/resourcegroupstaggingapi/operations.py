"""GetResources, GetTagKeys, GetTagValues, TagResources, UntagResources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.doorway.tagged import is_of_type
from kumoi.names import Arn
from kumoi.services.resourcegroupstaggingapi import resourcegroupstaggingapi
from kumoi.services.resourcegroupstaggingapi.filters import has_tags
from kumoi.services.resourcegroupstaggingapi.found import Found, everything
from kumoi.services.resourcegroupstaggingapi.pages import after, fitting, invalid, token_of
from kumoi.wire.errors import AwsError, aws_error

_PAGE, _MOST = 50, 100
_KEYS = 1000
_SERVER_ERROR = 500


@resourcegroupstaggingapi.operation
async def get_resources(
    call: Call,
    PaginationToken: str | None = None,
    TagFilters: list[dict[str, Any]] | None = None,
    ResourcesPerPage: int | None = None,
    TagsPerPage: int | None = None,
    ResourceTypeFilters: list[str] | None = None,
    IncludeComplianceDetails: bool = False,
    ExcludeCompliantResources: bool = False,
    ResourceARNList: list[str] | None = None,
) -> dict[str, Any]:
    """Resources that have tags, by their tags, types or ARNs. There are no tag policies: all of them comply."""
    if ResourceARNList and (TagFilters or ResourceTypeFilters or ResourcesPerPage or TagsPerPage or PaginationToken):
        raise invalid("ResourceARNList cannot be specified together with other filters or with paging.")
    if ResourcesPerPage is not None and not 1 <= ResourcesPerPage <= _MOST:
        raise invalid(f"ResourcesPerPage must be between 1 and {_MOST}: {ResourcesPerPage}")
    if TagsPerPage is not None and (TagsPerPage % 100 or not 100 <= TagsPerPage <= 500):
        raise invalid(f"TagsPerPage must be a multiple of 100 between 100 and 500: {TagsPerPage}")
    if ExcludeCompliantResources and not IncludeComplianceDetails:
        raise invalid("ExcludeCompliantResources needs IncludeComplianceDetails.")
    tags = {
        arn: one.tags
        for arn, one in (await everything(call)).items()
        if one.tags
        and not ExcludeCompliantResources
        and (not ResourceARNList or arn in ResourceARNList)
        and (not ResourceTypeFilters or any(is_of_type(arn, wanted) for wanted in ResourceTypeFilters))
        and has_tags(one.tags, TagFilters or ())
    }
    left = after(tags, PaginationToken)
    shown = fitting(left, tags, len(tags) if ResourceARNList else ResourcesPerPage or _PAGE, TagsPerPage)
    mappings: list[dict[str, Any]] = [
        {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags[arn].items())]}
        for arn in shown
    ]
    if IncludeComplianceDetails:
        mappings = [{**one, "ComplianceDetails": {"ComplianceStatus": True}} for one in mappings]
    return {"PaginationToken": token_of(shown, left), "ResourceTagMappingList": mappings}


@resourcegroupstaggingapi.operation
async def get_tag_keys(call: Call, PaginationToken: str | None = None) -> dict[str, Any]:
    """The keys of all tags."""
    left = after({key for one in (await everything(call)).values() for key in one.tags}, PaginationToken)
    shown = left[:_KEYS]
    return {"PaginationToken": token_of(shown, left), "TagKeys": shown}


@resourcegroupstaggingapi.operation
async def get_tag_values(call: Call, Key: str, PaginationToken: str | None = None) -> dict[str, Any]:
    """The values that a key has."""
    values = {one.tags[Key] for one in (await everything(call)).values() if Key in one.tags}
    left = after(values, PaginationToken)
    shown = left[:_KEYS]
    return {"PaginationToken": token_of(shown, left), "TagValues": shown}


@resourcegroupstaggingapi.operation
async def tag_resources(call: Call, ResourceARNList: list[str], Tags: dict[str, str]) -> dict[str, Any]:
    """Add tags to several resources; those whose service refuses it are told with its error."""
    _check_keys(Tags)
    return await _change(call, ResourceARNList, Tags, ())


@resourcegroupstaggingapi.operation
async def untag_resources(call: Call, ResourceARNList: list[str], TagKeys: list[str]) -> dict[str, Any]:
    """Take tags from several resources; those whose service refuses it are told with its error."""
    _check_keys(TagKeys)
    return await _change(call, ResourceARNList, {}, TagKeys)


def _check_keys(keys: Mapping[str, str] | Sequence[str]) -> None:
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("Tag keys that begin with aws: are reserved for AWS.")


async def _change(call: Call, arns: Sequence[str], added: Mapping[str, str], removed: Sequence[str]) -> dict[str, Any]:
    known, failed = await everything(call), dict[str, Any]()
    for arn in arns:
        try:
            Arn.parse(arn)
        except ValueError:
            raise invalid(f"{arn} is not a valid ARN.") from None
    for arn in dict.fromkeys(arns):
        try:
            await _retag(call, known.get(arn), arn, added, removed)
        except AwsError as error:
            of_client = error.default_status < _SERVER_ERROR
            failed[arn] = {
                "StatusCode": error.default_status,
                "ErrorCode": "InvalidParameterException" if of_client else "InternalServiceException",
                "ErrorMessage": f"{error.code}: {error.message}",
            }
    return {"FailedResourcesMap": failed}


async def _retag(call: Call, found: Found | None, arn: str, added: Mapping[str, str], removed: Sequence[str]) -> None:
    retag = None if found is None else call.doorway.registry[found.service].retag
    if retag is None:
        raise aws_error("InvalidParameterException", f"There is no resource {arn} in this region whose tags are kept.")
    await retag(call, arn, added, removed)
