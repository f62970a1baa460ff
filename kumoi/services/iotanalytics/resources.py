"""IoT Analytics' CloudFormation resource types. Source: "AWS IoT Analytics resource type reference".

Properties are the API's members in Pascal case, but for two: a data set's trigger has `Schedule.ScheduleExpression` and
`TriggeringDataset.DatasetName`, and a variable `VariableName`. Public templates put all activities of a pipeline into
one item of the list; they are taken as one item each.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType

_FREE = frozenset(("Attributes",))
"""Properties whose keys are the user's own."""


def _camel(value: Any, *, free: bool = False) -> Any:
    """A property with its members in camel case, as the API has them."""
    if isinstance(value, dict):
        return {
            (name if free else name[:1].lower() + name[1:]): _camel(
                inner, free=name in _FREE and isinstance(inner, dict)
            )
            for name, inner in value.items()
        }
    return [_camel(one) for one in value] if isinstance(value, list) else value


_NUMBERS = frozenset(
    ("numberOfDays", "maxVersions", "batchSize", "offsetSeconds", "volumeSizeInGB", "timeoutInMinutes")
)
_FLAGS = frozenset(("unlimited",))


def _typed(value: Any) -> Any:
    """Numbers and booleans that a template has as text."""
    if isinstance(value, list):
        return [_typed(one) for one in value]
    if not isinstance(value, dict):
        return value
    typed: dict[str, Any] = {}
    for name, inner in value.items():
        if name in _NUMBERS and isinstance(inner, str) and inner.lstrip("-").isdecimal():
            typed[name] = int(inner)
        elif name in _FLAGS and isinstance(inner, str):
            typed[name] = inner.lower() == "true"
        elif name == "doubleValue":
            typed[name] = float(inner)
        else:
            typed[name] = _typed(inner)
    return typed


def _given(call: ResourceCall, *members: str) -> dict[str, Any]:
    given: dict[str, Any] = _typed(_camel(call.given(*members)))
    return given


def _tags(call: ResourceCall) -> list[dict[str, str]]:
    """The tags that were stated; the API refuses those of AWS's own."""
    found = {key: value for key, value in call.all_tags().items() if not key.startswith("aws:")}
    return [{"key": key, "value": value} for key, value in found.items()]


def _activities(call: ResourceCall) -> list[dict[str, Any]]:
    listed = _typed(_camel(call.properties.get("PipelineActivities", [])))
    return [{kind: settings} for item in listed for kind, settings in item.items()]


def _dataset(call: ResourceCall) -> dict[str, Any]:
    given = _given(
        call,
        *("Actions", "ContentDeliveryRules", "LateDataRules", "RetentionPeriod", "Triggers", "VersioningConfiguration"),
    )
    for trigger in given.get("triggers", []):
        if "schedule" in trigger:
            trigger["schedule"] = {"expression": trigger["schedule"].get("scheduleExpression", "")}
        if "triggeringDataset" in trigger:
            trigger["dataset"] = {"name": trigger.pop("triggeringDataset").get("datasetName", "")}
    for action in given.get("actions", []):
        for variable in action.get("containerAction", {}).get("variables", []):
            variable["name"] = variable.pop("variableName", "")
    return given


_KINDS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "Channel": ("ChannelName", "channelName", ("ChannelStorage", "RetentionPeriod"), ()),
    "Datastore": (
        "DatastoreName",
        "datastoreName",
        ("DatastoreStorage", "FileFormatConfiguration", "RetentionPeriod"),
        ("DatastorePartitions",),
    ),
    "Pipeline": ("PipelineName", "pipelineName", (), ()),
    "Dataset": ("DatasetName", "datasetName", (), ()),
}
"""For each kind the property and the member of its name, the properties that can change, and those that cannot."""


def _params(kind: str, call: ResourceCall, *, create: bool) -> dict[str, Any]:
    _, _, changing, fixed = _KINDS[kind]
    if kind == "Pipeline":
        return {"pipelineActivities": _activities(call)}
    if kind == "Dataset":
        return _dataset(call)
    return _given(call, *changing, *(fixed if create else ()))


def _name(kind: str, call: ResourceCall) -> str:
    return call.name(_KINDS[kind][0], 128).replace("-", "_")


def _type(kind: str) -> ResourceType:
    stated, member, _, fixed = _KINDS[kind]

    async def create(call: ResourceCall) -> Resource:
        name = _name(kind, call)
        params = {member: name, **_params(kind, call, create=True), "tags": _tags(call) or None}
        await call.ask("iotanalytics", f"Create{kind}", **params)
        return Resource(name, {"Id": name})

    async def update(call: ResourceCall) -> Resource:
        params = {member: call.physical_id, **_params(kind, call, create=False)}
        await call.ask("iotanalytics", f"Update{kind}", **params)
        if tags := _tags(call):
            arn = call.arn("iotanalytics", f"{kind.lower()}/{call.physical_id}")
            await call.ask("iotanalytics", "TagResource", resourceArn=arn, tags=tags)
        return Resource(call.physical_id, call.attributes)

    async def delete(call: ResourceCall) -> None:
        await call.ask("iotanalytics", f"Delete{kind}", **{member: call.physical_id})

    return ResourceType(
        f"AWS::IoTAnalytics::{kind}",
        create,
        delete,
        update,
        replaced_by=frozenset((stated, *fixed)),
        expected=lambda call: _name(kind, call),
    )


RESOURCES = tuple(_type(kind) for kind in _KINDS)
