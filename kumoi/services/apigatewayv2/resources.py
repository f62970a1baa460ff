"""API Gateway V2's CloudFormation resource types. Source: "API Gateway V2 resource type reference"."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.http_api.template_body import body_of
from kumoi.services.apigatewayv2.kinds import AUTHORIZER, INTEGRATION, INTEGRATION_RESPONSE, MODEL, ROUTE, Kind
from kumoi.services.apigatewayv2.kinds import ROUTE_RESPONSE as ROUTE_RESPONSE_KIND

_SERVICE = "apigatewayv2"
_API = (
    *("ApiKeySelectionExpression", "CorsConfiguration", "CredentialsArn", "Description", "DisableExecuteApiEndpoint"),
    *("DisableSchemaValidation", "IpAddressType", "Name", "ProtocolType", "RouteKey", "RouteSelectionExpression"),
    *("Target", "Version"),
)
_STAGE = (
    *("AccessLogSettings", "AutoDeploy", "ClientCertificateId", "DefaultRouteSettings", "DeploymentId"),
    *("Description", "RouteSettings", "StageVariables"),
)
_NUMBERS = frozenset({"MaxAge", "TimeoutInMillis", "AuthorizerResultTtlInSeconds", "ThrottlingBurstLimit"})
_RATES = frozenset({"ThrottlingRateLimit"})
_FLAGS = frozenset(
    [
        "AllowCredentials",
        "DisableExecuteApiEndpoint",
        "DisableSchemaValidation",
        "AutoDeploy",
        "DataTraceEnabled",
        "ApiKeyRequired",
        "DetailedMetricsEnabled",
        "EnableSimpleResponses",
    ]
)


def _typed(name: str, value: Any) -> Any:
    """A property as the API's member: templates may write numbers and booleans as text."""
    if isinstance(value, dict):
        return {key: _typed(key, inner) for key, inner in value.items()}
    if name in _NUMBERS:
        return int(value)
    if name in _RATES:
        return float(value)
    if name in _FLAGS:
        return value if isinstance(value, bool) else str(value).lower() == "true"
    return value


def _given(call: ResourceCall, *members: str) -> dict[str, Any]:
    return {name: _typed(name, value) for name, value in call.given(*members).items()}


def _tags(call: ResourceCall) -> dict[str, str]:
    return call.all_tags()


def _api(answer: dict[str, Any]) -> Resource:
    return Resource(answer["ApiId"], {"ApiId": answer["ApiId"], "ApiEndpoint": answer["ApiEndpoint"]})


async def _create_api(call: ResourceCall) -> Resource:
    body = await body_of(call)
    if body is None:
        given = {"ProtocolType": "HTTP", **_given(call, *_API)}
        return _api(await call.ask(_SERVICE, "CreateApi", **given, Tags=_tags(call)))
    made = _api(await call.ask(_SERVICE, "ImportApi", Body=body, **_flags(call)))
    call.begin(made)
    await _over_import(call, made.physical_id)
    return made


async def _update_api(call: ResourceCall) -> Resource:
    body = await body_of(call)
    if body is not None:
        await call.ask(_SERVICE, "ReimportApi", ApiId=call.physical_id, Body=body, **_flags(call))
        await _over_import(call, call.physical_id)
        return Resource(call.physical_id, call.attributes)
    skipped = ("ProtocolType", "Target", "RouteKey", "CredentialsArn")
    changes = {name: value for name, value in _given(call, *_API).items() if name not in skipped}
    await call.ask(_SERVICE, "UpdateApi", ApiId=call.physical_id, **changes)
    if "CorsConfiguration" in call.before and "CorsConfiguration" not in call.properties:
        await call.ask(_SERVICE, "DeleteCorsConfiguration", ApiId=call.physical_id)
    return Resource(call.physical_id, call.attributes)


