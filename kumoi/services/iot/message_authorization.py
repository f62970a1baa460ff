"""Which permissions messages and shadows need: on the topic or the thing, by actions of the prefix `iot`.

Source: "Actions, resources, and condition keys for AWS IoT" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING


def resource(call: Call) -> str:
    """The topic or the thing that a call names."""
    for member, kind in (("topic", "topic"), ("thingName", "thing")):
        if member in call.params:
            return call.arn("iot", f"{kind}/{call.params[member]}")
    return EVERYTHING


AUTHORIZATION = Authorization("iot", resource=resource, actions={"MqttPublish": "Publish"}, error="ForbiddenException")
