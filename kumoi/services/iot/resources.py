"""IoT Core's CloudFormation resource types. Source: "AWS IoT resource type reference".

Properties are the API's members in Pascal case.
"""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.iot.access_resources import ACCESS_RESOURCES
from kumoi.wire.errors import AwsError, aws_error


def _camel(value: Any) -> Any:
    """A property with its members in camel case; attributes of things are the user's own."""
    if isinstance(value, dict):
        return {
            name[:1].lower() + name[1:]: inner if name == "Attributes" else _camel(inner)
            for name, inner in value.items()
        }
    return [_camel(one) for one in value] if isinstance(value, list) else value


def _flags(payload: dict[str, Any]) -> dict[str, Any]:
    """Booleans that a template has as text."""
    actions = [*payload.get("actions", []), payload.get("errorAction") or {}]
    for settings in (payload, *(one for action in actions for one in action.values())):
        for name in ("ruleDisabled", "useBase64", "batchMode"):
            if isinstance(settings.get(name), str):
                settings[name] = settings[name].lower() == "true"
    return payload


async def _retag(call: ResourceCall, arn: str) -> None:
    """Give a resource the template's tags, and take away those that the template no longer has."""
    tags = _tags(call)
    if tags:
        await call.ask("iot", "TagResource", resourceArn=arn, tags=tags)
    stated = call.before.get("Tags") or []
    gone = {one["Key"] for one in stated} - {one["Key"] for one in tags} if isinstance(stated, list) else set()
    if gone:
        await call.ask("iot", "UntagResource", resourceArn=arn, tagKeys=sorted(gone))


def _tags(call: ResourceCall) -> list[dict[str, str]]:
    """The tags; IoT takes none of AWS's own names."""
    return [one for one in call.tag_list() if not one["Key"].startswith("aws:")]


def _rule(call: ResourceCall) -> dict[str, Any]:
    call.required("TopicRulePayload")
    return _flags(_camel(call.properties["TopicRulePayload"]))


def _rule_name(call: ResourceCall) -> str:
    return call.name("RuleName", 128).replace("-", "_")


async def _create_rule(call: ResourceCall) -> Resource:
    name, arn = _rule_name(call), call.arn("iot", f"rule/{_rule_name(call)}")
    await call.ask("iot", "CreateTopicRule", ruleName=name, topicRulePayload=_rule(call))
    made = call.begin(Resource(name, {"Arn": arn}))
    await _retag(call, arn)
    return made


async def _update_rule(call: ResourceCall) -> Resource:
    await call.ask("iot", "ReplaceTopicRule", ruleName=call.physical_id, topicRulePayload=_rule(call))
    await _retag(call, call.attributes["Arn"])
    return Resource(call.physical_id, call.attributes)


async def _delete_rule(call: ResourceCall) -> None:
    await call.ask("iot", "DeleteTopicRule", ruleName=call.physical_id)


async def _create_thing(call: ResourceCall) -> Resource:
    name = call.name("ThingName", 128)
    answer = await call.ask("iot", "CreateThing", thingName=name, **_camel(call.given("AttributePayload")))
    return Resource(name, {"Arn": answer["thingArn"], "Id": answer["thingId"]})


async def _update_thing(call: ResourceCall) -> Resource:
    payload = _camel(call.properties.get("AttributePayload", {"Attributes": {}}))
    await call.ask("iot", "UpdateThing", thingName=call.physical_id, attributePayload=payload)
    return Resource(call.physical_id, call.attributes)


async def _delete_thing(call: ResourceCall) -> None:
    await call.ask("iot", "DeleteThing", thingName=call.physical_id)


async def _create_thing_type(call: ResourceCall) -> Resource:
    name = call.name("ThingTypeName", 128)
    properties = _camel(call.properties.get("ThingTypeProperties"))
    answer = await call.ask(
        "iot", "CreateThingType", thingTypeName=name, thingTypeProperties=properties, tags=_tags(call)
    )
    made = call.begin(Resource(name, {"Arn": answer["thingTypeArn"], "Id": answer["thingTypeId"]}))
    if _said(call.properties.get("DeprecateThingType")):
        await call.ask("iot", "DeprecateThingType", thingTypeName=name)
    return made


