"""S3's CloudFormation resource types. Source: "Amazon S3 resource type reference".

A bucket is made, then configured section by section; an update puts the sections that changed and removes those that
are gone. How templates word a section is `template_sections.py`'s matter, and `template_lists.py`'s.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType
from kumoi.names import arn
from kumoi.services.s3.naming import HOME
from kumoi.services.s3.template_lists import LISTS, Listed
from kumoi.services.s3.template_sections import SECTIONS, Section, flag
from kumoi.wire.errors import AwsError, aws_error

_CANNED = {
    "Private": "private",
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
    "AuthenticatedRead": "authenticated-read",
    "LogDeliveryWrite": "log-delivery-write",
    "BucketOwnerRead": "bucket-owner-read",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "AwsExecRead": "aws-exec-read",
}
_MADE_WITH = frozenset({"BucketName", "AccessControl", "ObjectLockEnabled", "Tags"})


def _name(call: ResourceCall) -> str:
    return call.name("BucketName", 63, lower=True)


def _bucket(call: ResourceCall, name: str) -> Resource:
    port = urlsplit(call.doorway.endpoint).port
    site = f"http://{name}.s3-website-{call.region}.localhost{'' if port is None else f':{port}'}"
    return Resource(
        name,
        {
            "Arn": arn("s3", "", "", name),
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{call.region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{call.region}.amazonaws.com",
            "WebsiteURL": site,
        },
    )


def _check(call: ResourceCall) -> None:
    known = _MADE_WITH.union(one.name for one in (*SECTIONS, *LISTS))
    unknown = sorted(set(call.properties) - known)
    if unknown:
        raise aws_error("ValidationError", f"Kumoi's AWS::S3::Bucket does not take {', '.join(unknown)} yet.")


async def _create_bucket(call: ResourceCall) -> Resource:
    _check(call)
    name = _name(call)
    if await _exists(call, name):
        raise aws_error("AlreadyExists", f"{name} already exists")
    await call.ask(
        "s3",
        "CreateBucket",
        Bucket=name,
        CreateBucketConfiguration=None if call.region == HOME else {"LocationConstraint": call.region},
        ObjectLockEnabledForBucket=flag(call.properties.get("ObjectLockEnabled", False)),
    )
    resource = call.begin(_bucket(call, name))
    await _configure(call, name)
    return resource


async def _exists(call: ResourceCall, name: str) -> bool:
    try:
        await call.ask("s3", "HeadBucket", Bucket=name)
    except AwsError as error:
        if error.code != "NoSuchBucket":
            raise
        return False
    return True


async def _update_bucket(call: ResourceCall) -> Resource:
    _check(call)
    await _configure(call, call.physical_id)
    return _bucket(call, call.physical_id)


async def _configure(call: ResourceCall, name: str) -> None:
    """Put the sections that differ from what the bucket has; first those are removed that are gone, the last first."""
    changed = [one for one in SECTIONS if call.properties.get(one.name) != call.before.get(one.name)]
    for section in reversed(changed):
        if call.properties.get(section.name) is not None:
            continue
        if section.delete:
            await call.ask("s3", section.delete, Bucket=name)
        else:
            await call.ask("s3", section.put, Bucket=name, **{section.member: section.none})
    for section in changed:
        stated = call.properties.get(section.name)
        if stated is not None:
            content = {section.member: _content(section, stated)}
            beside = {member: stated.get(member) for member in section.beside}
            await call.ask("s3", section.put, Bucket=name, **content, **beside)
    for listed in LISTS:
        await _bring_list(call, name, listed)
    control, before = call.properties.get("AccessControl"), call.before.get("AccessControl")
    if control != before:  # once ownership and the public access block are as the template has them
        await call.ask("s3", "PutBucketAcl", Bucket=name, ACL=_CANNED.get(control or "Private", control))
    tags = [tag for tag in call.tag_list() if not tag["Key"].startswith("aws:")]
    if tags:
        await call.ask("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": tags})
    elif call.before:
        await call.ask("s3", "DeleteBucketTagging", Bucket=name)


async def _bring_list(call: ResourceCall, name: str, listed: Listed) -> None:
    """Put the configurations that are stated, and remove those that were."""
    stated, before = (one.get(listed.name) or () for one in (call.properties, call.before))
    if stated == before:
        return
    wanted = [_content(listed, one) for one in stated]
    for gone in {one["Id"] for one in before} - {one["Id"] for one in wanted}:
        await _unless_gone(call, f"DeleteBucket{listed.member}", name, Id=gone)
    for one in wanted:
        await call.ask("s3", f"PutBucket{listed.member}", Bucket=name, Id=one["Id"], **{listed.member: one})


def _content(section: Section | Listed, stated: Any) -> Any:
    """A section as the API takes it; raises ValidationError for what is none."""
    try:
        return section.content(stated)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise aws_error("ValidationError", f"{section.name} is malformed ({type(error).__name__}: {error})") from None


async def _delete_bucket(call: ResourceCall) -> None:
    await _unless_gone(call, "DeleteBucket", call.physical_id)


async def _read_bucket(call: ResourceCall) -> Reading:
    name = call.physical_id
    await call.ask("s3", "HeadBucket", Bucket=name)
    versioning = await call.ask("s3", "GetBucketVersioning", Bucket=name)
    try:
        tags = (await call.ask("s3", "GetBucketTagging", Bucket=name))["TagSet"]
    except AwsError as error:
        if error.code != "NoSuchTagSet":
            raise
        tags = []
    status = versioning.get("Status")
    told = {"BucketName": name, "Tags": tags, "VersioningConfiguration": {"Status": status} if status else None}
    return Reading(_bucket(call, name), told)


async def _unless_gone(call: ResourceCall, operation: str, bucket: str, **named: str) -> None:
    try:
        await call.ask("s3", operation, Bucket=bucket, **named)
    except AwsError as error:
        if error.code not in ("NoSuchBucket", "NoSuchConfiguration"):
            raise


async def _put_policy(call: ResourceCall) -> Resource:
    call.required("Bucket", "PolicyDocument")
    document = call.properties["PolicyDocument"]
    policy = document if isinstance(document, str) else orjson.dumps(document).decode()
    await call.ask("s3", "PutBucketPolicy", Bucket=call.properties["Bucket"], Policy=policy)
    return Resource(call.properties["Bucket"])


async def _delete_policy(call: ResourceCall) -> None:
    await _unless_gone(call, "DeleteBucketPolicy", call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::S3::Bucket",
        _create_bucket,
        _delete_bucket,
        _update_bucket,
        replaced_by=frozenset({"BucketName", "ObjectLockEnabled"}),
        expected=_name,
        read=_read_bucket,
        identifier="BucketName",
        listing=Listing("s3", "ListBuckets", "Buckets", ("ContinuationToken", "ContinuationToken"), "Name"),
    ),
    ResourceType("AWS::S3::BucketPolicy", _put_policy, _delete_policy, _put_policy, replaced_by=frozenset({"Bucket"})),
)
