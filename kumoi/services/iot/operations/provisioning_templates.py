"""Provisioning templates and their versions. Source: "Provisioning templates" of the developer guide."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.iot import iot
from kumoi.services.iot.naming import given, invalid, not_found, page
from kumoi.services.iot.operations.certificates import (
    create_keys_and_certificate,
    delete_certificate,
    update_certificate,
)
from kumoi.services.iot.provisioning_rules import read_template
from kumoi.services.iot.records import (
    CLAIM_ENDS,
    Claim,
    ProvisioningTemplate,
    Tags,
    TemplateVersion,
    claims,
    tagged,
    templates,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MOST_VERSIONS = 5
HOOK_VERSION = "2020-04-01"
CLAIM_SECONDS = 300


@iot.operation
async def create_provisioning_template(
    call: Call,
    templateName: str,
    templateBody: str,
    provisioningRoleArn: str,
    description: str | None = None,
    enabled: bool = False,
    preProvisioningHook: dict[str, str] | None = None,
    tags: list[dict[str, str]] | None = None,
    type: str = "FLEET_PROVISIONING",
) -> dict[str, Any]:
    """Make a template with its first version."""
    if type != "FLEET_PROVISIONING":
        raise aws_error("NotImplemented", f"Kumoi has no provisioning templates of the type {type} yet.")
    read_template(templateBody)
    template = ProvisioningTemplate(
        name=templateName,
        created=call.now,
        modified=call.now,
        role=provisioningRoleArn,
        versions=(TemplateVersion(1, templateBody, call.now),),
        description=description,
        enabled=enabled,
        hook=_hook(preProvisioningHook),
    )
    await _create(
        call.state, template, _arn(call, templateName), {one["Key"]: one.get("Value", "") for one in tags or ()}
    )
    return {"templateArn": _arn(call, templateName), "templateName": templateName, "defaultVersionId": 1}


@iot.operation
async def describe_provisioning_template(call: Call, templateName: str) -> dict[str, Any]:
    """A template with the body of its default version."""
    template = await find_template(call.state, templateName)
    version = template.version(template.default)
    assert version is not None
    return {
        **_shown(call, template),
        "defaultVersionId": template.default,
        "templateBody": version.body,
        "provisioningRoleArn": template.role,
        **given(preProvisioningHook=template.hook),
    }


@iot.operation
async def list_provisioning_templates(
    call: Call, maxResults: int | None = None, nextToken: str | None = None
) -> dict[str, Any]:
    """Templates by name."""
    found, more = page(await call.state.run(templates.list), lambda one: one.name, nextToken, maxResults)
    return {"templates": [_shown(call, one) for one in found], **more}


@iot.operation
async def update_provisioning_template(
    call: Call,
    templateName: str,
    description: str | None = None,
    enabled: bool | None = None,
    defaultVersionId: int | None = None,
    provisioningRoleArn: str | None = None,
    preProvisioningHook: dict[str, str] | None = None,
    removePreProvisioningHook: bool = False,
) -> dict[str, Any]:
    """Change what is given of a template."""
    if removePreProvisioningHook and preProvisioningHook is not None:
        raise invalid("A hook cannot be given and removed at once.")
    changes = given(
        description=description,
        enabled=enabled,
        default=defaultVersionId,
        role=provisioningRoleArn,
        hook=_hook(preProvisioningHook),
    )
    if removePreProvisioningHook:
        changes["hook"] = None
    await _update(call.state, templateName, changes)
    return {}


@iot.operation
async def delete_provisioning_template(call: Call, templateName: str) -> dict[str, Any]:
    """Delete a template with all its versions."""
    await _delete(call.state, templateName, _arn(call, templateName))
    return {}


@iot.operation
async def create_provisioning_template_version(
    call: Call, templateName: str, templateBody: str, setAsDefault: bool = False
) -> dict[str, Any]:
    """Add a version."""
    read_template(templateBody)
    version = await _add(call.state, templateName, templateBody, setAsDefault)
    return {
        "templateArn": _arn(call, templateName),
        "templateName": templateName,
        "versionId": version,
        "isDefaultVersion": setAsDefault,
    }


@iot.operation
async def describe_provisioning_template_version(call: Call, templateName: str, versionId: int) -> dict[str, Any]:
    """A version."""
    template = await find_template(call.state, templateName)
    version = _version(template, versionId)
    return {**_shown_version(template, version), "templateBody": version.body}


@iot.operation
async def list_provisioning_template_versions(
    call: Call, templateName: str, maxResults: int | None = None, nextToken: str | None = None
) -> dict[str, Any]:
    """The versions of a template."""
    template = await find_template(call.state, templateName)
    found, more = page(template.versions, lambda one: f"{one.id:020}", nextToken, maxResults)
    return {"versions": [_shown_version(template, one) for one in found], **more}


@iot.operation
async def delete_provisioning_template_version(call: Call, templateName: str, versionId: int) -> dict[str, Any]:
    """Delete a version that is not the default."""
    await _remove(call.state, templateName, versionId)
    return {}


@iot.operation
async def create_provisioning_claim(call: Call, templateName: str) -> dict[str, Any]:
    """A certificate for five minutes, with which devices may be provisioned by a template and nothing else."""
    await find_template(call.state, templateName)
    made = await create_keys_and_certificate(call, setAsActive=True)
    until = call.now + CLAIM_SECONDS
    await _claim(call.state, Claim(made["certificateId"], templateName, until))
    return {
        "certificateId": made["certificateId"],
        "certificatePem": made["certificatePem"],
        "keyPair": made["keyPair"],
        "expiration": until,
    }


@iot.operation
async def end_provisioning_claim(call: Call, certificateId: str) -> None:
    """A claim's time is over: its certificate goes (none of AWS's API; asked by its timer)."""
    await _end_claim(call.state, certificateId)
    await update_certificate(call, certificateId, "INACTIVE")
    await delete_certificate(call, certificateId, forceDelete=True)


@transactional
async def find_template(tx: Transaction, name: str) -> ProvisioningTemplate:
    """A template; ResourceNotFoundException when there is none."""
    template = await templates.get(tx, name)
    if template is None:
        raise not_found(f"Provisioning template {name} not found.")
    return template


def _arn(call: Call, name: str) -> str:
    return call.arn("iot", f"provisioningtemplate/{name}")


def _hook(stated: dict[str, str] | None) -> dict[str, str] | None:
    if stated is None:
        return None
    hook = {"payloadVersion": HOOK_VERSION, **stated}
    if hook["payloadVersion"] != HOOK_VERSION:
        raise invalid(f"The payload of a hook has the version {HOOK_VERSION}.")
    return hook


def _shown(call: Call, template: ProvisioningTemplate) -> dict[str, Any]:
    return {
        "templateArn": _arn(call, template.name),
        "templateName": template.name,
        "creationDate": template.created,
        "lastModifiedDate": template.modified,
        "enabled": template.enabled,
        "type": "FLEET_PROVISIONING",
        **given(description=template.description),
    }


def _shown_version(template: ProvisioningTemplate, version: TemplateVersion) -> dict[str, Any]:
    return {
        "versionId": version.id,
        "creationDate": version.created,
        "isDefaultVersion": version.id == template.default,
    }


def _version(template: ProvisioningTemplate, version_id: int) -> TemplateVersion:
    version = template.version(version_id)
    if version is None:
        raise not_found(f"Provisioning template {template.name} has no version {version_id}.")
    return version


def _conflict(text: str) -> AwsError:
    return aws_error("DeleteConflictException", text, status=409)


@transactional
async def _claim(tx: Transaction, claim: Claim) -> None:
    await claims.put(tx, claim)
    tx.timer(claim.until, CLAIM_ENDS, key=claim.certificate)


@transactional
async def _end_claim(tx: Transaction, certificate: str) -> None:
    await claims.delete(tx, certificate)


@transactional
async def _create(tx: Transaction, template: ProvisioningTemplate, arn: str, tags: dict[str, str]) -> None:
    if await templates.get(tx, template.name) is not None:
        raise aws_error(
            "ResourceAlreadyExistsException",
            f"Provisioning template {template.name} already exists.",
            resourceId=template.name,
            resourceArn=arn,
        )
    await templates.put(tx, template)
    if tags:
        await tagged.put(tx, Tags(arn, tags))


@transactional
async def _update(tx: Transaction, name: str, changes: dict[str, Any]) -> None:
    template = await find_template(tx, name)
    if "default" in changes:
        _version(template, changes["default"])
    await templates.put(tx, msgspec.structs.replace(template, modified=tx.now, **changes))


@transactional
async def _delete(tx: Transaction, name: str, arn: str) -> None:
    await find_template(tx, name)
    await templates.delete(tx, name)
    await tagged.delete(tx, arn)


@transactional
async def _add(tx: Transaction, name: str, body: str, default: bool) -> int:
    template = await find_template(tx, name)
    if len(template.versions) >= MOST_VERSIONS:
        text = f"Provisioning template {name} has {MOST_VERSIONS} versions, which is the most."
        raise aws_error("VersionsLimitExceededException", text, status=409)
    number = template.made + 1
    changed = msgspec.structs.replace(
        template,
        versions=(*template.versions, TemplateVersion(number, body, tx.now)),
        made=number,
        modified=tx.now,
        default=number if default else template.default,
    )
    await templates.put(tx, changed)
    return number


@transactional
async def _remove(tx: Transaction, name: str, version_id: int) -> None:
    template = await find_template(tx, name)
    _version(template, version_id)
    if version_id == template.default:
        raise _conflict(f"Version {version_id} of the provisioning template {name} is its default.")
    left = tuple(one for one in template.versions if one.id != version_id)
    await templates.put(tx, msgspec.structs.replace(template, versions=left, modified=tx.now))