async def _update_thing_type(call: ResourceCall) -> Resource:
    name = call.physical_id
    properties = _camel(call.properties.get("ThingTypeProperties", {}))
    await call.ask("iot", "UpdateThingType", thingTypeName=name, thingTypeProperties=properties)
    undo = not _said(call.properties.get("DeprecateThingType"))
    await call.ask("iot", "DeprecateThingType", thingTypeName=name, undoDeprecate=undo)
    await _retag(call, call.attributes["Arn"])
    return Resource(name, call.attributes)


async def _delete_thing_type(call: ResourceCall) -> None:
    await call.ask("iot", "DeprecateThingType", thingTypeName=call.physical_id)
    await call.ask("iot", "DeleteThingType", thingTypeName=call.physical_id)


def _said(value: Any) -> bool:
    return str(value).lower() == "true"


async def _create_group(call: ResourceCall) -> Resource:
    if "QueryString" in call.properties:
        raise aws_error("ValidationError", "Dynamic thing groups (QueryString) are not supported.")
    name = call.name("ThingGroupName", 128)
    answer = await call.ask(
        "iot",
        "CreateThingGroup",
        thingGroupName=name,
        parentGroupName=call.properties.get("ParentGroupName"),
        thingGroupProperties=_camel(call.properties.get("ThingGroupProperties")),
        tags=_tags(call),
    )
    return Resource(name, {"Arn": answer["thingGroupArn"], "Id": answer["thingGroupId"]})


async def _update_group(call: ResourceCall) -> Resource:
    properties = _camel(call.properties.get("ThingGroupProperties", {}))
    await call.ask("iot", "UpdateThingGroup", thingGroupName=call.physical_id, thingGroupProperties=properties)
    await _retag(call, call.attributes["Arn"])
    return Resource(call.physical_id, call.attributes)


async def _delete_group(call: ResourceCall) -> None:
    await call.ask("iot", "DeleteThingGroup", thingGroupName=call.physical_id)


async def _create_certificate(call: ResourceCall) -> Resource:
    """A certificate out of a signing request, or a registered one; whether its CA is registered, the mode says."""
    stated = call.properties
    call.required("Status")
    status, pem = stated["Status"], stated.get("CertificatePem")
    if pem is None:
        call.required("CertificateSigningRequest")
        request = stated["CertificateSigningRequest"]
        answer = await call.ask("iot", "CreateCertificateFromCsr", certificateSigningRequest=request)
        made = call.begin(_certificate(answer))
        if status != "INACTIVE":
            await call.ask("iot", "UpdateCertificate", certificateId=made.physical_id, newStatus=status)
        return made
    if stated.get("CertificateMode") == "SNI_ONLY":
        return _certificate(await call.ask("iot", "RegisterCertificateWithoutCA", certificatePem=pem, status=status))
    ca = stated.get("CACertificatePem")
    return _certificate(
        await call.ask("iot", "RegisterCertificate", certificatePem=pem, caCertificatePem=ca, status=status)
    )


def _certificate(answer: dict[str, Any]) -> Resource:
    return Resource(answer["certificateId"], {"Arn": answer["certificateArn"], "Id": answer["certificateId"]})


async def _update_certificate(call: ResourceCall) -> Resource:
    status = call.properties["Status"]
    await call.ask("iot", "UpdateCertificate", certificateId=call.physical_id, newStatus=status)
    return Resource(call.physical_id, call.attributes)


async def _delete_certificate(call: ResourceCall) -> None:
    await call.ask("iot", "UpdateCertificate", certificateId=call.physical_id, newStatus="INACTIVE")
    await call.ask("iot", "DeleteCertificate", certificateId=call.physical_id)


async def _create_ca(call: ResourceCall) -> Resource:
    call.required("CACertificatePem", "Status")
    stated = call.properties
    if "RegistrationConfig" in stated:
        raise aws_error("ValidationError", "Provisioning templates (RegistrationConfig) are not supported.")
    answer = await call.ask(
        "iot",
        "RegisterCACertificate",
        caCertificate=stated["CACertificatePem"],
        verificationCertificate=stated.get("VerificationCertificatePem"),
        setAsActive=stated["Status"] == "ACTIVE",
        allowAutoRegistration=stated.get("AutoRegistrationStatus") == "ENABLE",
        certificateMode=stated.get("CertificateMode", "DEFAULT"),
        tags=_tags(call),
    )
    return _certificate(answer)