async def _over_import(call: ResourceCall, api_id: str) -> None:
    """Properties beside the document win over it."""
    skipped = ("ProtocolType", "Target", "RouteKey", "CredentialsArn")
    changes = {name: value for name, value in _given(call, *_API).items() if name not in skipped}
    if changes:
        await call.ask(_SERVICE, "UpdateApi", ApiId=api_id, **changes)
    resource = f"arn:aws:apigateway:{call.region}::/apis/{api_id}"
    await call.ask(_SERVICE, "TagResource", ResourceArn=resource, Tags=_tags(call))


def _flags(call: ResourceCall) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    if "BasePath" in call.properties:
        flags["Basepath"] = call.properties["BasePath"]
    if "FailOnWarnings" in call.properties:
        flags["FailOnWarnings"] = str(call.properties["FailOnWarnings"]).lower() == "true"
    return flags


async def _delete_api(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteApi", ApiId=call.physical_id)


def _part(kind: Kind) -> ResourceType:
    """The type of a kind of part."""
    parent = (f"{kind.parent}Id",) if kind.parent else ()

    def place(call: ResourceCall) -> dict[str, Any]:
        return call.given("ApiId", *parent)

    async def create(call: ResourceCall) -> Resource:
        answer = await call.ask(_SERVICE, f"Create{kind.name}", **place(call), **_members(call, kind))
        identity = answer[kind.id_member]
        return Resource(identity, {kind.id_member: identity})

    async def update(call: ResourceCall) -> Resource:
        given = {kind.id_member: call.physical_id, **_members(call, kind)}
        await call.ask(_SERVICE, f"Update{kind.name}", **place(call), **given)
        return Resource(call.physical_id, call.attributes)

    async def delete(call: ResourceCall) -> None:
        await call.ask(_SERVICE, f"Delete{kind.name}", **place(call), **{kind.id_member: call.physical_id})

    return ResourceType(
        f"AWS::ApiGatewayV2::{kind.name}", create, delete, update, replaced_by=frozenset(("ApiId", *parent))
    )


def _members(call: ResourceCall, kind: Kind) -> dict[str, Any]:
    given = _given(call, *kind.members)
    if kind is MODEL and not isinstance(given.get("Schema"), str):
        given["Schema"] = orjson.dumps(given.get("Schema")).decode()
    if kind is INTEGRATION and "ResponseParameters" in given:
        given["ResponseParameters"] = {
            status: {one["Destination"]: one["Source"] for one in said["ResponseParameters"]}
            if isinstance(said, dict) and "ResponseParameters" in said
            else said
            for status, said in given["ResponseParameters"].items()
        }
    return given


async def _create_stage(call: ResourceCall) -> Resource:
    given = {**call.given("ApiId", "StageName"), **_given(call, *_STAGE)}
    await call.ask(_SERVICE, "CreateStage", **given, Tags=_tags(call))
    return Resource(str(call.properties["StageName"]))


async def _update_stage(call: ResourceCall) -> Resource:
    given = {**call.given("ApiId", "StageName"), **_given(call, *_STAGE)}
    gone = set(call.before.get("StageVariables") or ()) - set(given.get("StageVariables") or ())
    if gone:
        given["StageVariables"] = {**(given.get("StageVariables") or {}), **dict.fromkeys(gone, "")}
    await call.ask(_SERVICE, "UpdateStage", **given)
    return Resource(call.physical_id, call.attributes)


async def _delete_stage(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteStage", ApiId=call.properties["ApiId"], StageName=call.physical_id)


async def _create_deployment(call: ResourceCall) -> Resource:
    answer = await call.ask(_SERVICE, "CreateDeployment", **call.given("ApiId", "StageName", "Description"))
    return Resource(answer["DeploymentId"], {"DeploymentId": answer["DeploymentId"]})


async def _delete_deployment(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteDeployment", ApiId=call.properties["ApiId"], DeploymentId=call.physical_id)


async def _create_domain(call: ResourceCall) -> Resource:
    given = call.given("DomainName", "DomainNameConfigurations")
    answer = await call.ask(_SERVICE, "CreateDomainName", **given, Tags=_tags(call))
    configuration = answer["DomainNameConfigurations"][0]
    attributes = {
        "DomainNameArn": answer["DomainNameArn"],
        "RegionalDomainName": configuration["ApiGatewayDomainName"],
        "RegionalHostedZoneId": configuration["HostedZoneId"],
    }
    return Resource(str(call.properties["DomainName"]), attributes)


async def _update_domain(call: ResourceCall) -> Resource:
    given = call.given("DomainNameConfigurations")
    await call.ask(_SERVICE, "UpdateDomainName", DomainName=call.physical_id, **given)
    return Resource(call.physical_id, call.attributes)


async def _delete_domain(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteDomainName", DomainName=call.physical_id)


async def _create_mapping(call: ResourceCall) -> Resource:
    given = call.given("ApiId", "DomainName", "Stage", "ApiMappingKey")
    answer = await call.ask(_SERVICE, "CreateApiMapping", **given)
    return Resource(answer["ApiMappingId"], {"ApiMappingId": answer["ApiMappingId"]})


async def _update_mapping(call: ResourceCall) -> Resource:
    given = call.given("ApiId", "DomainName", "Stage", "ApiMappingKey")
    await call.ask(_SERVICE, "UpdateApiMapping", ApiMappingId=call.physical_id, **given)
    return Resource(call.physical_id, call.attributes)


async def _delete_mapping(call: ResourceCall) -> None:
    given = call.given("DomainName")
    await call.ask(_SERVICE, "DeleteApiMapping", ApiMappingId=call.physical_id, **given)


async def _create_link(call: ResourceCall) -> Resource:
    given = call.given("Name", "SubnetIds", "SecurityGroupIds")
    answer = await call.ask(_SERVICE, "CreateVpcLink", **given, Tags=_tags(call))
    return Resource(answer["VpcLinkId"], {"VpcLinkId": answer["VpcLinkId"]})


async def _update_link(call: ResourceCall) -> Resource:
    await call.ask(_SERVICE, "UpdateVpcLink", VpcLinkId=call.physical_id, **call.given("Name"))
    arn = f"arn:aws:apigateway:{call.region}::/vpclinks/{call.physical_id}"
    await call.ask(_SERVICE, "TagResource", ResourceArn=arn, Tags=_tags(call))
    return Resource(call.physical_id, call.attributes)


async def _delete_link(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteVpcLink", VpcLinkId=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::ApiGatewayV2::VpcLink",
        _create_link,
        _delete_link,
        _update_link,
        replaced_by=frozenset(("SubnetIds", "SecurityGroupIds")),
    ),
    ResourceType(
        "AWS::ApiGatewayV2::Api", _create_api, _delete_api, _update_api, replaced_by=frozenset(("ProtocolType",))
    ),
    *(_part(kind) for kind in (ROUTE, INTEGRATION, AUTHORIZER, MODEL, INTEGRATION_RESPONSE, ROUTE_RESPONSE_KIND)),
    ResourceType(
        "AWS::ApiGatewayV2::Stage",
        _create_stage,
        _delete_stage,
        _update_stage,
        replaced_by=frozenset(("ApiId", "StageName")),
    ),
    ResourceType("AWS::ApiGatewayV2::Deployment", _create_deployment, _delete_deployment),
    ResourceType(
        "AWS::ApiGatewayV2::DomainName",
        _create_domain,
        _delete_domain,
        _update_domain,
        replaced_by=frozenset(("DomainName",)),
    ),
    ResourceType(
        "AWS::ApiGatewayV2::ApiMapping",
        _create_mapping,
        _delete_mapping,
        _update_mapping,
        replaced_by=frozenset(("DomainName",)),
    ),
)
