"""Which permissions messages and shadows need: on the topic or the thing, by actions of the prefix `iot`.

Source: "Actions, resources, and condition keys for AWS IoT" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, Values
from kumoi.services.iot.device_policies import policies_of_identity


def resource(call: Call) -> str:
    """The topic, the client or the thing that a call names."""
    params = call.params
    if "topic" in params:
        return call.arn("iot", f"topic/{params['topic']}")
    if "thingName" in params:
        named = f"/{params['shadowName']}" if params.get("shadowName") else ""
        return call.arn("iot", f"thing/{params['thingName']}{named}")
    return EVERYTHING


def publishing(call: Call) -> Iterator[Ask]:
    """To publish, and to have the topic retain it where that is asked for."""
    topic = call.arn("iot", f"topic/{call.params.get('topic', '*')}")
    yield Ask("iot:Publish", topic)
    if call.params.get("retain"):
        yield Ask("iot:RetainPublish", topic)


def connecting(call: Call) -> Iterator[Ask]:
    """To connect as a client."""
    yield Ask("iot:Connect", call.arn("iot", f"client/{call.params.get('clientId', '*')}"))


def subscribing(call: Call) -> Iterator[Ask]:
    """To subscribe to a topic filter."""
    yield Ask("iot:Subscribe", call.arn("iot", f"topicfilter/{call.params.get('topicFilter', '*')}"))


def connection_keys(call: Call) -> Values:
    """What is known of the connection."""
    client = call.params.get("clientId")
    return {} if client is None else {"iot:clientid": (str(client),)}


AUTHORIZATION = Authorization(
    "iot",
    resource=resource,
    asks={
        "Publish": publishing,
        "MqttPublish": publishing,
        "MqttConnect": connecting,
        "MqttSubscribe": subscribing,
    },
    context=connection_keys,
    beside=policies_of_identity,
    error="ForbiddenException",
)