async def _update_ca(call: ResourceCall) -> Resource:
    await call.ask(
        "iot",
        "UpdateCACertificate",
        certificateId=call.physical_id,
        newStatus=call.properties["Status"],
        newAutoRegistrationStatus=call.properties.get("AutoRegistrationStatus", "DISABLE"),
    )
    await _retag(call, call.attributes["Arn"])
    return Resource(call.physical_id, call.attributes)


async def _delete_ca(call: ResourceCall) -> None:
    await call.ask("iot", "UpdateCACertificate", certificateId=call.physical_id, newStatus="INACTIVE")
    await call.ask("iot", "DeleteCACertificate", certificateId=call.physical_id)


def _document(call: ResourceCall) -> str:
    call.required("PolicyDocument")
    document = call.properties["PolicyDocument"]
    return document if isinstance(document, str) else orjson.dumps(document).decode()


async def _create_policy(call: ResourceCall) -> Resource:
    name = call.name("PolicyName", 128)
    answer = await call.ask("iot", "CreatePolicy", policyName=name, policyDocument=_document(call), tags=_tags(call))
    return Resource(name, {"Arn": answer["policyArn"], "Id": name})


async def _update_policy(call: ResourceCall) -> Resource:
    """A new default version; the oldest one makes room for it."""
    name, document = call.physical_id, _document(call)
    found = await call.ask("iot", "GetPolicy", policyName=name)
    if found["policyDocument"] != document:
        listed = (await call.ask("iot", "ListPolicyVersions", policyName=name))["policyVersions"]
        if len(listed) >= 5:
            oldest = [one["versionId"] for one in listed if not one["isDefaultVersion"]][-1]
            await call.ask("iot", "DeletePolicyVersion", policyName=name, policyVersionId=oldest)
        await call.ask("iot", "CreatePolicyVersion", policyName=name, policyDocument=document, setAsDefault=True)
    await _retag(call, call.attributes["Arn"])
    return Resource(name, call.attributes)


async def _delete_policy(call: ResourceCall) -> None:
    name = call.physical_id
    listed = await call.ask("iot", "ListPolicyVersions", policyName=name)
    for one in listed["policyVersions"]:
        if not one["isDefaultVersion"]:
            await call.ask("iot", "DeletePolicyVersion", policyName=name, policyVersionId=one["versionId"])
    await call.ask("iot", "DeletePolicy", policyName=name)


def _template(call: ResourceCall) -> dict[str, Any]:
    """What a provisioning template can be changed to."""
    stated = call.properties
    found = {
        "description": stated.get("Description"),
        "enabled": str(stated.get("Enabled", False)).lower() == "true",
        "provisioningRoleArn": stated["ProvisioningRoleArn"],
        "preProvisioningHook": _camel(stated.get("PreProvisioningHook")),
    }
    return {name: value for name, value in found.items() if value is not None}


async def _create_template(call: ResourceCall) -> Resource:
    name = call.name("TemplateName", 36)
    stated = {"type": call.properties.get("TemplateType", "FLEET_PROVISIONING"), **_template(call)}
    body = call.properties["TemplateBody"]
    answer = await call.ask(
        "iot", "CreateProvisioningTemplate", templateName=name, templateBody=body, tags=_tags(call), **stated
    )
    return Resource(name, {"TemplateArn": answer["templateArn"]})


async def _update_template(call: ResourceCall) -> Resource:
    """A new default version where the body differs; the oldest one makes room for it."""
    named, body = {"templateName": call.physical_id}, call.properties["TemplateBody"]
    found = await call.ask("iot", "DescribeProvisioningTemplate", **named)
    if found["templateBody"] != body:
        listed = (await call.ask("iot", "ListProvisioningTemplateVersions", **named))["versions"]
        if len(listed) >= 5:
            oldest = next(one["versionId"] for one in listed if not one["isDefaultVersion"])
            await call.ask("iot", "DeleteProvisioningTemplateVersion", **named, versionId=oldest)
        await call.ask("iot", "CreateProvisioningTemplateVersion", **named, templateBody=body, setAsDefault=True)
    gone = "preProvisioningHook" in found and "PreProvisioningHook" not in call.properties
    await call.ask("iot", "UpdateProvisioningTemplate", **named, **_template(call), removePreProvisioningHook=gone)
    await _retag(call, call.attributes["TemplateArn"])
    return Resource(call.physical_id, call.attributes)


