"""Which permissions the calls of IoT Analytics need: on channels, pipelines, data stores and data sets.

Source: "Actions, resources, and condition keys for AWS IoT Analytics" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING

_KINDS = ("channel", "dataset", "datastore", "pipeline")


def resource(call: Call) -> str:
    """What a call names."""
    params = call.params
    if isinstance(params.get("resourceArn"), str):
        return str(params["resourceArn"])
    for kind in _KINDS:
        name = params.get(f"{kind}Name")
        if isinstance(name, str):
            return call.arn("iotanalytics", f"{kind}/{name}")
    return EVERYTHING


AUTHORIZATION = Authorization("iotanalytics", resource=resource)
