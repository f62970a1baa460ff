"""AppSync's CloudFormation resource types. Source: "AWS AppSync resource type reference"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.appsync.domain_resources import DOMAINS
from kumoi.services.appsync.event_apis.resources import EVENT_APIS
from kumoi.services.appsync.resource_values import id_of, member, members_of, stored
from kumoi.wire.errors import aws_error

_API = (
    *("AdditionalAuthenticationProviders", "ApiType", "AuthenticationType", "EnhancedMetricsConfig"),
    *("IntrospectionConfig", "LambdaAuthorizerConfig", "LogConfig", "Name", "OpenIDConnectConfig", "OwnerContact"),
    *("QueryDepthLimit", "ResolverCountLimit", "UserPoolConfig", "Visibility", "XrayEnabled"),
)
_FIXED = ("ApiType", "Visibility")
_SOURCE = (
    *("Description", "DynamoDBConfig", "ElasticsearchConfig", "EventBridgeConfig", "HttpConfig", "LambdaConfig"),
    *("MetricsConfig", "Name", "OpenSearchServiceConfig", "RelationalDatabaseConfig", "ServiceRoleArn", "Type"),
)
_PROGRAM = ("Code", "DataSourceName", "MaxBatchSize", "RequestMappingTemplate", "ResponseMappingTemplate", "Runtime")
_RESOLVER = (*_PROGRAM, "CachingConfig", "Kind", "MetricsConfig", "PipelineConfig", "SyncConfig")
_FUNCTION = (*_PROGRAM, "Description", "FunctionVersion", "Name", "SyncConfig")
_CACHE = ("ApiCachingBehavior", "HealthMetricsConfig", "Ttl", "Type")


async def _program(call: ResourceCall, members: tuple[str, ...]) -> dict[str, Any]:
    """The properties of a resolver or function, its texts read from where they lie."""
    given = members_of(call, members)
    for name in ("Code", "RequestMappingTemplate", "ResponseMappingTemplate"):
        location = call.properties.get(f"{name}S3Location")
        if location:
            given[member(name)] = await stored(call, str(location))
    return given


def _api(found: Mapping[str, Any]) -> Resource:
    uris, dns = found["uris"], found["dns"]
    attributes = {
        "Arn": found["arn"],
        "ApiId": found["apiId"],
        "GraphQLUrl": uris["GRAPHQL"],
        "RealtimeUrl": uris["REALTIME"],
        "GraphQLDns": dns["GRAPHQL"],
        "RealtimeDns": dns["REALTIME"],
        "GraphQLEndpointArn": f"{found['arn']}/endpoints/graphql-api",
    }
    return Resource(found["arn"], attributes)


async def _set_environment(call: ResourceCall, api: str) -> None:
    variables = call.properties.get("EnvironmentVariables")
    if variables is None and not call.before.get("EnvironmentVariables"):
        return
    given = {name: str(value) for name, value in (variables or {}).items()}
    await call.ask("appsync", "PutGraphqlApiEnvironmentVariables", apiId=api, environmentVariables=given)


async def _create_api(call: ResourceCall) -> Resource:
    answer = await call.ask("appsync", "CreateGraphqlApi", **members_of(call, _API), tags=call.all_tags())
    made = call.begin(_api(answer["graphqlApi"]))
    await _set_environment(call, id_of(made.physical_id))
    return made


async def _update_api(call: ResourceCall) -> Resource:
    given = {name: value for name, value in members_of(call, _API).items() if name not in map(member, _FIXED)}
    answer = await call.ask("appsync", "UpdateGraphqlApi", apiId=id_of(call.physical_id), **given)
    await _set_environment(call, id_of(call.physical_id))
    return _api(answer["graphqlApi"])


async def _delete_api(call: ResourceCall) -> None:
    await call.ask("appsync", "DeleteGraphqlApi", apiId=id_of(call.physical_id))


async def _make_schema(call: ResourceCall) -> Resource:
    call.required("ApiId")
    api, location = call.properties["ApiId"], call.properties.get("DefinitionS3Location")
    definition = await stored(call, str(location)) if location else str(call.properties.get("Definition", ""))
    await call.ask("appsync", "StartSchemaCreation", apiId=api, definition=definition.encode())
    answer = await call.ask("appsync", "GetSchemaCreationStatus", apiId=api)
    if answer["status"] != "SUCCESS":
        raise aws_error("BadRequestException", f"Schema Creation Status is FAILED with details: {answer['details']}")
    return Resource(f"{api}GraphQLSchema", {"Id": f"{api}GraphQLSchema"})


async def _keep_schema(_call: ResourceCall) -> None:
    """A schema goes with its API: AppSync has no call that deletes one."""


def _key(call: ResourceCall, found: Mapping[str, Any]) -> Resource:
    api = call.properties["ApiId"]
    arn = call.arn("appsync", f"apis/{api}/apikeys/{found['id']}")
    return Resource(arn, {"ApiKey": found["id"], "ApiKeyId": found["id"], "Arn": arn})


def _of_key(call: ResourceCall) -> dict[str, Any]:
    given = {"apiId": call.properties["ApiId"], **members_of(call, ("Description",))}
    if "Expires" in call.properties:
        given["expires"] = int(call.properties["Expires"])
    return given


async def _create_key(call: ResourceCall) -> Resource:
    call.required("ApiId")
    return _key(call, (await call.ask("appsync", "CreateApiKey", **_of_key(call)))["apiKey"])


async def _update_key(call: ResourceCall) -> Resource:
    return _key(
        call, (await call.ask("appsync", "UpdateApiKey", id=id_of(call.physical_id), **_of_key(call)))["apiKey"]
    )


async def _delete_key(call: ResourceCall) -> None:
    await call.ask("appsync", "DeleteApiKey", apiId=call.properties["ApiId"], id=id_of(call.physical_id))


def _source(found: Mapping[str, Any]) -> Resource:
    arn = found["dataSourceArn"]
    return Resource(arn, {"DataSourceArn": arn, "Name": found["name"]})


async def _create_source(call: ResourceCall) -> Resource:
    call.required("ApiId", "Name", "Type")
    answer = await call.ask("appsync", "CreateDataSource", apiId=call.properties["ApiId"], **members_of(call, _SOURCE))
    return _source(answer["dataSource"])


async def _update_source(call: ResourceCall) -> Resource:
    answer = await call.ask("appsync", "UpdateDataSource", apiId=call.properties["ApiId"], **members_of(call, _SOURCE))
    return _source(answer["dataSource"])


async def _delete_source(call: ResourceCall) -> None:
    properties = call.properties
    await call.ask("appsync", "DeleteDataSource", apiId=properties["ApiId"], name=properties["Name"])


def _field(call: ResourceCall) -> dict[str, Any]:
    call.required("ApiId", "TypeName", "FieldName")
    return members_of(call, ("ApiId", "TypeName", "FieldName"))


def _resolver(found: Mapping[str, Any]) -> Resource:
    attributes = {
        "ResolverArn": found["resolverArn"],
        "TypeName": found["typeName"],
        "FieldName": found["fieldName"],
    }
    return Resource(found["resolverArn"], attributes)


async def _create_resolver(call: ResourceCall) -> Resource:
    given = {**_field(call), **await _program(call, _RESOLVER)}
    return _resolver((await call.ask("appsync", "CreateResolver", **given))["resolver"])


async def _update_resolver(call: ResourceCall) -> Resource:
    given = {**_field(call), **await _program(call, _RESOLVER)}
    return _resolver((await call.ask("appsync", "UpdateResolver", **given))["resolver"])


async def _delete_resolver(call: ResourceCall) -> None:
    await call.ask("appsync", "DeleteResolver", **_field(call))


def _function(found: Mapping[str, Any]) -> Resource:
    attributes = {
        "FunctionArn": found["functionArn"],
        "FunctionId": found["functionId"],
        "Name": found["name"],
        "DataSourceName": found["dataSourceName"],
    }
    return Resource(found["functionArn"], attributes)


async def _create_function(call: ResourceCall) -> Resource:
    call.required("ApiId", "Name", "DataSourceName")
    given = await _program(call, _FUNCTION)
    answer = await call.ask("appsync", "CreateFunction", apiId=call.properties["ApiId"], **given)
    return _function(answer["functionConfiguration"])


async def _update_function(call: ResourceCall) -> Resource:
    given = await _program(call, _FUNCTION)
    id, api = id_of(call.physical_id), call.properties["ApiId"]
    answer = await call.ask("appsync", "UpdateFunction", apiId=api, functionId=id, **given)
    return _function(answer["functionConfiguration"])


async def _delete_function(call: ResourceCall) -> None:
    id = id_of(call.physical_id)
    await call.ask("appsync", "DeleteFunction", apiId=call.properties["ApiId"], functionId=id)


def _cache(call: ResourceCall) -> dict[str, Any]:
    call.required("ApiId", "ApiCachingBehavior", "Ttl", "Type")
    return {"apiId": call.properties["ApiId"], **members_of(call, _CACHE)}


async def _create_cache(call: ResourceCall) -> Resource:
    given = _cache(call) | members_of(call, ("AtRestEncryptionEnabled", "TransitEncryptionEnabled"))
    await call.ask("appsync", "CreateApiCache", **given)
    return Resource(f"{given['apiId']}ApiCache", {"Id": f"{given['apiId']}ApiCache"})


async def _update_cache(call: ResourceCall) -> Resource:
    await call.ask("appsync", "UpdateApiCache", **_cache(call))
    return Resource(call.physical_id, {"Id": call.physical_id})


async def _delete_cache(call: ResourceCall) -> None:
    await call.ask("appsync", "DeleteApiCache", apiId=call.properties["ApiId"])


RESOURCES = (
    *DOMAINS,
    *EVENT_APIS,
    ResourceType(
        "AWS::AppSync::ApiCache",
        _create_cache,
        _delete_cache,
        _update_cache,
        frozenset(("ApiId", "AtRestEncryptionEnabled", "TransitEncryptionEnabled")),
    ),
    ResourceType("AWS::AppSync::GraphQLApi", _create_api, _delete_api, _update_api, frozenset(_FIXED)),
    ResourceType("AWS::AppSync::GraphQLSchema", _make_schema, _keep_schema, _make_schema, frozenset(("ApiId",))),
    ResourceType("AWS::AppSync::ApiKey", _create_key, _delete_key, _update_key, frozenset(("ApiId",))),
    ResourceType(
        "AWS::AppSync::DataSource", _create_source, _delete_source, _update_source, frozenset(("ApiId", "Name"))
    ),
    ResourceType(
        "AWS::AppSync::Resolver",
        _create_resolver,
        _delete_resolver,
        _update_resolver,
        frozenset(("ApiId", "TypeName", "FieldName")),
    ),
    ResourceType(
        "AWS::AppSync::FunctionConfiguration",
        _create_function,
        _delete_function,
        _update_function,
        frozenset(("ApiId",)),
    ),
)
