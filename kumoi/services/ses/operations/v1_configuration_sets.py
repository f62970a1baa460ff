"""Configuration sets and their event destinations, by the v1 API: v2's, with other names for their parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.ses import configuration_sets as sets
from kumoi.services.ses import ses
from kumoi.services.ses.pages import page
from kumoi.services.ses.records import ConfigurationSet as Stored
from kumoi.services.ses.records import EventDestination as Destination
from kumoi.wire.errors import aws_error

_TYPES = {
    "send": "SEND",
    "reject": "REJECT",
    "bounce": "BOUNCE",
    "complaint": "COMPLAINT",
    "delivery": "DELIVERY",
    "open": "OPEN",
    "click": "CLICK",
    "renderingFailure": "RENDERING_FAILURE",
}
_BACK = {two: one for one, two in _TYPES.items()}
_SOURCES = {"messageTag": "MESSAGE_TAG", "emailHeader": "EMAIL_HEADER", "linkTag": "LINK_TAG"}
_SOURCES_BACK = {two: one for one, two in _SOURCES.items()}
_TLS = {"Require": "REQUIRE", "Optional": "OPTIONAL"}
_TLS_BACK = {two: one for one, two in _TLS.items()}


@ses.operation
async def create_configuration_set(call: Call, ConfigurationSet: dict[str, str]) -> None:
    """Make a configuration set."""
    await sets.create(call, Stored(name=ConfigurationSet["Name"], created=call.now))


@ses.operation
async def delete_configuration_set(call: Call, ConfigurationSetName: str) -> None:
    """Delete a configuration set."""
    await sets.delete(call, ConfigurationSetName)


@ses.operation
async def list_configuration_sets(
    call: Call, NextToken: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The names of configuration sets."""
    found, more = page(call, await sets.listed(call.state), NextToken, MaxItems, 1000)
    return {"ConfigurationSets": [{"Name": one.name} for one in found], "NextToken": more}


@ses.operation
async def describe_configuration_set(
    call: Call, ConfigurationSetName: str, ConfigurationSetAttributeNames: list[str] | None = None
) -> dict[str, Any]:
    """A configuration set, with those of its parts that are asked for."""
    found = await sets.find(call, ConfigurationSetName)
    asked = ConfigurationSetAttributeNames or ()
    told: dict[str, Any] = {"ConfigurationSet": {"Name": found.name}}
    if "eventDestinations" in asked:
        told["EventDestinations"] = [_told(one) for one in found.destinations if _BACK.keys() & set(one.types)]
    tracking = found.options.get("TrackingOptions")
    if "trackingOptions" in asked and tracking:
        told["TrackingOptions"] = {"CustomRedirectDomain": tracking.get("CustomRedirectDomain")}
    delivery = found.options.get("DeliveryOptions")
    if "deliveryOptions" in asked and delivery:
        told["DeliveryOptions"] = {"TlsPolicy": _TLS_BACK[delivery.get("TlsPolicy", "OPTIONAL")]}
    if "reputationOptions" in asked:
        metrics = found.options.get("ReputationOptions", {}).get("ReputationMetricsEnabled", False)
        told["ReputationOptions"] = {"SendingEnabled": found.sending, "ReputationMetricsEnabled": metrics}
    return told


def _destination(call: Call, given: Mapping[str, Any]) -> Destination:
    """An event destination of this API as v2 has it."""
    as_v2: dict[str, Any] = {
        "Enabled": given.get("Enabled", False),
        "MatchingEventTypes": [_TYPES.get(one, one) for one in given["MatchingEventTypes"]],
    }
    if (stream := given.get("KinesisFirehoseDestination")) is not None:
        as_v2["KinesisFirehoseDestination"] = {
            "IamRoleArn": stream["IAMRoleARN"],
            "DeliveryStreamArn": stream["DeliveryStreamARN"],
        }
    if (metrics := given.get("CloudWatchDestination")) is not None:
        as_v2["CloudWatchDestination"] = {
            "DimensionConfigurations": [
                {**one, "DimensionValueSource": _SOURCES[one["DimensionValueSource"]]}
                for one in metrics["DimensionConfigurations"]
            ]
        }
    if (topic := given.get("SNSDestination")) is not None:
        as_v2["SnsDestination"] = {"TopicArn": topic["TopicARN"]}
    return sets.destination(call, given["Name"], as_v2)


