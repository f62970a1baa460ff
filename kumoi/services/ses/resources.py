"""SES's CloudFormation resource types. Source: "Amazon SES resource type reference"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Reading, Resource, ResourceCall, ResourceType
from kumoi.wire.errors import AwsError

_GONE = ("NotFoundException", "RuleSetDoesNotExist", "RuleDoesNotExist")
_SPOKEN = {"renderingfailure": "RENDERING_FAILURE", "deliverydelay": "DELIVERY_DELAY"}
_SOURCES = {"messageTag": "MESSAGE_TAG", "emailHeader": "EMAIL_HEADER", "linkTag": "LINK_TAG"}


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


async def _passing(call: ResourceCall, operation: str, service: str = "sesv2", **params: Any) -> None:
    """Call an operation that deletes; what is gone already is passed over."""
    try:
        await call.ask(service, operation, **params)
    except AwsError as error:
        if error.code not in _GONE:
            raise


async def _update_tags(call: ResourceCall, arn: str) -> None:
    known = {
        one["Key"]: one["Value"] for one in (await call.ask("sesv2", "ListTagsForResource", ResourceArn=arn))["Tags"]
    }
    wanted = call.all_tags()
    if gone := [name for name in known if name not in wanted]:
        await call.ask("sesv2", "UntagResource", ResourceArn=arn, TagKeys=gone)
    await call.ask("sesv2", "TagResource", ResourceArn=arn, Tags=call.tag_list())


# ── identities ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_identity(call: ResourceCall) -> Resource:
    call.required("EmailIdentity")
    name = str(call.properties["EmailIdentity"])
    await call.ask(
        "sesv2",
        "CreateEmailIdentity",
        EmailIdentity=name,
        Tags=call.tag_list(),
        ConfigurationSetName=_member(call, "ConfigurationSetAttributes", "ConfigurationSetName"),
        **call.given("DkimSigningAttributes"),
    )
    call.begin(Resource(name))
    await _set_identity(call, name)
    return await _identity(call, name)


def _member(call: ResourceCall, holder: str, member: str) -> Any:
    return (call.properties.get(holder) or {}).get(member)


async def _set_identity(call: ResourceCall, name: str) -> None:
    """Set what is stated, and what was stated before and is no longer."""
    stated = {**call.before, **call.properties}
    if "DkimAttributes" in stated:
        enabled = _member(call, "DkimAttributes", "SigningEnabled")
        await call.ask(
            "sesv2",
            "PutEmailIdentityDkimAttributes",
            EmailIdentity=name,
            SigningEnabled=True if enabled is None else _flag(enabled),
        )
    if "FeedbackAttributes" in stated:
        enabled = _member(call, "FeedbackAttributes", "EmailForwardingEnabled")
        await call.ask(
            "sesv2",
            "PutEmailIdentityFeedbackAttributes",
            EmailIdentity=name,
            EmailForwardingEnabled=True if enabled is None else _flag(enabled),
        )
    if "MailFromAttributes" in stated:
        await call.ask(
            "sesv2",
            "PutEmailIdentityMailFromAttributes",
            EmailIdentity=name,
            MailFromDomain=_member(call, "MailFromAttributes", "MailFromDomain"),
            BehaviorOnMxFailure=_member(call, "MailFromAttributes", "BehaviorOnMxFailure"),
        )


async def _update_identity(call: ResourceCall) -> Resource:
    name = call.physical_id
    await _set_identity(call, name)
    await call.ask(
        "sesv2",
        "PutEmailIdentityConfigurationSetAttributes",
        EmailIdentity=name,
        ConfigurationSetName=_member(call, "ConfigurationSetAttributes", "ConfigurationSetName"),
    )
    if call.properties.get("DkimSigningAttributes") != call.before.get("DkimSigningAttributes"):
        signing = call.properties.get("DkimSigningAttributes") or {}
        await call.ask(
            "sesv2",
            "PutEmailIdentityDkimSigningAttributes",
            EmailIdentity=name,
            SigningAttributesOrigin="EXTERNAL" if signing.get("DomainSigningSelector") else "AWS_SES",
            SigningAttributes=signing,
        )
    await _update_tags(call, call.arn("ses", f"identity/{name}"))
    return await _identity(call, name)


async def _identity(call: ResourceCall, name: str) -> Resource:
    dkim = (await call.ask("sesv2", "GetEmailIdentity", EmailIdentity=name))["DkimAttributes"]
    zone = dkim.get("SigningHostedZone", "dkim.amazonses.com")
    attributes = {}
    for number, token in enumerate(dkim.get("Tokens") or (), start=1):
        attributes[f"DkimDNSTokenName{number}"] = f"{token}._domainkey.{name}"
        attributes[f"DkimDNSTokenValue{number}"] = f"{token}.{zone}"
    return Resource(name, {"EmailIdentity": name, **attributes})


async def _delete_identity(call: ResourceCall) -> None:
    await _passing(call, "DeleteEmailIdentity", EmailIdentity=call.physical_id)


async def _read_identity(call: ResourceCall) -> Reading:
    name = call.physical_id
    found = await call.ask("sesv2", "GetEmailIdentity", EmailIdentity=name)
    mail_from = found["MailFromAttributes"]
    properties = {
        "EmailIdentity": name,
        "ConfigurationSetAttributes": {"ConfigurationSetName": found.get("ConfigurationSetName")},
        "DkimAttributes": {"SigningEnabled": found["DkimAttributes"]["SigningEnabled"]},
        "FeedbackAttributes": {"EmailForwardingEnabled": found["FeedbackForwardingStatus"]},
        "MailFromAttributes": {member: mail_from.get(member) for member in ("MailFromDomain", "BehaviorOnMxFailure")},
        "Tags": found["Tags"],
    }
    return Reading(await _identity(call, name), properties)


# ── configuration sets ────────────────────────────────────────────────────────────────────────────────────────────────

_OPTIONS = {
    "TrackingOptions": "PutConfigurationSetTrackingOptions",
    "DeliveryOptions": "PutConfigurationSetDeliveryOptions",
    "ReputationOptions": "PutConfigurationSetReputationOptions",
    "SuppressionOptions": "PutConfigurationSetSuppressionOptions",
}


def _options(call: ResourceCall) -> dict[str, Any]:
    """The settings that are stated, flags and numbers as such."""
    found = {name: dict(call.properties[name]) for name in _OPTIONS if call.properties.get(name) is not None}
    for holder, member in (("ReputationOptions", "ReputationMetricsEnabled"),):
        if member in found.get(holder, {}):
            found[holder][member] = _flag(found[holder][member])
    if "MaxDeliverySeconds" in found.get("DeliveryOptions", {}):
        found["DeliveryOptions"]["MaxDeliverySeconds"] = int(found["DeliveryOptions"]["MaxDeliverySeconds"])
    return found


def _sends(call: ResourceCall) -> bool:
    enabled = _member(call, "SendingOptions", "SendingEnabled")
    return True if enabled is None else _flag(enabled)


async def _create_configuration_set(call: ResourceCall) -> Resource:
    name = call.name("Name", 64)
    await call.ask(
        "sesv2",
        "CreateConfigurationSet",
        ConfigurationSetName=name,
        SendingOptions={"SendingEnabled": _sends(call)},
        Tags=call.tag_list(),
        **_options(call),
        **call.given("VdmOptions"),
    )
    return Resource(name, {"Name": name})


async def _update_configuration_set(call: ResourceCall) -> Resource:
    name, stated = call.physical_id, _options(call)
    for option, operation in _OPTIONS.items():
        if call.properties.get(option) != call.before.get(option):
            await call.ask("sesv2", operation, ConfigurationSetName=name, **stated.get(option, {}))
    await call.ask("sesv2", "PutConfigurationSetSendingOptions", ConfigurationSetName=name, SendingEnabled=_sends(call))
    vdm = call.properties.get("VdmOptions")
    await call.ask("sesv2", "PutConfigurationSetVdmOptions", ConfigurationSetName=name, VdmOptions=vdm)
    await _update_tags(call, call.arn("ses", f"configuration-set/{name}"))
    return Resource(name, {"Name": name})


async def _delete_configuration_set(call: ResourceCall) -> None:
    await _passing(call, "DeleteConfigurationSet", ConfigurationSetName=call.physical_id)


async def _read_configuration_set(call: ResourceCall) -> Reading:
    name = call.physical_id
    found = await call.ask("sesv2", "GetConfigurationSet", ConfigurationSetName=name)
    properties = {option: found.get(option) for option in (*_OPTIONS, "SendingOptions", "VdmOptions", "Tags")}
    return Reading(Resource(name, {"Name": name}), {"Name": name, **properties})


# ── event destinations ────────────────────────────────────────────────────────────────────────────────────────────────


def _destination(call: ResourceCall) -> dict[str, Any]:
    """An event destination as the v2 API has it."""
    given: Mapping[str, Any] = call.properties["EventDestination"]
    types = (str(one) for one in given.get("MatchingEventTypes") or ())
    made: dict[str, Any] = {
        "Enabled": _flag(given.get("Enabled", False)),
        "MatchingEventTypes": [_SPOKEN.get(one.lower(), one.upper()) for one in types],
    }
    if (topic := given.get("SnsDestination")) is not None:
        made["SnsDestination"] = {"TopicArn": topic["TopicARN"]}
    if (stream := given.get("KinesisFirehoseDestination")) is not None:
        made["KinesisFirehoseDestination"] = {
            "IamRoleArn": stream["IAMRoleARN"],
            "DeliveryStreamArn": stream["DeliveryStreamARN"],
        }
    if (metrics := given.get("CloudWatchDestination")) is not None:
        made["CloudWatchDestination"] = {
            "DimensionConfigurations": [
                {**one, "DimensionValueSource": _SOURCES.get(one["DimensionValueSource"], one["DimensionValueSource"])}
                for one in metrics.get("DimensionConfigurations") or ()
            ]
        }
    if given.get("EventBridgeDestination") is not None:
        made["EventBridgeDestination"] = given["EventBridgeDestination"]
    return made


async def _create_destination(call: ResourceCall) -> Resource:
    call.required("ConfigurationSetName", "EventDestination")
    name = str(call.properties["EventDestination"].get("Name") or f"{call.logical_id}-{call.token}")
    configuration_set = str(call.properties["ConfigurationSetName"])
    await call.ask(
        "sesv2",
        "CreateConfigurationSetEventDestination",
        ConfigurationSetName=configuration_set,
        EventDestinationName=name,
        EventDestination=_destination(call),
    )
    return _of_destination(configuration_set, name)


def _of_destination(configuration_set: str, name: str) -> Resource:
    return Resource(f"{configuration_set}|{name}", {"Id": f"{configuration_set}|{name}"})


async def _update_destination(call: ResourceCall) -> Resource:
    configuration_set, _, name = call.physical_id.partition("|")
    await call.ask(
        "sesv2",
        "UpdateConfigurationSetEventDestination",
        ConfigurationSetName=configuration_set,
        EventDestinationName=name,
        EventDestination=_destination(call),
    )
    return _of_destination(configuration_set, name)


async def _delete_destination(call: ResourceCall) -> None:
    configuration_set, _, name = call.physical_id.partition("|")
    await _passing(
        call,
        "DeleteConfigurationSetEventDestination",
        ConfigurationSetName=configuration_set,
        EventDestinationName=name,
    )


# ── templates ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _template(call: ResourceCall, name: str) -> dict[str, Any]:
    given = call.properties.get("Template") or {}
    parts = {
        member: given[member] for member in ("SubjectPart", "TextPart", "HtmlPart") if given.get(member) is not None
    }
    return {"TemplateName": name, **parts}


async def _create_template(call: ResourceCall) -> Resource:
    given = call.properties.get("Template") or {}
    name = str(given.get("TemplateName") or f"{call.logical_id}-{call.token}")[:64]
    await call.ask("ses", "CreateTemplate", Template=_template(call, name))
    return Resource(name, {"Id": name})


async def _update_template(call: ResourceCall) -> Resource:
    await call.ask("ses", "UpdateTemplate", Template=_template(call, call.physical_id))
    return Resource(call.physical_id, {"Id": call.physical_id})


async def _delete_template(call: ResourceCall) -> None:
    await call.ask("ses", "DeleteTemplate", TemplateName=call.physical_id)


async def _read_template(call: ResourceCall) -> Reading:
    found = (await call.ask("ses", "GetTemplate", TemplateName=call.physical_id))["Template"]
    parts = {name: value for name, value in found.items() if value is not None}
    return Reading(Resource(call.physical_id, {"Id": call.physical_id}), {"Template": parts})


# ── contact lists ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_contact_list(call: ResourceCall) -> Resource:
    name = call.name("ContactListName", 64)
    await call.ask(
        "sesv2",
        "CreateContactList",
        ContactListName=name,
        Tags=call.tag_list(),
        **call.given("Description", "Topics"),
    )
    return Resource(name)


async def _update_contact_list(call: ResourceCall) -> Resource:
    name = call.physical_id
    await call.ask("sesv2", "UpdateContactList", ContactListName=name, **call.given("Description", "Topics"))
    await _update_tags(call, call.arn("ses", f"contact-list/{name}"))
    return Resource(name)


async def _delete_contact_list(call: ResourceCall) -> None:
    await _passing(call, "DeleteContactList", ContactListName=call.physical_id)


# ── receiving ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_rule_set(call: ResourceCall) -> Resource:
    name = call.name("RuleSetName", 64)
    await call.ask("ses", "CreateReceiptRuleSet", RuleSetName=name)
    return Resource(name)


async def _delete_rule_set(call: ResourceCall) -> None:
    await _passing(call, "DeleteReceiptRuleSet", "ses", RuleSetName=call.physical_id)


def _rule(call: ResourceCall, name: str) -> dict[str, Any]:
    given = dict(call.properties["Rule"])
    flags = {member: _flag(given[member]) for member in ("Enabled", "ScanEnabled") if member in given}
    return {**given, **flags, "Name": name}


async def _create_rule(call: ResourceCall) -> Resource:
    call.required("RuleSetName", "Rule")
    name = str(call.properties["Rule"].get("Name") or f"{call.logical_id}-{call.token}")[:64]
    await call.ask(
        "ses",
        "CreateReceiptRule",
        RuleSetName=call.properties["RuleSetName"],
        Rule=_rule(call, name),
        After=call.properties.get("After"),
    )
    return Resource(name)


async def _update_rule(call: ResourceCall) -> Resource:
    name, rule_set = call.physical_id, call.properties["RuleSetName"]
    await call.ask("ses", "UpdateReceiptRule", RuleSetName=rule_set, Rule=_rule(call, name))
    if call.properties.get("After") != call.before.get("After"):
        after = call.properties.get("After")
        await call.ask("ses", "SetReceiptRulePosition", RuleSetName=rule_set, RuleName=name, After=after)
    return Resource(name)


async def _delete_rule(call: ResourceCall) -> None:
    rule_set = call.properties["RuleSetName"]
    await _passing(call, "DeleteReceiptRule", "ses", RuleSetName=rule_set, RuleName=call.physical_id)


async def _create_filter(call: ResourceCall) -> Resource:
    call.required("Filter")
    given = dict(call.properties["Filter"])
    name = str(given.get("Name") or f"{call.logical_id}-{call.token}")[:64]
    await call.ask("ses", "CreateReceiptFilter", Filter={**given, "Name": name})
    return Resource(name)


async def _delete_filter(call: ResourceCall) -> None:
    await _passing(call, "DeleteReceiptFilter", "ses", FilterName=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::SES::ReceiptRuleSet",
        _create_rule_set,
        _delete_rule_set,
        expected=lambda call: call.name("RuleSetName", 64),
    ),
    ResourceType(
        "AWS::SES::ReceiptRule", _create_rule, _delete_rule, _update_rule, replaced_by=frozenset(("RuleSetName",))
    ),
    ResourceType("AWS::SES::ReceiptFilter", _create_filter, _delete_filter),
    ResourceType(
        "AWS::SES::EmailIdentity",
        _create_identity,
        _delete_identity,
        _update_identity,
        replaced_by=frozenset(("EmailIdentity",)),
        expected=lambda call: str(call.properties.get("EmailIdentity", "")),
        read=_read_identity,
        identifier="EmailIdentity",
    ),
    ResourceType(
        "AWS::SES::ConfigurationSet",
        _create_configuration_set,
        _delete_configuration_set,
        _update_configuration_set,
        replaced_by=frozenset(("Name",)),
        expected=lambda call: call.name("Name", 64),
        read=_read_configuration_set,
        identifier="Name",
    ),
    ResourceType(
        "AWS::SES::ConfigurationSetEventDestination",
        _create_destination,
        _delete_destination,
        _update_destination,
        replaced_by=frozenset(("ConfigurationSetName",)),
    ),
    ResourceType(
        "AWS::SES::Template", _create_template, _delete_template, _update_template, read=_read_template, identifier="Id"
    ),
    ResourceType(
        "AWS::SES::ContactList",
        _create_contact_list,
        _delete_contact_list,
        _update_contact_list,
        replaced_by=frozenset(("ContactListName",)),
        expected=lambda call: call.name("ContactListName", 64),
    ),
)
