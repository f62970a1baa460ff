"""Which permissions the calls of IoT Analytics need: on channels, pipelines, data stores and data sets.

Source: "Actions, resources, and condition keys for AWS IoT Analytics" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, pass_role

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


def with_roles(call: Call) -> Iterator[Ask]:
    """What a call names, and the roles it is handed: for a bucket of one's own, a container, an activity."""
    yield from AUTHORIZATION.usual(call)
    for role in dict.fromkeys(_roles(call.params)):
        yield from pass_role(call, role, "iotanalytics.amazonaws.com")


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _roles(one)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name in ("roleArn", "executionRoleArn") and isinstance(one, str):
                yield one
            else:
                yield from _roles(one)


AUTHORIZATION = Authorization(
    "iotanalytics",
    resource=resource,
    asks={
        "PutLoggingOptions": with_roles,
        "RunPipelineActivity": with_roles,
        **{f"{verb}{kind.capitalize()}": with_roles for verb in ("Create", "Update") for kind in _KINDS},
    },
)
