"""API Gateway's CloudFormation resource types. Source: "API Gateway resource type reference"."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.http_api.template_body import body_of
from kumoi.services.apigateway.properties import (
    escaped,
    flags,
    lowered,
    map_patches,
    members,
    patch,
    patches,
    typed,
)
from kumoi.wire.errors import AwsError

_SERVICE = "apigateway"
_API_PATCHED = ("Name", "Description", "ApiKeySourceType", "MinimumCompressionSize", "DisableExecuteApiEndpoint")
_STAGE = ("DeploymentId", "Description", "TracingEnabled", "DocumentationVersion", "ClientCertificateId")
_AUTHORIZER = (
    *("Name", "Type", "AuthType", "AuthorizerUri", "AuthorizerCredentials", "IdentitySource"),
    *("IdentityValidationExpression", "AuthorizerResultTtlInSeconds", "ProviderARNs"),
)
_INTEGRATION = (
    *("Uri", "Credentials", "ConnectionType", "ConnectionId", "RequestParameters", "RequestTemplates"),
    *("PassthroughBehavior", "ContentHandling", "TimeoutInMillis", "CacheNamespace", "CacheKeyParameters"),
    *("ResponseTransferMode", "IntegrationTarget"),
)
_SETTINGS = {
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit",
    "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace",
    "MetricsEnabled": "metrics/enabled",
    "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
    "CacheDataEncrypted": "caching/dataEncrypted",
}


async def _ask(call: ResourceCall, operation: str, **given: Any) -> dict[str, Any]:
    return await call.ask(_SERVICE, operation, **given)


def _policy(call: ResourceCall) -> str | None:
    policy = call.properties.get("Policy")
    return policy if policy is None or isinstance(policy, str) else orjson.dumps(policy).decode()


def _media_types(call: ResourceCall) -> list[str] | None:
    given = call.properties.get("BinaryMediaTypes")
    return None if given is None else [str(one).replace("~1", "/") for one in given]


# ── APIs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_api(call: ResourceCall) -> Resource:
    body, own = await body_of(call), call.properties
    if body is None:
        given = members(
            own, "Description", "MinimumCompressionSize", "DisableExecuteApiEndpoint", "EndpointConfiguration"
        )
        answer = await _ask(
            call,
            "CreateRestApi",
            name=own.get("Name") or call.name("Name", 128),
            apiKeySource=own.get("ApiKeySourceType"),
            binaryMediaTypes=_media_types(call),
            cloneFrom=own.get("CloneFrom"),
            policy=_policy(call),
            tags=call.all_tags(),
            **given,
        )
    else:
        kinds = (own.get("EndpointConfiguration") or {}).get("Types")
        parameters = {**(own.get("Parameters") or {})}
        if kinds:
            parameters["endpointConfigurationTypes"] = ",".join(kinds)
        fail = str(own.get("FailOnWarnings", False)).lower() == "true"
        answer = await _ask(call, "ImportRestApi", body=body.encode(), failOnWarnings=fail, parameters=parameters)
    made = Resource(answer["id"], {"RootResourceId": answer["rootResourceId"], "RestApiId": answer["id"]})
    if body is not None:
        call.begin(made)
        await _over_document(call, made.physical_id)
    return made


async def _over_document(call: ResourceCall, api_id: str) -> None:
    """Properties beside the document win over it."""
    operations = _api_patches(call, {})
    if operations:
        await _ask(call, "UpdateRestApi", restApiId=api_id, patchOperations=operations)
    arn = f"arn:aws:apigateway:{call.region}::/restapis/{api_id}"
    await _ask(call, "TagResource", resourceArn=arn, tags=call.all_tags())


def _api_patches(call: ResourceCall, before: Any) -> list[dict[str, str]]:
    own = {name: value for name, value in call.properties.items() if name in _API_PATCHED}
    operations = patches({name: before.get(name) for name in _API_PATCHED}, own, *_API_PATCHED)
    for operation in operations:
        if operation["path"] == "/apiKeySourceType":
            operation["path"] = "/apiKeySource"
    types = _media_types(call)
    if types is not None:
        operations.append({"op": "replace", "path": "/binaryMediaTypes", "value": ",".join(types)})
    policy = _policy(call)
    if policy is not None:
        operations.append(patch("/policy", policy))
    kinds = (call.properties.get("EndpointConfiguration") or {}).get("Types")
    if kinds:
        operations.append({"op": "replace", "path": "/endpointConfiguration/types", "value": ",".join(kinds)})
    return operations


async def _update_api(call: ResourceCall) -> Resource:
    body = await body_of(call)
    if body is not None:
        mode = str(call.properties.get("Mode") or "overwrite")
        await _ask(call, "PutRestApi", restApiId=call.physical_id, mode=mode, body=body.encode())
        await _over_document(call, call.physical_id)
    else:
        operations = _api_patches(call, call.before)
        if operations:
            await _ask(call, "UpdateRestApi", restApiId=call.physical_id, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_api(call: ResourceCall) -> None:
    await _ask(call, "DeleteRestApi", restApiId=call.physical_id)


# ── resources and methods ─────────────────────────────────────────────────────────────────────────────────────────────


async def _create_resource(call: ResourceCall) -> Resource:
    answer = await _ask(call, "CreateResource", **members(call.properties, "RestApiId", "ParentId", "PathPart"))
    return Resource(answer["id"], {"ResourceId": answer["id"]})


async def _delete_resource(call: ResourceCall) -> None:
    await _ask(call, "DeleteResource", restApiId=call.properties["RestApiId"], resourceId=call.physical_id)


async def _create_method(call: ResourceCall) -> Resource:
    place = members(call.properties, "RestApiId", "ResourceId", "HttpMethod")
    made = Resource(f"{place['restApiId']}|{place['resourceId']}|{place['httpMethod']}")
    await _put_method(call, place)
    call.begin(made)
    await _fill_method(call, place)
    return made


async def _put_method(call: ResourceCall, place: dict[str, Any]) -> None:
    own = call.properties
    given = members(own, "ApiKeyRequired", "AuthorizerId", "OperationName", "RequestModels", "RequestValidatorId")
    await _ask(
        call,
        "PutMethod",
        **place,
        authorizationType=own.get("AuthorizationType") or "NONE",
        authorizationScopes=own.get("AuthorizationScopes"),
        requestParameters=flags(own.get("RequestParameters")) or None,
        **given,
    )


async def _fill_method(call: ResourceCall, place: dict[str, Any]) -> None:
    for response in call.properties.get("MethodResponses") or ():
        await _ask(
            call,
            "PutMethodResponse",
            **place,
            statusCode=str(response["StatusCode"]),
            responseParameters=flags(response.get("ResponseParameters")) or None,
            responseModels=response.get("ResponseModels"),
        )
    integration = call.properties.get("Integration")
    if not integration:
        return
    given = members(integration, *_INTEGRATION)
    method = integration.get("IntegrationHttpMethod")
    await _ask(call, "PutIntegration", **place, type=integration["Type"], integrationHttpMethod=method, **given)
    for response in integration.get("IntegrationResponses") or ():
        names = ("SelectionPattern", "ResponseParameters", "ResponseTemplates", "ContentHandling")
        said = members(response, *names)
        await _ask(call, "PutIntegrationResponse", **place, statusCode=str(response["StatusCode"]), **said)


async def _update_method(call: ResourceCall) -> Resource:
    place = members(call.properties, "RestApiId", "ResourceId", "HttpMethod")
    await _ask(call, "DeleteMethod", **place)
    await _put_method(call, place)
    await _fill_method(call, place)
    return Resource(call.physical_id, call.attributes)


async def _delete_method(call: ResourceCall) -> None:
    api_id, resource_id, method = call.physical_id.split("|")
    await _ask(call, "DeleteMethod", restApiId=api_id, resourceId=resource_id, httpMethod=method)


# ── deployments and stages ────────────────────────────────────────────────────────────────────────────────────────────


async def _create_deployment(call: ResourceCall) -> Resource:
    given = members(call.properties, "RestApiId", "Description", "StageName")
    description = call.properties.get("StageDescription") or {}
    answer = await _ask(
        call,
        "CreateDeployment",
        **given,
        variables=typed("variables", description["Variables"]) if description.get("Variables") else None,
        stageDescription=description.get("Description"),
    )
    made = Resource(answer["id"], {"DeploymentId": answer["id"]})
    if given.get("stageName"):
        call.begin(made)
        operations = _settings_patches(description.get("MethodSettings") or ())
        if operations:
            stage = {"restApiId": given["restApiId"], "stageName": given["stageName"]}
            await _ask(call, "UpdateStage", **stage, patchOperations=operations)
    return made


async def _update_deployment(call: ResourceCall) -> Resource:
    operations = patches(call.before, call.properties, "Description")
    place = {"restApiId": call.properties["RestApiId"], "deploymentId": call.physical_id}
    await _ask(call, "UpdateDeployment", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_deployment(call: ResourceCall) -> None:
    """Delete a deployment, and the stage that was made along with it where that still serves it."""
    api_id, stage_name = call.properties["RestApiId"], call.properties.get("StageName")
    if stage_name:
        try:
            stage = await _ask(call, "GetStage", restApiId=api_id, stageName=stage_name)
            if stage["deploymentId"] == call.physical_id:
                await _ask(call, "DeleteStage", restApiId=api_id, stageName=stage_name)
        except AwsError as error:
            if error.code != "NotFoundException":
                raise
    await _ask(call, "DeleteDeployment", restApiId=api_id, deploymentId=call.physical_id)


def _settings_patches(settings: Any) -> list[dict[str, str]]:
    operations: list[dict[str, str]] = []
    for setting in settings:
        path, method = str(setting.get("ResourcePath") or "/*"), str(setting.get("HttpMethod") or "*")
        key = "*" if path in ("/*", "*") else path if "~1" in path else escaped(path)
        key = key.removeprefix("/") if key.startswith("/~1") else key
        for name, place in _SETTINGS.items():
            if setting.get(name) is not None:
                operations.append(patch(f"/{key}/{method}/{place}", setting[name]))
    return operations


async def _create_stage(call: ResourceCall) -> Resource:
    own = call.properties
    name = own.get("StageName") or call.name("StageName", 100).replace(".", "-")
    await _ask(
        call,
        "CreateStage",
        stageName=name,
        canarySettings=own.get("CanarySetting"),
        tags=call.all_tags(),
        **members(own, "RestApiId", "Variables", *_STAGE),
    )
    made = Resource(name)
    operations = [*_settings_patches(own.get("MethodSettings") or ()), *_log_patches(own)]
    if operations:
        call.begin(made)
        await _ask(call, "UpdateStage", restApiId=own["RestApiId"], stageName=name, patchOperations=operations)
    return made


def _log_patches(properties: Any) -> list[dict[str, str]]:
    log = properties.get("AccessLogSetting") or {}
    return [patch(f"/accessLogSettings/{lowered(name)}", value) for name, value in log.items()]


async def _update_stage(call: ResourceCall) -> Resource:
    own, before = call.properties, call.before
    operations = patches(before, own, *_STAGE)
    operations += map_patches("/variables", before.get("Variables") or {}, own.get("Variables") or {})
    operations += [*_settings_patches(own.get("MethodSettings") or ()), *_log_patches(own)]
    if before.get("AccessLogSetting") and not own.get("AccessLogSetting"):
        operations.append({"op": "remove", "path": "/accessLogSettings"})
    place = {"restApiId": own["RestApiId"], "stageName": call.physical_id}
    if operations:
        await _ask(call, "UpdateStage", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_stage(call: ResourceCall) -> None:
    await _ask(call, "DeleteStage", restApiId=call.properties["RestApiId"], stageName=call.physical_id)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_authorizer(call: ResourceCall) -> Resource:
    answer = await _ask(call, "CreateAuthorizer", **members(call.properties, "RestApiId", *_AUTHORIZER))
    return Resource(answer["id"], {"AuthorizerId": answer["id"]})


async def _update_authorizer(call: ResourceCall) -> Resource:
    names = [name for name in _AUTHORIZER if name != "ProviderARNs"]
    operations = patches(call.before, call.properties, *names)
    pools = call.properties.get("ProviderARNs")
    if pools:
        operations.append({"op": "replace", "path": "/providerARNs", "value": ",".join(pools)})
    place = {"restApiId": call.properties["RestApiId"], "authorizerId": call.physical_id}
    await _ask(call, "UpdateAuthorizer", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_authorizer(call: ResourceCall) -> None:
    await _ask(call, "DeleteAuthorizer", restApiId=call.properties["RestApiId"], authorizerId=call.physical_id)


def _schema(call: ResourceCall) -> str:
    schema = call.properties.get("Schema")
    return schema if isinstance(schema, str) else orjson.dumps(schema or {}).decode()


async def _create_model(call: ResourceCall) -> Resource:
    own = call.properties
    name = own.get("Name") or "".join(one for one in call.name("Name", 100) if one.isalnum())
    kind = own.get("ContentType") or "application/json"
    given = members(own, "RestApiId", "Description")
    await _ask(call, "CreateModel", name=name, contentType=kind, schema=_schema(call), **given)
    return Resource(name)


async def _update_model(call: ResourceCall) -> Resource:
    operations = [patch("/schema", _schema(call)), *patches(call.before, call.properties, "Description")]
    place = {"restApiId": call.properties["RestApiId"], "modelName": call.physical_id}
    await _ask(call, "UpdateModel", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_model(call: ResourceCall) -> None:
    await _ask(call, "DeleteModel", restApiId=call.properties["RestApiId"], modelName=call.physical_id)


async def _create_validator(call: ResourceCall) -> Resource:
    names = ("RestApiId", "Name", "ValidateRequestBody", "ValidateRequestParameters")
    answer = await _ask(call, "CreateRequestValidator", **members(call.properties, *names))
    return Resource(answer["id"], {"RequestValidatorId": answer["id"]})


async def _update_validator(call: ResourceCall) -> Resource:
    own = call.properties
    operations = [
        patch(f"/{lowered(name)}", str(own.get(name, False)).lower())
        for name in ("ValidateRequestBody", "ValidateRequestParameters")
    ]
    place = {"restApiId": own["RestApiId"], "requestValidatorId": call.physical_id}
    await _ask(call, "UpdateRequestValidator", **place, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_validator(call: ResourceCall) -> None:
    place = {"restApiId": call.properties["RestApiId"], "requestValidatorId": call.physical_id}
    await _ask(call, "DeleteRequestValidator", **place)


async def _put_gateway_response(call: ResourceCall) -> Resource:
    own = call.properties
    given = members(own, "RestApiId", "ResponseType", "ResponseParameters", "ResponseTemplates")
    status = None if own.get("StatusCode") is None else str(own["StatusCode"])
    await _ask(call, "PutGatewayResponse", statusCode=status, **given)
    identity = f"{own['RestApiId']}|{own['ResponseType']}"
    return Resource(identity, {"Id": identity})


async def _delete_gateway_response(call: ResourceCall) -> None:
    await _ask(call, "DeleteGatewayResponse", **members(call.properties, "RestApiId", "ResponseType"))


async def _create_documentation(call: ResourceCall) -> Resource:
    given = members(call.properties, "RestApiId", "Location", "Properties")
    answer = await _ask(call, "CreateDocumentationPart", **given)
    return Resource(answer["id"], {"DocumentationPartId": answer["id"]})


async def _delete_documentation(call: ResourceCall) -> None:
    place = {"restApiId": call.properties["RestApiId"], "documentationPartId": call.physical_id}
    await _ask(call, "DeleteDocumentationPart", **place)


# ── keys and plans ────────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_key(call: ResourceCall) -> Resource:
    own = call.properties
    given = members(own, "Description", "Enabled", "Value", "CustomerId")
    stages = [members(one, "RestApiId", "StageName") for one in own.get("StageKeys") or ()]
    name = own.get("Name") or call.name("Name", 128)
    answer = await _ask(call, "CreateApiKey", name=name, stageKeys=stages or None, tags=call.all_tags(), **given)
    return Resource(answer["id"], {"APIKeyId": answer["id"]})


async def _update_key(call: ResourceCall) -> Resource:
    operations = patches(call.before, call.properties, "Description", "Enabled", "CustomerId")
    await _ask(call, "UpdateApiKey", apiKey=call.physical_id, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_key(call: ResourceCall) -> None:
    await _ask(call, "DeleteApiKey", apiKey=call.physical_id)


def _api_stages(properties: Any) -> list[dict[str, Any]]:
    made = []
    for one in properties.get("ApiStages") or ():
        throttle = {path: typed("", limits) for path, limits in (one.get("Throttle") or {}).items()}
        made.append({"apiId": one["ApiId"], "stage": one["Stage"], **({"throttle": throttle} if throttle else {})})
    return made


async def _create_plan(call: ResourceCall) -> Resource:
    own = call.properties
    answer = await _ask(
        call,
        "CreateUsagePlan",
        name=own.get("UsagePlanName") or call.name("UsagePlanName", 128),
        apiStages=_api_stages(own) or None,
        tags=call.all_tags(),
        **members(own, "Description", "Throttle", "Quota"),
    )
    return Resource(answer["id"], {"Id": answer["id"]})


async def _update_plan(call: ResourceCall) -> Resource:
    own, before = call.properties, call.before
    operations = patches(before, own, "Description")
    if own.get("UsagePlanName"):
        operations.append(patch("/name", own["UsagePlanName"]))
    for name in ("Throttle", "Quota"):
        given = own.get(name) or {}
        if before.get(name) and not given:
            operations.append({"op": "remove", "path": f"/{lowered(name)}"})
        operations += [patch(f"/{lowered(name)}/{lowered(key)}", value) for key, value in given.items()]
    held = {(one["apiId"], one["stage"]) for one in _api_stages(before)}
    wanted = {(one["apiId"], one["stage"]): one for one in _api_stages(own)}
    operations += [{"op": "remove", "path": "/apiStages", "value": ":".join(one)} for one in held - wanted.keys()]
    operations += [{"op": "add", "path": "/apiStages", "value": ":".join(one)} for one in wanted.keys() - held]
    for one in wanted.values():
        place = f"/apiStages/{one['apiId']}:{one['stage']}/throttle"
        for path, limits in (one.get("throttle") or {}).items():
            operations += [patch(f"{place}/{escaped(path)}/{name}", value) for name, value in limits.items()]
    await _ask(call, "UpdateUsagePlan", usagePlanId=call.physical_id, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_plan(call: ResourceCall) -> None:
    operations = [
        {"op": "remove", "path": "/apiStages", "value": f"{one['apiId']}:{one['stage']}"}
        for one in (await _ask(call, "GetUsagePlan", usagePlanId=call.physical_id)).get("apiStages") or ()
    ]
    if operations:
        await _ask(call, "UpdateUsagePlan", usagePlanId=call.physical_id, patchOperations=operations)
    await _ask(call, "DeleteUsagePlan", usagePlanId=call.physical_id)


async def _create_plan_key(call: ResourceCall) -> Resource:
    given = members(call.properties, "UsagePlanId", "KeyId", "KeyType")
    await _ask(call, "CreateUsagePlanKey", **given)
    identity = f"{given['keyId']}:{given['usagePlanId']}"
    return Resource(identity, {"Id": identity})


async def _delete_plan_key(call: ResourceCall) -> None:
    key, _, plan = call.physical_id.partition(":")
    await _ask(call, "DeleteUsagePlanKey", usagePlanId=plan, keyId=key)


# ── account and domain names ──────────────────────────────────────────────────────────────────────────────────────────


async def _set_account(call: ResourceCall) -> Resource:
    role = call.properties.get("CloudWatchRoleArn")
    operations = [patch("/cloudwatchRoleArn", role)] if role else [{"op": "remove", "path": "/cloudwatchRoleArn"}]
    await _ask(call, "UpdateAccount", patchOperations=operations)
    identity = call.physical_id or f"{call.stack_name}-{call.logical_id}"
    return Resource(identity, {"Id": identity})


async def _forget_account(call: ResourceCall) -> None:
    """The account stays; so does the role, as at AWS."""


def _domain(answer: dict[str, Any]) -> Resource:
    names = ("regionalDomainName", "regionalHostedZoneId", "distributionDomainName", "distributionHostedZoneId")
    attributes = {name[0].upper() + name[1:]: answer[name] for name in (*names, "domainNameArn") if name in answer}
    return Resource(answer["domainName"], attributes)


async def _create_domain(call: ResourceCall) -> Resource:
    names = ("DomainName", "CertificateArn", "RegionalCertificateArn", "SecurityPolicy", "EndpointConfiguration")
    given = members(call.properties, *names, "OwnershipVerificationCertificateArn")
    return _domain(await _ask(call, "CreateDomainName", **given, tags=call.all_tags()))


async def _update_domain(call: ResourceCall) -> Resource:
    names = ("CertificateArn", "RegionalCertificateArn", "SecurityPolicy", "OwnershipVerificationCertificateArn")
    operations = patches(call.before, call.properties, *names)
    return _domain(await _ask(call, "UpdateDomainName", domainName=call.physical_id, patchOperations=operations))


async def _delete_domain(call: ResourceCall) -> None:
    await _ask(call, "DeleteDomainName", domainName=call.physical_id)


async def _create_mapping(call: ResourceCall) -> Resource:
    given = members(call.properties, "DomainName", "BasePath", "RestApiId", "Stage")
    answer = await _ask(call, "CreateBasePathMapping", **given)
    return Resource(f"{given['domainName']}|{answer['basePath']}")


async def _update_mapping(call: ResourceCall) -> Resource:
    domain, _, base = call.physical_id.partition("|")
    operations = [patch("/restapiId", call.properties["RestApiId"]), *patches(call.before, call.properties, "Stage")]
    await _ask(call, "UpdateBasePathMapping", domainName=domain, basePath=base, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_mapping(call: ResourceCall) -> None:
    domain, _, base = call.physical_id.partition("|")
    await _ask(call, "DeleteBasePathMapping", domainName=domain, basePath=base)


def _type(name: str, create: Any, delete: Any, update: Any = None, *replaced_by: str) -> ResourceType:
    return ResourceType(f"AWS::ApiGateway::{name}", create, delete, update, frozenset(replaced_by))


RESOURCES = (
    _type("RestApi", _create_api, _delete_api, _update_api, "CloneFrom"),
    _type("Resource", _create_resource, _delete_resource),
    _type("Method", _create_method, _delete_method, _update_method, "RestApiId", "ResourceId", "HttpMethod"),
    _type("Deployment", _create_deployment, _delete_deployment, _update_deployment, "RestApiId", "StageName"),
    _type("Stage", _create_stage, _delete_stage, _update_stage, "RestApiId", "StageName"),
    _type("Authorizer", _create_authorizer, _delete_authorizer, _update_authorizer, "RestApiId"),
    _type("Model", _create_model, _delete_model, _update_model, "RestApiId", "Name", "ContentType"),
    _type("RequestValidator", _create_validator, _delete_validator, _update_validator, "RestApiId", "Name"),
    _type(
        "GatewayResponse",
        _put_gateway_response,
        _delete_gateway_response,
        _put_gateway_response,
        "RestApiId",
        "ResponseType",
    ),
    _type("DocumentationPart", _create_documentation, _delete_documentation),
    _type("ApiKey", _create_key, _delete_key, _update_key, "Name", "Value", "GenerateDistinctId"),
    _type("UsagePlan", _create_plan, _delete_plan, _update_plan),
    _type("UsagePlanKey", _create_plan_key, _delete_plan_key),
    _type("Account", _set_account, _forget_account, _set_account),
    _type("DomainName", _create_domain, _delete_domain, _update_domain, "DomainName"),
    _type("BasePathMapping", _create_mapping, _delete_mapping, _update_mapping, "DomainName", "BasePath"),
)