async def _delete_template(call: ResourceCall) -> None:
    named = {"templateName": call.physical_id}
    listed = await call.ask("iot", "ListProvisioningTemplateVersions", **named)
    for one in listed["versions"]:
        if not one["isDefaultVersion"]:
            await call.ask("iot", "DeleteProvisioningTemplateVersion", **named, versionId=one["versionId"])
    await call.ask("iot", "DeleteProvisioningTemplate", **named)


def _attached(call: ResourceCall) -> Resource:
    return Resource(f"{call.stack_name}-{call.logical_id}-{call.token}")


async def _attach_policy(call: ResourceCall) -> Resource:
    call.required("PolicyName", "Principal")
    stated = call.properties
    await call.ask("iot", "AttachPolicy", policyName=stated["PolicyName"], target=stated["Principal"])
    return _attached(call)


async def _detach_policy(call: ResourceCall) -> None:
    stated = call.properties
    await _unless_gone(call, "DetachPolicy", policyName=stated["PolicyName"], target=stated["Principal"])


async def _attach_thing(call: ResourceCall) -> Resource:
    call.required("ThingName", "Principal")
    stated = call.properties
    kind = stated.get("ThingPrincipalType")
    await call.ask(
        "iot",
        "AttachThingPrincipal",
        thingName=stated["ThingName"],
        principal=stated["Principal"],
        thingPrincipalType=kind,
    )
    return _attached(call)


async def _detach_thing(call: ResourceCall) -> None:
    stated = call.properties
    await _unless_gone(call, "DetachThingPrincipal", thingName=stated["ThingName"], principal=stated["Principal"])


async def _unless_gone(call: ResourceCall, operation: str, **params: Any) -> None:
    try:
        await call.ask("iot", operation, **params)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise


RESOURCES = (
    ResourceType(
        "AWS::IoT::TopicRule",
        _create_rule,
        _delete_rule,
        _update_rule,
        replaced_by=frozenset(("RuleName",)),
        expected=_rule_name,
    ),
    ResourceType(
        "AWS::IoT::Thing",
        _create_thing,
        _delete_thing,
        _update_thing,
        replaced_by=frozenset(("ThingName",)),
        expected=lambda call: call.name("ThingName", 128),
    ),
    ResourceType(
        "AWS::IoT::ThingType",
        _create_thing_type,
        _delete_thing_type,
        _update_thing_type,
        replaced_by=frozenset(("ThingTypeName",)),
        expected=lambda call: call.name("ThingTypeName", 128),
    ),
    ResourceType(
        "AWS::IoT::ThingGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(("ThingGroupName", "ParentGroupName")),
        expected=lambda call: call.name("ThingGroupName", 128),
    ),
    ResourceType(
        "AWS::IoT::Certificate",
        _create_certificate,
        _delete_certificate,
        _update_certificate,
        replaced_by=frozenset(("CertificatePem", "CertificateSigningRequest", "CACertificatePem", "CertificateMode")),
    ),
    ResourceType(
        "AWS::IoT::CACertificate",
        _create_ca,
        _delete_ca,
        _update_ca,
        replaced_by=frozenset(("CACertificatePem", "VerificationCertificatePem", "CertificateMode")),
    ),
    ResourceType(
        "AWS::IoT::Policy",
        _create_policy,
        _delete_policy,
        _update_policy,
        replaced_by=frozenset(("PolicyName",)),
        expected=lambda call: call.name("PolicyName", 128),
    ),
    ResourceType(
        "AWS::IoT::ProvisioningTemplate",
        _create_template,
        _delete_template,
        _update_template,
        replaced_by=frozenset(("TemplateName", "TemplateType")),
        expected=lambda call: call.name("TemplateName", 36),
    ),
    ResourceType("AWS::IoT::PolicyPrincipalAttachment", _attach_policy, _detach_policy),
    ResourceType("AWS::IoT::ThingPrincipalAttachment", _attach_thing, _detach_thing),
    *ACCESS_RESOURCES,
)
