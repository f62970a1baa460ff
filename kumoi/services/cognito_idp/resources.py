"""Cognito's CloudFormation resource types. Source: "Amazon Cognito resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.wire.errors import AwsError

_POOL = (
    *("AccountRecoverySetting", "AdminCreateUserConfig", "AliasAttributes", "AutoVerifiedAttributes"),
    *("DeletionProtection", "DeviceConfiguration", "EmailConfiguration", "EmailVerificationMessage"),
    *("EmailVerificationSubject", "LambdaConfig", "MfaConfiguration", "Policies", "Schema", "SmsAuthenticationMessage"),
    *("SmsConfiguration", "SmsVerificationMessage", "UserAttributeUpdateSettings", "UsernameAttributes"),
    *("UsernameConfiguration", "UserPoolAddOns", "UserPoolTags", "UserPoolTier", "VerificationMessageTemplate"),
)
_CREATED = ("Schema", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
_CLIENT = (
    *("AccessTokenValidity", "AllowedOAuthFlows", "AllowedOAuthFlowsUserPoolClient", "AllowedOAuthScopes"),
    *("AnalyticsConfiguration", "AuthSessionValidity", "CallbackURLs", "DefaultRedirectURI", "EnableTokenRevocation"),
    *("EnablePropagateAdditionalUserContextData", "ExplicitAuthFlows", "IdTokenValidity", "LogoutURLs"),
    *("PreventUserExistenceErrors", "ReadAttributes", "RefreshTokenRotation", "RefreshTokenValidity"),
    *("SupportedIdentityProviders", "TokenValidityUnits", "WriteAttributes"),
)


def _pool(call: ResourceCall, pool_id: str) -> Resource:
    provider = f"cognito-idp.{call.region}.amazonaws.com/{pool_id}"
    return Resource(
        pool_id,
        {
            "Arn": call.arn("cognito-idp", f"userpool/{pool_id}"),
            "ProviderName": provider,
            "ProviderURL": f"https://{provider}",
            "UserPoolId": pool_id,
        },
    )


def _factors(call: ResourceCall) -> dict[str, Any]:
    """What SetUserPoolMfaConfig is to be told: second factors by their names (`EnabledMfas`), and passkeys."""
    given = call.properties
    made: dict[str, Any] = {}
    names = given.get("EnabledMfas") or ()
    if "SMS_MFA" in names:
        made["SmsMfaConfiguration"] = _without_none(
            SmsAuthenticationMessage=given.get("SmsAuthenticationMessage"),
            SmsConfiguration=given.get("SmsConfiguration"),
        )
    if "SOFTWARE_TOKEN_MFA" in names:
        made["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
    if "EMAIL_OTP" in names:
        made["EmailMfaConfiguration"] = _without_none(
            Message=given.get("EmailAuthenticationMessage"), Subject=given.get("EmailAuthenticationSubject")
        )
    passkeys = _without_none(
        RelyingPartyId=given.get("WebAuthnRelyingPartyID"),
        UserVerification=given.get("WebAuthnUserVerification"),
        FactorConfiguration=given.get("WebAuthnFactorConfiguration"),
    )
    if passkeys:
        made["WebAuthnConfiguration"] = passkeys
    return made and {"MfaConfiguration": given.get("MfaConfiguration", "OFF"), **made}


def _without_none(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


async def _set_factors(call: ResourceCall, pool_id: str) -> None:
    if factors := _factors(call):
        await call.ask("cognito-idp", "SetUserPoolMfaConfig", UserPoolId=pool_id, **factors)


async def _create_pool(call: ResourceCall) -> Resource:
    answer = await call.ask(
        "cognito-idp", "CreateUserPool", PoolName=call.name("UserPoolName", 128), **call.given(*_POOL)
    )
    pool_id = answer["UserPool"]["Id"]
    try:
        await _set_factors(call, pool_id)
    except AwsError:  # nobody would know of the pool
        await call.ask("cognito-idp", "DeleteUserPool", UserPoolId=pool_id)
        raise
    return _pool(call, pool_id)


async def _update_pool(call: ResourceCall) -> Resource:
    given = {name: value for name, value in call.given(*_POOL).items() if name not in _CREATED}
    await call.ask("cognito-idp", "UpdateUserPool", UserPoolId=call.physical_id, **given)
    await _set_factors(call, call.physical_id)
    return _pool(call, call.physical_id)


async def _delete_pool(call: ResourceCall) -> None:
    await call.ask("cognito-idp", "DeleteUserPool", UserPoolId=call.physical_id)


def _client(found: dict[str, Any]) -> Resource:
    attributes = {"ClientId": found["ClientId"], "Name": found["ClientName"]}
    if "ClientSecret" in found:
        attributes["ClientSecret"] = found["ClientSecret"]
    return Resource(found["ClientId"], attributes)


async def _create_client(call: ResourceCall) -> Resource:
    given = call.given(*_CLIENT, "GenerateSecret", "UserPoolId")
    answer = await call.ask("cognito-idp", "CreateUserPoolClient", ClientName=call.name("ClientName", 128), **given)
    return _client(answer["UserPoolClient"])


async def _update_client(call: ResourceCall) -> Resource:
    given = call.given(*_CLIENT, "ClientName", "UserPoolId")
    answer = await call.ask("cognito-idp", "UpdateUserPoolClient", ClientId=call.physical_id, **given)
    return _client(answer["UserPoolClient"])


async def _delete_client(call: ResourceCall) -> None:
    pool = call.properties["UserPoolId"]
    await call.ask("cognito-idp", "DeleteUserPoolClient", UserPoolId=pool, ClientId=call.physical_id)


async def _create_group(call: ResourceCall) -> Resource:
    name = call.name("GroupName", 128)
    given = call.given("Description", "Precedence", "RoleArn", "UserPoolId")
    await call.ask("cognito-idp", "CreateGroup", GroupName=name, **given)
    return Resource(name, {})


async def _update_group(call: ResourceCall) -> Resource:
    given = call.given("Description", "Precedence", "RoleArn", "UserPoolId")
    await call.ask("cognito-idp", "UpdateGroup", GroupName=call.physical_id, **given)
    return Resource(call.physical_id, {})


async def _delete_group(call: ResourceCall) -> None:
    pool = call.properties["UserPoolId"]
    await call.ask("cognito-idp", "DeleteGroup", UserPoolId=pool, GroupName=call.physical_id)


def _domain(call: ResourceCall) -> Resource:
    name = str(call.properties["Domain"])
    host = name if "." in name else f"{name}.auth.{call.region}.amazoncognito.com"
    return Resource(name, {"CloudFrontDistribution": host, "Id": name})


async def _create_domain(call: ResourceCall) -> Resource:
    given = call.given("CustomDomainConfig", "Domain", "ManagedLoginVersion", "UserPoolId")
    await call.ask("cognito-idp", "CreateUserPoolDomain", **given)
    return _domain(call)


async def _update_domain(call: ResourceCall) -> Resource:
    given = call.given("CustomDomainConfig", "Domain", "ManagedLoginVersion", "UserPoolId")
    await call.ask("cognito-idp", "UpdateUserPoolDomain", **given)
    return _domain(call)


async def _delete_domain(call: ResourceCall) -> None:
    given = {name: call.properties[name] for name in ("Domain", "UserPoolId")}
    await call.ask("cognito-idp", "DeleteUserPoolDomain", **given)


async def _create_server(call: ResourceCall) -> Resource:
    await call.ask("cognito-idp", "CreateResourceServer", **call.given("Identifier", "Name", "Scopes", "UserPoolId"))
    return Resource(str(call.properties["Identifier"]), {})


async def _update_server(call: ResourceCall) -> Resource:
    await call.ask("cognito-idp", "UpdateResourceServer", **call.given("Identifier", "Name", "Scopes", "UserPoolId"))
    return Resource(call.physical_id, {})


async def _delete_server(call: ResourceCall) -> None:
    given = {name: call.properties[name] for name in ("Identifier", "UserPoolId")}
    await call.ask("cognito-idp", "DeleteResourceServer", **given)


_PROVIDER = ("AttributeMapping", "IdpIdentifiers", "ProviderDetails", "ProviderName", "UserPoolId")


def _provider(call: ResourceCall, *members: str) -> dict[str, Any]:
    """What a template says of a provider; details may be booleans there (`IDPSignout: true`)."""
    given = call.given(*members)
    details = given.get("ProviderDetails")
    if isinstance(details, dict):
        texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in details.items()}
        given["ProviderDetails"] = texts
    return given


async def _create_provider(call: ResourceCall) -> Resource:
    await call.ask("cognito-idp", "CreateIdentityProvider", **_provider(call, *_PROVIDER, "ProviderType"))
    return Resource(str(call.properties["ProviderName"]), {})


async def _update_provider(call: ResourceCall) -> Resource:
    await call.ask("cognito-idp", "UpdateIdentityProvider", **_provider(call, *_PROVIDER))
    return Resource(call.physical_id, {})


async def _delete_provider(call: ResourceCall) -> None:
    given = {name: call.properties[name] for name in ("ProviderName", "UserPoolId")}
    await call.ask("cognito-idp", "DeleteIdentityProvider", **given)


RESOURCES = (
    ResourceType("AWS::Cognito::UserPool", _create_pool, _delete_pool, _update_pool, replaced_by=frozenset(_CREATED)),
    ResourceType(
        "AWS::Cognito::UserPoolClient",
        _create_client,
        _delete_client,
        _update_client,
        replaced_by=frozenset(("UserPoolId", "GenerateSecret")),
    ),
    ResourceType(
        "AWS::Cognito::UserPoolGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(("GroupName", "UserPoolId")),
    ),
    ResourceType(
        "AWS::Cognito::UserPoolDomain",
        _create_domain,
        _delete_domain,
        _update_domain,
        replaced_by=frozenset(("Domain", "UserPoolId")),
    ),
    ResourceType(
        "AWS::Cognito::UserPoolResourceServer",
        _create_server,
        _delete_server,
        _update_server,
        replaced_by=frozenset(("Identifier", "UserPoolId")),
    ),
    ResourceType(
        "AWS::Cognito::UserPoolIdentityProvider",
        _create_provider,
        _delete_provider,
        _update_provider,
        replaced_by=frozenset(("ProviderName", "ProviderType", "UserPoolId")),
    ),
)