def _told(one: Destination) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Name": one.name,
        "Enabled": one.enabled,
        "MatchingEventTypes": [_BACK[kind] for kind in one.types if kind in _BACK],
    }
    target = one.target
    if (stream := target.get("KinesisFirehoseDestination")) is not None:
        told["KinesisFirehoseDestination"] = {
            "IAMRoleARN": stream["IamRoleArn"],
            "DeliveryStreamARN": stream["DeliveryStreamArn"],
        }
    if (metrics := target.get("CloudWatchDestination")) is not None:
        told["CloudWatchDestination"] = {
            "DimensionConfigurations": [
                {**dimension, "DimensionValueSource": _SOURCES_BACK[dimension["DimensionValueSource"]]}
                for dimension in metrics["DimensionConfigurations"]
            ]
        }
    if (topic := target.get("SnsDestination")) is not None:
        told["SNSDestination"] = {"TopicARN": topic["TopicArn"]}
    return told


@ses.operation
async def create_configuration_set_event_destination(
    call: Call, ConfigurationSetName: str, EventDestination: dict[str, Any]
) -> None:
    """Have events of a configuration set's mails told somewhere."""
    await sets.add_destination(call, ConfigurationSetName, _destination(call, EventDestination))


@ses.operation
async def update_configuration_set_event_destination(
    call: Call, ConfigurationSetName: str, EventDestination: dict[str, Any]
) -> None:
    """Give an event destination other settings."""
    made = _destination(call, EventDestination)
    await sets.replace_destination(call, ConfigurationSetName, made.name, made)


@ses.operation
async def delete_configuration_set_event_destination(
    call: Call, ConfigurationSetName: str, EventDestinationName: str
) -> None:
    """Take an event destination away."""
    await sets.replace_destination(call, ConfigurationSetName, EventDestinationName, None)


@ses.operation
async def put_configuration_set_delivery_options(
    call: Call, ConfigurationSetName: str, DeliveryOptions: dict[str, str] | None = None
) -> None:
    """How mails would be delivered: kept and told, since none are."""
    policy = (DeliveryOptions or {}).get("TlsPolicy")
    options = {"TlsPolicy": _TLS[policy]} if policy else {}
    await sets.set_option(call, ConfigurationSetName, "DeliveryOptions", options)


@ses.operation
async def update_configuration_set_sending_enabled(call: Call, ConfigurationSetName: str, Enabled: bool) -> None:
    """Whether mails may be sent with a configuration set."""
    await sets.change(call, ConfigurationSetName, lambda one: msgspec.structs.replace(one, sending=Enabled))


@ses.operation
async def update_configuration_set_reputation_metrics_enabled(
    call: Call, ConfigurationSetName: str, Enabled: bool
) -> None:
    """Whether reputation metrics are published: kept and told."""
    await sets.set_option(call, ConfigurationSetName, "ReputationOptions", {"ReputationMetricsEnabled": Enabled})


async def _tracks(call: Call, name: str) -> bool:
    return "TrackingOptions" in (await sets.find(call, name)).options


@ses.operation
async def create_configuration_set_tracking_options(
    call: Call, ConfigurationSetName: str, TrackingOptions: dict[str, str]
) -> None:
    """The domain that links would lead over: kept and told."""
    if await _tracks(call, ConfigurationSetName):
        text = f"Configuration set <{ConfigurationSetName}> has tracking options already."
        raise aws_error("TrackingOptionsAlreadyExistsException", text, ConfigurationSetName=ConfigurationSetName)
    await sets.set_option(call, ConfigurationSetName, "TrackingOptions", TrackingOptions)


@ses.operation
async def update_configuration_set_tracking_options(
    call: Call, ConfigurationSetName: str, TrackingOptions: dict[str, str]
) -> None:
    """Another domain that links would lead over."""
    await _check_tracks(call, ConfigurationSetName)
    await sets.set_option(call, ConfigurationSetName, "TrackingOptions", TrackingOptions)


@ses.operation
async def delete_configuration_set_tracking_options(call: Call, ConfigurationSetName: str) -> None:
    """No domain of one's own that links would lead over."""
    await _check_tracks(call, ConfigurationSetName)
    await sets.set_option(call, ConfigurationSetName, "TrackingOptions", {})


async def _check_tracks(call: Call, name: str) -> None:
    if not await _tracks(call, name):
        text = f"Configuration set <{name}> has no tracking options."
        raise aws_error("TrackingOptionsDoesNotExistException", text, ConfigurationSetName=name)
