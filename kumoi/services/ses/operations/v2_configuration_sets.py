"""Configuration sets and their event destinations, by the v2 API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.ses import configuration_sets as sets
from kumoi.services.ses import sesv2
from kumoi.services.ses.pages import page
from kumoi.services.ses.records import ConfigurationSet
from kumoi.services.ses.tags import tag_list, tags_of


@sesv2.operation
async def create_configuration_set(
    call: Call,
    ConfigurationSetName: str,
    TrackingOptions: dict[str, Any] | None = None,
    DeliveryOptions: dict[str, Any] | None = None,
    ReputationOptions: dict[str, Any] | None = None,
    SendingOptions: dict[str, Any] | None = None,
    Tags: list[dict[str, str]] | None = None,
    SuppressionOptions: dict[str, Any] | None = None,
    VdmOptions: dict[str, Any] | None = None,
    ArchivingOptions: dict[str, Any] | None = None,
) -> None:
    """Make a configuration set."""
    reputation = {name: one for name, one in (ReputationOptions or {}).items() if name != "LastFreshStart"}
    options = {
        "TrackingOptions": TrackingOptions,
        "DeliveryOptions": DeliveryOptions,
        "ReputationOptions": reputation,
        "SuppressionOptions": SuppressionOptions,
        "VdmOptions": VdmOptions,
        "ArchivingOptions": ArchivingOptions,
    }
    made = ConfigurationSet(
        name=ConfigurationSetName,
        created=call.now,
        sending=bool((SendingOptions or {}).get("SendingEnabled", True)),
        options={name: one for name, one in options.items() if one},
        tags=tags_of(Tags),
    )
    await sets.create(call, made)


@sesv2.operation
async def get_configuration_set(call: Call, ConfigurationSetName: str) -> dict[str, Any]:
    """A configuration set."""
    found = await sets.find(call, ConfigurationSetName)
    reputation = {"ReputationMetricsEnabled": False, **found.options.get("ReputationOptions", {})}
    fresh = reputation.get("LastFreshStart")
    if isinstance(fresh, int | float):
        reputation["LastFreshStart"] = datetime.fromtimestamp(fresh, UTC)
    return {
        **found.options,
        "ConfigurationSetName": found.name,
        "DeliveryOptions": {"TlsPolicy": "OPTIONAL", **found.options.get("DeliveryOptions", {})},
        "ReputationOptions": reputation,
        "SendingOptions": {"SendingEnabled": found.sending},
        "Tags": tag_list(found.tags),
    }


@sesv2.operation
async def list_configuration_sets(
    call: Call, NextToken: str | None = None, PageSize: int | None = None
) -> dict[str, Any]:
    """The names of configuration sets."""
    found, more = page(call, await sets.listed(call.state), NextToken, PageSize, 1000)
    return {"ConfigurationSets": [one.name for one in found], "NextToken": more}


@sesv2.operation
async def delete_configuration_set(call: Call, ConfigurationSetName: str) -> None:
    """Delete a configuration set."""
    await sets.delete(call, ConfigurationSetName)


@sesv2.operation
async def put_configuration_set_delivery_options(
    call: Call,
    ConfigurationSetName: str,
    TlsPolicy: str | None = None,
    SendingPoolName: str | None = None,
    MaxDeliverySeconds: int | None = None,
) -> None:
    """How mails would be delivered: kept and told, since none are."""
    options = {"TlsPolicy": TlsPolicy, "SendingPoolName": SendingPoolName, "MaxDeliverySeconds": MaxDeliverySeconds}
    await sets.set_option(call, ConfigurationSetName, "DeliveryOptions", options)


@sesv2.operation
async def put_configuration_set_tracking_options(
    call: Call, ConfigurationSetName: str, CustomRedirectDomain: str | None = None, HttpsPolicy: str | None = None
) -> None:
    """The domain that links would lead over: kept and told."""
    options = {"CustomRedirectDomain": CustomRedirectDomain, "HttpsPolicy": HttpsPolicy}
    await sets.set_option(call, ConfigurationSetName, "TrackingOptions", options if CustomRedirectDomain else {})


@sesv2.operation
async def put_configuration_set_reputation_options(
    call: Call, ConfigurationSetName: str, ReputationMetricsEnabled: bool = False
) -> None:
    """Whether reputation metrics are published: kept and told."""
    options = {"ReputationMetricsEnabled": ReputationMetricsEnabled}
    await sets.set_option(call, ConfigurationSetName, "ReputationOptions", options)


@sesv2.operation
async def put_configuration_set_sending_options(
    call: Call, ConfigurationSetName: str, SendingEnabled: bool = False
) -> None:
    """Whether mails may be sent with a configuration set."""
    await sets.change(call, ConfigurationSetName, lambda one: msgspec.structs.replace(one, sending=SendingEnabled))


@sesv2.operation
async def put_configuration_set_suppression_options(
    call: Call,
    ConfigurationSetName: str,
    SuppressedReasons: list[str] | None = None,
) -> None:
    """For which reasons addresses of the suppression list get no mails; none given: they all get them."""
    options = {"SuppressedReasons": SuppressedReasons or []}
    await sets.set_option(call, ConfigurationSetName, "SuppressionOptions", options)


@sesv2.operation
async def put_configuration_set_vdm_options(
    call: Call, ConfigurationSetName: str, VdmOptions: dict[str, Any] | None = None
) -> None:
    """What Virtual Deliverability Manager does: kept and told."""
    await sets.set_option(call, ConfigurationSetName, "VdmOptions", VdmOptions or {})


@sesv2.operation
async def put_configuration_set_archiving_options(
    call: Call, ConfigurationSetName: str, ArchiveArn: str | None = None
) -> None:
    """The archive of Mail Manager: kept and told."""
    await sets.set_option(call, ConfigurationSetName, "ArchivingOptions", {"ArchiveArn": ArchiveArn})


@sesv2.operation
async def create_configuration_set_event_destination(
    call: Call, ConfigurationSetName: str, EventDestinationName: str, EventDestination: dict[str, Any]
) -> None:
    """Have events of a configuration set's mails told somewhere."""
    made = sets.destination(call, EventDestinationName, EventDestination)
    await sets.add_destination(call, ConfigurationSetName, made)


@sesv2.operation
async def update_configuration_set_event_destination(
    call: Call, ConfigurationSetName: str, EventDestinationName: str, EventDestination: dict[str, Any]
) -> None:
    """Give an event destination other settings."""
    made = sets.destination(call, EventDestinationName, EventDestination)
    await sets.replace_destination(call, ConfigurationSetName, EventDestinationName, made)


@sesv2.operation
async def delete_configuration_set_event_destination(
    call: Call, ConfigurationSetName: str, EventDestinationName: str
) -> None:
    """Take an event destination away."""
    await sets.replace_destination(call, ConfigurationSetName, EventDestinationName, None)


@sesv2.operation
async def get_configuration_set_event_destinations(call: Call, ConfigurationSetName: str) -> dict[str, Any]:
    """The event destinations of a configuration set."""
    found = await sets.find(call, ConfigurationSetName)
    told = [
        {"Name": one.name, "Enabled": one.enabled, "MatchingEventTypes": list(one.types), **one.target}
        for one in found.destinations
    ]
    return {"EventDestinations": told}
