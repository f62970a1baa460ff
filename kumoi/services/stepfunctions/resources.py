"""Step Functions' CloudFormation resource types: state machines, their versions and aliases, activities.

Source: "AWS Step Functions resource type reference" of the CloudFormation template reference.
"""

from __future__ import annotations

from typing import Any

import orjson
import yaml

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.stepfunctions.integrations.shapes import read_body
from kumoi.wire.errors import aws_error


async def _definition(call: ResourceCall) -> str:
    """The definition, wherever the template has it, its `${name}` substituted."""
    properties = call.properties
    if "DefinitionString" in properties:
        text = str(properties["DefinitionString"])
    elif "Definition" in properties:
        text = orjson.dumps(_typed(properties["Definition"])).decode()
    elif "DefinitionS3Location" in properties:
        text = await _from_s3(call, properties["DefinitionS3Location"])
    else:
        raise aws_error(
            "ValidationError", "One of Definition, DefinitionString and DefinitionS3Location must be specified."
        )
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        text = text.replace(f"${{{name}}}", shown)
    return text


async def _from_s3(call: ResourceCall, location: dict[str, Any]) -> str:
    answer = await call.ask(
        "s3", "GetObject", Bucket=location["Bucket"], Key=location["Key"], VersionId=location.get("Version")
    )
    text = (await read_body(answer["Body"])).decode()
    if location["Key"].endswith((".yaml", ".yml")):
        return orjson.dumps(yaml.safe_load(text)).decode()
    return text


_NUMBERS = frozenset(
    (
        *("TimeoutSeconds", "HeartbeatSeconds", "Seconds", "MaxConcurrency", "IntervalSeconds", "MaxAttempts"),
        *("MaxDelaySeconds", "ToleratedFailureCount", "MaxItems", "MaxItemsPerBatch", "MaxInputBytesPerBatch"),
    )
)


def _typed(value: Any, name: str = "") -> Any:
    """A Definition as JSON: templates write numbers and End as texts, too."""
    if isinstance(value, dict):
        return {key: _typed(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_typed(one) for one in value]
    if isinstance(value, str) and name in _NUMBERS and value.isdigit():
        return int(value)
    return value == "true" if name == "End" and value in ("true", "false") else value


def _camel(value: Any) -> Any:
    """CloudFormation's names as the API has them: the first letter small."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_camel(one) for one in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


async def _machine(call: ResourceCall) -> dict[str, Any]:
    given: dict[str, Any] = {"definition": await _definition(call), "roleArn": call.properties["RoleArn"]}
    for name in ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration"):
        if name in call.properties:
            given[name[:1].lower() + name[1:]] = _camel(call.properties[name])
    return given


def _made(arn: str, revision: str) -> Resource:
    return Resource(arn, {"Arn": arn, "Name": arn.rpartition(":")[2], "StateMachineRevisionId": revision})


async def _create_machine(call: ResourceCall) -> Resource:
    call.required("RoleArn")
    answer = await call.ask(
        "stepfunctions",
        "CreateStateMachine",
        name=call.name("StateMachineName", 80),
        type=call.properties.get("StateMachineType"),
        tags=[{"key": key, "value": value} for key, value in call.all_tags().items()],
        **await _machine(call),
    )
    return _made(answer["stateMachineArn"], "INITIAL")


async def _update_machine(call: ResourceCall) -> Resource:
    answer = await call.ask(
        "stepfunctions", "UpdateStateMachine", stateMachineArn=call.physical_id, **await _machine(call)
    )
    return _made(call.physical_id, answer["revisionId"])


async def _delete_machine(call: ResourceCall) -> None:
    await call.ask("stepfunctions", "DeleteStateMachine", stateMachineArn=call.physical_id)


async def _create_version(call: ResourceCall) -> Resource:
    call.required("StateMachineArn")
    answer = await call.ask(
        "stepfunctions",
        "PublishStateMachineVersion",
        stateMachineArn=call.properties["StateMachineArn"],
        description=call.properties.get("Description"),
    )
    arn = answer["stateMachineVersionArn"]
    return Resource(arn, {"Arn": arn})


async def _delete_version(call: ResourceCall) -> None:
    await call.ask("stepfunctions", "DeleteStateMachineVersion", stateMachineVersionArn=call.physical_id)


def _routes(call: ResourceCall) -> list[dict[str, Any]]:
    preference = call.properties.get("DeploymentPreference")
    if preference is not None:
        return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": 100}]
    return [
        {"stateMachineVersionArn": one["StateMachineVersionArn"], "weight": int(one["Weight"])}
        for one in call.properties.get("RoutingConfiguration", [])
    ]


async def _create_alias(call: ResourceCall) -> Resource:
    answer = await call.ask(
        "stepfunctions",
        "CreateStateMachineAlias",
        name=call.name("Name", 80),
        routingConfiguration=_routes(call),
        description=call.properties.get("Description"),
    )
    arn = answer["stateMachineAliasArn"]
    return Resource(arn, {"Arn": arn})


async def _update_alias(call: ResourceCall) -> Resource:
    await call.ask(
        "stepfunctions",
        "UpdateStateMachineAlias",
        stateMachineAliasArn=call.physical_id,
        routingConfiguration=_routes(call),
        description=call.properties.get("Description"),
    )
    return Resource(call.physical_id, call.attributes)


async def _delete_alias(call: ResourceCall) -> None:
    await call.ask("stepfunctions", "DeleteStateMachineAlias", stateMachineAliasArn=call.physical_id)


async def _create_activity(call: ResourceCall) -> Resource:
    name = call.name("Name", 80)
    tags = [{"key": key, "value": value} for key, value in call.all_tags().items()]
    answer = await call.ask("stepfunctions", "CreateActivity", name=name, tags=tags)
    return Resource(answer["activityArn"], {"Arn": answer["activityArn"], "Name": name})


async def _delete_activity(call: ResourceCall) -> None:
    await call.ask("stepfunctions", "DeleteActivity", activityArn=call.physical_id)


def _expected(kind: str, member: str) -> Any:
    return lambda call: call.arn("states", f"{kind}:{call.name(member, 80)}")


RESOURCES = (
    ResourceType(
        "AWS::StepFunctions::StateMachine",
        _create_machine,
        _delete_machine,
        _update_machine,
        replaced_by=frozenset(("StateMachineName", "StateMachineType")),
        expected=_expected("stateMachine", "StateMachineName"),
    ),
    ResourceType("AWS::StepFunctions::StateMachineVersion", _create_version, _delete_version),
    ResourceType(
        "AWS::StepFunctions::StateMachineAlias",
        _create_alias,
        _delete_alias,
        _update_alias,
        replaced_by=frozenset(("Name",)),
    ),
    ResourceType(
        "AWS::StepFunctions::Activity", _create_activity, _delete_activity, expected=_expected("activity", "Name")
    ),
)
