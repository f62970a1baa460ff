"""Lambda's CloudFormation resource types: functions, versions, aliases, layers, permissions, URLs, mappings.

Source: "AWS Lambda resource type reference" of the CloudFormation template reference.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType
from kumoi.wire.errors import aws_error

_PLAIN = (
    *("Description", "Handler", "Layers", "MemorySize", "Role", "Runtime", "Timeout", "VpcConfig", "Environment"),
    *("DeadLetterConfig", "EphemeralStorage", "FileSystemConfigs", "ImageConfig", "LoggingConfig", "SnapStart"),
)
_LOOP = "Terminate"
"""RecursiveLoop of a function of which a template does not say it."""
_NUMBERS = frozenset(
    (
        *("MemorySize", "Timeout", "Size", "BatchSize", "MaximumBatchingWindowInSeconds", "MaximumRetryAttempts"),
        *("MaximumRecordAgeInSeconds", "ParallelizationFactor", "TumblingWindowInSeconds", "MaximumConcurrency"),
        *("MaximumEventAgeInSeconds", "ProvisionedConcurrentExecutions", "MaxAge", "StartingPositionTimestamp"),
    )
)


def typed(value: Any, name: str = "") -> Any:
    """Properties as the API wants them: templates write numbers and booleans as texts, too."""
    if isinstance(value, dict):
        if name == "Variables":
            return {key: _text(one) for key, one in value.items()}
        return {key: typed(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [typed(one) for one in value]
    if name in _NUMBERS and isinstance(value, str) and value.isdigit():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) and name != "Value" else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _configuration(call: ResourceCall) -> dict[str, Any]:
    given: dict[str, Any] = typed(call.given(*_PLAIN))
    if "KmsKeyArn" in call.properties:
        given["KMSKeyArn"] = call.properties["KmsKeyArn"]
    if "TracingConfig" in call.properties:
        given["TracingConfig"] = call.properties["TracingConfig"]
    return given


_INLINE_MODULES = Path(__file__).with_name("inline_modules")


def _code(call: ResourceCall) -> dict[str, Any]:
    """The Code property as CreateFunction takes it: what stands in the template becomes a package.

    AWS puts its modules for custom resources beside such code; so does Kumoi, where the code names them.
    """
    code = dict(call.properties["Code"])
    inline = code.pop("ZipFile", None)
    if inline is None:
        return code
    runtime = str(call.properties.get("Runtime", ""))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        name = "index.js" if runtime.startswith("nodejs") else "index.py"
        out.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), inline)
        for module in ("cfn-response.js",) if name.endswith(".js") else ("cfnresponse.py",):
            if module.partition(".")[0] in inline:
                out.writestr(zipfile.ZipInfo(module, (2026, 1, 1, 0, 0, 0)), (_INLINE_MODULES / module).read_text())
    return {"ZipFile": archive.getvalue()}


def _function(answer: dict[str, Any]) -> Resource:
    return Resource(
        answer["FunctionName"],
        {
            "Arn": answer["FunctionArn"].removesuffix(":$LATEST"),
            "SnapStartResponse.ApplyOn": "None",
            "SnapStartResponse.OptimizationStatus": "Off",
        },
    )


async def _create_function(call: ResourceCall) -> Resource:
    call.required("Code", "Role")
    answer = await call.ask(
        "lambda",
        "CreateFunction",
        FunctionName=call.name("FunctionName", 64),
        Code=_code(call),
        Tags=call.all_tags(),
        **call.given("PackageType", "Architectures", "CodeSigningConfigArn"),
        **_configuration(call),
    )
    made = call.begin(_function(answer))
    await _settle(call, answer["FunctionName"])
    return made


async def _update_function(call: ResourceCall) -> Resource:
    name, before = call.physical_id, call.before
    if call.properties["Code"] != before.get("Code") or call.properties.get("Architectures") != before.get(
        "Architectures"
    ):
        await call.ask("lambda", "UpdateFunctionCode", FunctionName=name, **_code(call), **call.given("Architectures"))
    answer = await call.ask("lambda", "UpdateFunctionConfiguration", FunctionName=name, **_configuration(call))
    await call.ask("lambda", "TagResource", Resource=call.attributes["Arn"], Tags=call.all_tags())
    await _settle(call, name)
    return _function(answer)


async def _settle(call: ResourceCall, name: str) -> None:
    """The settings that have operations of their own."""
    reserved = call.properties.get("ReservedConcurrentExecutions")
    if reserved is not None:
        await call.ask(
            "lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=int(reserved)
        )
    elif "ReservedConcurrentExecutions" in call.before:
        await call.ask("lambda", "DeleteFunctionConcurrency", FunctionName=name)
    loop = call.properties.get("RecursiveLoop", _LOOP)
    if loop != call.before.get("RecursiveLoop", _LOOP):
        await call.ask("lambda", "PutFunctionRecursionConfig", FunctionName=name, RecursiveLoop=loop)
    management = call.properties.get("RuntimeManagementConfig")
    if management:
        await call.ask("lambda", "PutRuntimeManagementConfig", FunctionName=name, **management)


async def _delete_function(call: ResourceCall) -> None:
    await call.ask("lambda", "DeleteFunction", FunctionName=call.physical_id)


async def _read_function(call: ResourceCall) -> Reading:
    found = await call.ask("lambda", "GetFunction", FunctionName=call.physical_id)
    configuration = found["Configuration"]
    told = {name: configuration.get(name) for name in (*_PLAIN, "PackageType", "Architectures")}
    told["Description"] = configuration.get("Description") or None
    told["Environment"] = {"Variables": (configuration.get("Environment") or {}).get("Variables", {})}
    told["FunctionName"] = call.physical_id
    told["KmsKeyArn"] = configuration.get("KMSKeyArn")
    told["Layers"] = [one["Arn"] for one in configuration.get("Layers", ())] or None
    told["ReservedConcurrentExecutions"] = (found.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
    recursion = await call.ask("lambda", "GetFunctionRecursionConfig", FunctionName=call.physical_id)
    told["RecursiveLoop"] = recursion["RecursiveLoop"]
    told["Tags"] = [{"Key": key, "Value": value} for key, value in found.get("Tags", {}).items()]
    told["TracingConfig"] = configuration.get("TracingConfig")
    for derived in ("VpcConfig", "LoggingConfig", "SnapStart", "ImageConfig"):
        told.pop(derived)  # the service completes them
    return Reading(_function(configuration), told)


async def _create_version(call: ResourceCall) -> Resource:
    answer = await call.ask(
        "lambda",
        "PublishVersion",
        FunctionName=call.properties["FunctionName"],
        **call.given("CodeSha256", "Description"),
    )
    attributes = {"Version": answer["Version"], "FunctionArn": answer["FunctionArn"]}
    made = call.begin(Resource(answer["FunctionArn"], attributes))
    provisioned = call.properties.get("ProvisionedConcurrencyConfig")
    if provisioned:
        await _provision(call, answer["Version"], provisioned)
    return made


async def _provision(call: ResourceCall, qualifier: str, config: dict[str, Any]) -> None:
    await call.ask(
        "lambda",
        "PutProvisionedConcurrencyConfig",
        FunctionName=call.properties["FunctionName"],
        Qualifier=qualifier,
        ProvisionedConcurrentExecutions=int(config["ProvisionedConcurrentExecutions"]),
    )


async def _delete_version(call: ResourceCall) -> None:
    """A version goes with its function; one that an alias still needs stays, as CloudFormation has it."""
    function, _, qualifier = call.physical_id.rpartition(":")
    await call.ask("lambda", "DeleteFunction", FunctionName=function, Qualifier=qualifier)


def _alias(call: ResourceCall) -> dict[str, Any]:
    given = call.given("FunctionVersion", "Description")
    routing = call.properties.get("RoutingConfig")
    if routing:
        weights = routing.get("AdditionalVersionWeights", [])
        given["RoutingConfig"] = {
            "AdditionalVersionWeights": {one["FunctionVersion"]: float(one["FunctionWeight"]) for one in weights}
        }
    return given


async def _create_alias(call: ResourceCall) -> Resource:
    function, name = call.properties["FunctionName"], call.properties["Name"]
    answer = await call.ask("lambda", "CreateAlias", FunctionName=function, Name=name, **_alias(call))
    made = call.begin(Resource(answer["AliasArn"], {"AliasArn": answer["AliasArn"]}))
    provisioned = call.properties.get("ProvisionedConcurrencyConfig")
    if provisioned:
        await _provision(call, name, provisioned)
    return made


async def _update_alias(call: ResourceCall) -> Resource:
    function, name = call.properties["FunctionName"], call.properties["Name"]
    given = {"RoutingConfig": {"AdditionalVersionWeights": {}}} | _alias(call)
    answer = await call.ask("lambda", "UpdateAlias", FunctionName=function, Name=name, **given)
    return Resource(answer["AliasArn"], {"AliasArn": answer["AliasArn"]})


async def _delete_alias(call: ResourceCall) -> None:
    function, _, name = call.physical_id.rpartition(":")
    await call.ask("lambda", "DeleteAlias", FunctionName=function, Name=name)


async def _create_permission(call: ResourceCall) -> Resource:
    statement = f"{call.stack_name}-{call.logical_id}-{call.token}"[:100]
    given = call.given(
        *("Action", "FunctionName", "Principal", "SourceArn", "SourceAccount", "EventSourceToken"),
        *("FunctionUrlAuthType", "PrincipalOrgID", "InvokedViaFunctionUrl"),
    )
    await call.ask("lambda", "AddPermission", StatementId=statement, **given)
    return Resource(statement, {"Id": statement})


async def _delete_permission(call: ResourceCall) -> None:
    function = call.properties["FunctionName"]
    await call.ask("lambda", "RemovePermission", FunctionName=function, StatementId=call.physical_id)


_MAPPING = (
    *("BatchSize", "BisectBatchOnFunctionError", "DestinationConfig", "Enabled", "FilterCriteria", "FunctionName"),
    *("FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds"),
    *("MaximumRetryAttempts", "ParallelizationFactor", "ScalingConfig", "TumblingWindowInSeconds"),
    *("LoggingConfig", "MetricsConfig", "ProvisionedPollerConfig"),
)
_MAPPING_DEFAULTS: dict[str, Any] = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {},
    "Enabled": True,
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "ScalingConfig": {},
    "TumblingWindowInSeconds": 0,
}
"""What a mapping has again of what a template states no more."""


def _mapping(answer: dict[str, Any]) -> Resource:
    return Resource(
        answer["UUID"], {"Id": answer["UUID"], "EventSourceMappingArn": answer.get("EventSourceMappingArn", "")}
    )


async def _create_mapping(call: ResourceCall) -> Resource:
    given = typed(call.given(*_MAPPING, "EventSourceArn", "StartingPosition", "StartingPositionTimestamp"))
    return _mapping(await call.ask("lambda", "CreateEventSourceMapping", Tags=call.all_tags(), **given))


async def _update_mapping(call: ResourceCall) -> Resource:
    given = typed(call.given(*_MAPPING))
    for name in set(call.before) & set(_MAPPING_DEFAULTS) - set(given):
        given[name] = _MAPPING_DEFAULTS[name]
    if "BatchSize" in call.before and "BatchSize" not in given:
        given["BatchSize"] = 10 if ":sqs:" in str(call.properties.get("EventSourceArn")) else 100
    made = _mapping(await call.ask("lambda", "UpdateEventSourceMapping", UUID=call.physical_id, **given))
    arn = made.attributes["EventSourceMappingArn"]
    gone = [one["Key"] for one in call.before.get("Tags") or () if one["Key"] not in call.all_tags()]
    if gone:
        await call.ask("lambda", "UntagResource", Resource=arn, TagKeys=gone)
    if tags := call.all_tags():
        await call.ask("lambda", "TagResource", Resource=arn, Tags=tags)
    return made


async def _delete_mapping(call: ResourceCall) -> None:
    await call.ask("lambda", "DeleteEventSourceMapping", UUID=call.physical_id)


async def _put_invoke_config(call: ResourceCall) -> Resource:
    given = typed(call.given("FunctionName", "Qualifier", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"))
    destinations = call.given("DestinationConfig")
    await call.ask("lambda", "PutFunctionEventInvokeConfig", **given, **destinations)
    return Resource(f"{given['FunctionName']}|{given['Qualifier']}")


async def _delete_invoke_config(call: ResourceCall) -> None:
    await call.ask("lambda", "DeleteFunctionEventInvokeConfig", **call.given("FunctionName", "Qualifier"))


async def _create_layer(call: ResourceCall) -> Resource:
    answer = await call.ask(
        "lambda",
        "PublishLayerVersion",
        LayerName=call.name("LayerName", 140),
        Content=call.properties["Content"],
        **call.given("CompatibleArchitectures", "CompatibleRuntimes", "Description", "LicenseInfo"),
    )
    return Resource(answer["LayerVersionArn"], {"LayerVersionArn": answer["LayerVersionArn"]})


async def _delete_layer(call: ResourceCall) -> None:
    layer, _, version = call.physical_id.rpartition(":")
    await call.ask("lambda", "DeleteLayerVersion", LayerName=layer, VersionNumber=int(version))


async def _create_layer_permission(call: ResourceCall) -> Resource:
    layer, _, version = str(call.properties["LayerVersionArn"]).rpartition(":")
    await call.ask(
        "lambda",
        "AddLayerVersionPermission",
        LayerName=layer,
        VersionNumber=int(version),
        StatementId=call.token,
        **call.given("Action", "Principal", "OrganizationId"),
    )
    return Resource(f"{call.properties['LayerVersionArn']}#{call.token}")


async def _delete_layer_permission(call: ResourceCall) -> None:
    arn, _, statement = call.physical_id.partition("#")
    layer, _, version = arn.rpartition(":")
    await call.ask(
        "lambda",
        "RemoveLayerVersionPermission",
        LayerName=layer,
        VersionNumber=int(version),
        StatementId=statement,
    )


def _url(answer: dict[str, Any]) -> Resource:
    return Resource(answer["FunctionArn"], {"FunctionUrl": answer["FunctionUrl"], "FunctionArn": answer["FunctionArn"]})


async def _create_url(call: ResourceCall) -> Resource:
    return _url(await call.ask("lambda", "CreateFunctionUrlConfig", FunctionName=_target(call), **_url_settings(call)))


async def _update_url(call: ResourceCall) -> Resource:
    return _url(await call.ask("lambda", "UpdateFunctionUrlConfig", FunctionName=_target(call), **_url_settings(call)))


async def _delete_url(call: ResourceCall) -> None:
    await call.ask(
        "lambda", "DeleteFunctionUrlConfig", FunctionName=_target(call), Qualifier=call.properties.get("Qualifier")
    )


def _target(call: ResourceCall) -> str:
    target = call.properties.get("TargetFunctionArn")
    if not target:
        raise aws_error("ValidationError", "TargetFunctionArn is required")
    return str(target)


def _url_settings(call: ResourceCall) -> dict[str, Any]:
    return {**call.given("AuthType", "InvokeMode", "Qualifier"), **typed(call.given("Cors"))}


RESOURCES = (
    ResourceType(
        "AWS::Lambda::Function",
        _create_function,
        _delete_function,
        _update_function,
        replaced_by=frozenset(("FunctionName", "PackageType")),
        expected=lambda call: call.name("FunctionName", 64),
        read=_read_function,
        identifier="FunctionName",
        listing=Listing("lambda", "ListFunctions", "Functions", ("NextMarker", "Marker"), "FunctionName"),
    ),
    ResourceType("AWS::Lambda::Version", _create_version, _delete_version),
    ResourceType(
        "AWS::Lambda::Alias",
        _create_alias,
        _delete_alias,
        _update_alias,
        replaced_by=frozenset(("FunctionName", "Name")),
    ),
    ResourceType("AWS::Lambda::Permission", _create_permission, _delete_permission),
    ResourceType(
        "AWS::Lambda::EventSourceMapping",
        _create_mapping,
        _delete_mapping,
        _update_mapping,
        replaced_by=frozenset(("EventSourceArn", "StartingPosition", "StartingPositionTimestamp")),
    ),
    ResourceType(
        "AWS::Lambda::EventInvokeConfig",
        _put_invoke_config,
        _delete_invoke_config,
        _put_invoke_config,
        replaced_by=frozenset(("FunctionName", "Qualifier")),
    ),
    ResourceType("AWS::Lambda::LayerVersion", _create_layer, _delete_layer),
    ResourceType("AWS::Lambda::LayerVersionPermission", _create_layer_permission, _delete_layer_permission),
    ResourceType(
        "AWS::Lambda::Url",
        _create_url,
        _delete_url,
        _update_url,
        replaced_by=frozenset(("TargetFunctionArn", "Qualifier")),
    ),
)
