"""Makes what a provisioning template says: a thing, its certificate, its policies, and how they hang together.

Each step is a call in the name of whoever provisions, and one that finds its work done goes on: so a device that asks
again gets the same answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from kumoi.services.iot.naming import given, invalid
from kumoi.services.iot.provisioning_rules import PSEUDO, Plan, Resource
from kumoi.services.iot.x509_certificates import policy_variables, read
from kumoi.wire.errors import AwsError, aws_error

Ask = Callable[..., Awaitable[Any]]
"""Calls an operation of IoT: its name, and its members by name."""

_SUBJECT = {
    "CommonName": "commonname",
    "Country": "country",
    "DistinguishedNameQualifier": "distinguishednamequalifier",
    "Organization": "organization",
    "OrganizationalUnit": "organizationalunit",
    "SerialNumber": "serialnumber",
    "StateName": "state",
}


@dataclass(slots=True)
class Provisioned:
    """What was made: the thing's name, the certificate, and ARNs by the names that the template gives."""

    thing: str | None = None
    pem: str = ""
    arns: dict[str, str] = field(default_factory=dict)


def pseudo_parameters(pem: str) -> dict[str, str]:
    """The parameters that a certificate says by itself: its id, and what its subject has."""
    variables = policy_variables(pem)
    found = {f"{PSEUDO}Id": read(pem).id}
    for name, variable in _SUBJECT.items():
        value = variables.get(f"iot:certificate.subject.{variable}")
        if value is not None:
            found[PSEUDO + name] = value[0]
    return found


async def carry_out(ask: Ask, plan: Plan, *, fresh: bool) -> Provisioned:
    """Make what a plan says. `fresh`: its certificate was made for this, and gets the status that the plan says.

    ResourceRegistrationFailureException for what could not be made, with the reason.
    """
    made = Provisioned()
    try:
        if plan.thing is not None:
            await _thing(ask, plan.thing, made)
        if plan.certificate is not None:
            await _certificate(ask, plan.certificate, made, fresh)
            principal = made.arns[plan.certificate.name]
            if made.thing is not None:
                kind = given(thingPrincipalType=plan.certificate.properties.get("ThingPrincipalType"))
                await ask("AttachThingPrincipal", thingName=made.thing, principal=principal, **kind)
            for policy in plan.policies:
                await _policy(ask, policy, principal, made)
        elif plan.policies:
            raise invalid("A policy needs a certificate to hang on.")
    except AwsError as error:
        if error.code in ("InvalidRequestException", "ResourceRegistrationFailureException"):
            raise
        raise _failed(f"{error.code}: {error.message}") from None
    return made


def _failed(text: str) -> AwsError:
    return aws_error("ResourceRegistrationFailureException", text, status=400)


async def _or_none(asked: Awaitable[Any]) -> Any:
    try:
        return await asked
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None


async def _thing(ask: Ask, resource: Resource, made: Provisioned) -> None:
    properties = resource.properties
    name, kind = properties["ThingName"], properties.get("ThingTypeName")
    attributes, groups = properties.get("AttributePayload"), properties.get("ThingGroups")
    before = await _or_none(ask("DescribeThing", thingName=name))
    if before is None:
        payload = None if attributes is None else {"attributes": attributes}
        answer = await ask("CreateThing", thingName=name, **given(thingTypeName=kind, attributePayload=payload))
        arn = answer["thingArn"]
        for group in groups or ():
            await ask("AddThingToThingGroup", thingName=name, thingGroupName=group)
    else:
        arn = before["thingArn"]
        await _change_attributes(ask, resource, before)
        if kind is not None and _replaces(resource, "ThingTypeName", kind, before.get("thingTypeName")):
            await ask("UpdateThing", thingName=name, thingTypeName=kind)
        if groups is not None:
            await _change_groups(ask, resource, name, groups)
    made.thing, made.arns[resource.name] = name, arn


def _replaces(resource: Resource, name: str, wanted: Any, found: Any) -> bool:
    """Whether a property of something that is there is to be changed; raises where that is to fail."""
    override = resource.override(name)
    if wanted == found or override == "DO_NOTHING":
        return False
    if override == "FAIL":
        raise _failed(f"{resource.name} is there already, with another {name}.")
    return True


async def _change_attributes(ask: Ask, resource: Resource, before: dict[str, Any]) -> None:
    attributes = resource.properties.get("AttributePayload")
    if attributes is None:
        return
    merge = resource.override("AttributePayload") == "MERGE"
    wanted = {**before["attributes"], **attributes} if merge else attributes
    if _replaces(resource, "AttributePayload", wanted, before["attributes"]):
        payload = {"attributes": attributes, "merge": merge}
        await ask("UpdateThing", thingName=before["thingName"], attributePayload=payload)


async def _change_groups(ask: Ask, resource: Resource, name: str, groups: list[str]) -> None:
    listed = await ask("ListThingGroupsForThing", thingName=name, maxResults=250)
    found = sorted(one["groupName"] for one in listed["thingGroups"])
    if _replaces(resource, "ThingGroups", sorted(groups), found):
        add, remove = sorted(set(groups) - set(found)), sorted(set(found) - set(groups))
        await ask("UpdateThingGroupsForThing", thingName=name, thingGroupsToAdd=add, thingGroupsToRemove=remove)


async def _certificate(ask: Ask, resource: Resource, made: Provisioned, fresh: bool) -> None:
    properties = resource.properties
    status = properties.get("Status", "ACTIVE").upper()
    if status not in ("ACTIVE", "INACTIVE", "PENDING_ACTIVATION"):
        raise invalid(f"The status {status} cannot be given.")
    request, pem = properties.get("CertificateSigningRequest"), properties.get("CertificatePem")
    if request is not None:
        active = status == "ACTIVE"
        answer = await ask("CreateCertificateFromCsr", certificateSigningRequest=request, setAsActive=active)
        made.pem, made.arns[resource.name] = answer["certificatePem"], answer["certificateArn"]
        return
    certificate_id = properties.get("CertificateId")
    if certificate_id is None:
        certificate_id = read(str(pem)).id
        if await _or_none(ask("DescribeCertificate", certificateId=certificate_id)) is None:
            authority = given(caCertificatePem=properties.get("CACertificatePem"))
            await ask("RegisterCertificate", certificatePem=pem, status=status, **authority)
    found = (await ask("DescribeCertificate", certificateId=certificate_id))["certificateDescription"]
    differs = found["status"] != status
    if differs if fresh else _replaces(resource, "Status", status, found["status"]):
        await ask("UpdateCertificate", certificateId=certificate_id, newStatus=status)
    made.pem, made.arns[resource.name] = found["certificatePem"], found["certificateArn"]


async def _policy(ask: Ask, resource: Resource, principal: str, made: Provisioned) -> None:
    document, name = resource.properties.get("PolicyDocument"), resource.properties.get("PolicyName")
    if document is not None:
        text = document if isinstance(document, str) else orjson.dumps(document).decode()
        name = name or hashlib.sha256(text.encode()).hexdigest()
        try:
            await ask("CreatePolicy", policyName=name, policyDocument=text)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
    answer = await ask("GetPolicy", policyName=name)
    await ask("AttachPolicy", policyName=name, target=principal)
    made.arns[resource.name] = answer["policyArn"]
