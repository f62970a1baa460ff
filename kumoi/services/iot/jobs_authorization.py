"""Which permissions devices need for their jobs over HTTPS: on the thing. Over MQTT, topics are what is asked for.

Source: "Actions, resources, and condition keys for AWS IoT Jobs DataPlane" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING
from kumoi.services.iot.device_policies import policies_of_identity


def thing(call: Call) -> str:
    """The thing that a call names."""
    name = call.params.get("thingName")
    return EVERYTHING if name is None else call.arn("iot", f"thing/{name}")


AUTHORIZATION = Authorization("iotjobsdata", resource=thing, beside=policies_of_identity)
