"""IAM's CloudFormation resource types: roles, policies, users, access keys.

Source: "IAM resource type reference" of the CloudFormation template reference.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import orjson

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType
from kumoi.wire.errors import AwsError


def _document(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _tags(call: ResourceCall) -> list[dict[str, str]]:
    return [tag for tag in call.tag_list() if not tag["Key"].startswith("aws:")]


async def _create_role(call: ResourceCall) -> Resource:
    name = call.name("RoleName", 64)
    answer = await call.ask(
        "iam",
        "CreateRole",
        RoleName=name,
        AssumeRolePolicyDocument=_document(call.properties["AssumeRolePolicyDocument"]),
        Tags=_tags(call),
        MaxSessionDuration=int(call.properties.get("MaxSessionDuration", 3600)),
        **call.given("Path", "Description", "PermissionsBoundary"),
    )
    role = call.begin(Resource(name, {"Arn": answer["Role"]["Arn"], "RoleId": answer["Role"]["RoleId"]}))
    await _bring_policies(call, "Role", name)
    return role


async def _update_role(call: ResourceCall) -> Resource:
    name, properties = call.physical_id, call.properties
    document = _document(properties["AssumeRolePolicyDocument"])
    await call.ask("iam", "UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=document)
    await call.ask(
        "iam",
        "UpdateRole",
        RoleName=name,
        Description=properties.get("Description", ""),
        MaxSessionDuration=int(properties.get("MaxSessionDuration", 3600)),
    )
    await _bring_policies(call, "Role", name)
    return Resource(name, call.attributes)


async def _bring_policies(call: ResourceCall, kind: str, name: str) -> None:
    """Give a role or user the inline and attached policies it is to have, and take the others away."""
    holder = {f"{kind}Name": name}
    wanted = {one["PolicyName"]: one["PolicyDocument"] for one in call.properties.get("Policies", [])}
    had = {one["PolicyName"] for one in call.before.get("Policies", [])}
    for policy, document in wanted.items():
        await call.ask("iam", f"Put{kind}Policy", **holder, PolicyName=policy, PolicyDocument=_document(document))
    for policy in had - wanted.keys():
        await call.ask("iam", f"Delete{kind}Policy", **holder, PolicyName=policy)
    attached = set(call.properties.get("ManagedPolicyArns", []))
    for arn in sorted(attached):
        await call.ask("iam", f"Attach{kind}Policy", **holder, PolicyArn=arn)
    for arn in set(call.before.get("ManagedPolicyArns", [])) - attached:
        await call.ask("iam", f"Detach{kind}Policy", **holder, PolicyArn=arn)


async def _take_policies(call: ResourceCall, kind: str, name: str) -> None:
    """Take away whatever policies a role or user has, those that were added beside the template too."""
    holder = {f"{kind}Name": name}
    inline = await call.ask("iam", f"List{kind}Policies", **holder)
    for policy in inline.get("PolicyNames", []):
        await call.ask("iam", f"Delete{kind}Policy", **holder, PolicyName=policy)
    attached = await call.ask("iam", f"ListAttached{kind}Policies", **holder)
    for one in attached.get("AttachedPolicies", []):
        await call.ask("iam", f"Detach{kind}Policy", **holder, PolicyArn=one["PolicyArn"])


async def _delete_role(call: ResourceCall) -> None:
    await _take_policies(call, "Role", call.physical_id)
    await call.ask("iam", "DeleteRole", RoleName=call.physical_id)


async def _read_role(call: ResourceCall) -> Reading:
    holder = {"RoleName": call.physical_id}
    role = (await call.ask("iam", "GetRole", **holder))["Role"]
    inline = await call.ask("iam", "ListRolePolicies", **holder)
    attached = await call.ask("iam", "ListAttachedRolePolicies", **holder)
    policies = [await call.ask("iam", "GetRolePolicy", **holder, PolicyName=one) for one in inline["PolicyNames"]]
    told = {
        "AssumeRolePolicyDocument": unquote(role["AssumeRolePolicyDocument"]),
        "Description": role.get("Description") or None,
        "ManagedPolicyArns": [one["PolicyArn"] for one in attached["AttachedPolicies"]] or None,
        "MaxSessionDuration": role.get("MaxSessionDuration"),
        "Path": role["Path"],
        "PermissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
        "Policies": [
            {"PolicyName": one["PolicyName"], "PolicyDocument": orjson.loads(unquote(one["PolicyDocument"]))}
            for one in policies
        ]
        or None,
        "RoleName": role["RoleName"],
        "Tags": role.get("Tags", []),
    }
    return Reading(Resource(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]}), told)


async def _create_user(call: ResourceCall) -> Resource:
    name = call.name("UserName", 64)
    answer = await call.ask("iam", "CreateUser", UserName=name, Tags=_tags(call), **call.given("Path"))
    made = call.begin(Resource(name, {"Arn": answer["User"]["Arn"]}))
    await _bring_policies(call, "User", name)
    return made


async def _update_user(call: ResourceCall) -> Resource:
    await _bring_policies(call, "User", call.physical_id)
    return Resource(call.physical_id, call.attributes)


async def _delete_user(call: ResourceCall) -> None:
    name = call.physical_id
    await _take_policies(call, "User", name)
    keys = await call.ask("iam", "ListAccessKeys", UserName=name)
    for key in keys.get("AccessKeyMetadata", []):
        await call.ask("iam", "DeleteAccessKey", UserName=name, AccessKeyId=key["AccessKeyId"])
    await call.ask("iam", "DeleteUser", UserName=name)


async def _create_key(call: ResourceCall) -> Resource:
    answer = await call.ask("iam", "CreateAccessKey", **call.given("UserName"))
    key = answer["AccessKey"]
    return Resource(key["AccessKeyId"], {"SecretAccessKey": key["SecretAccessKey"]})


async def _delete_key(call: ResourceCall) -> None:
    await call.ask("iam", "DeleteAccessKey", AccessKeyId=call.physical_id, **call.given("UserName"))


async def _put_inline(call: ResourceCall) -> Resource:
    """AWS::IAM::Policy: one inline policy in several roles and users."""
    document, name = _document(call.properties["PolicyDocument"]), call.properties["PolicyName"]
    for kind in ("Role", "User"):
        holders = call.properties.get(f"{kind}s", [])
        for holder in holders:
            await call.ask(
                "iam", f"Put{kind}Policy", **{f"{kind}Name": holder}, PolicyName=name, PolicyDocument=document
            )
        for holder in set(call.before.get(f"{kind}s", [])) - set(holders):
            await call.ask("iam", f"Delete{kind}Policy", **{f"{kind}Name": holder}, PolicyName=name)
    physical = call.physical_id or f"{call.stack_name[:4]}-{call.logical_id[:4]}-{call.token.upper()}"
    return Resource(physical, {"Id": physical})


async def _delete_inline(call: ResourceCall) -> None:
    for kind in ("Role", "User"):
        for holder in call.properties.get(f"{kind}s", []):
            try:
                await call.ask(
                    "iam", f"Delete{kind}Policy", **{f"{kind}Name": holder}, PolicyName=call.properties["PolicyName"]
                )
            except AwsError as error:
                if error.code != "NoSuchEntity":
                    raise


async def _create_managed(call: ResourceCall) -> Resource:
    answer = await call.ask(
        "iam",
        "CreatePolicy",
        PolicyName=call.name("ManagedPolicyName", 128),
        PolicyDocument=_document(call.properties["PolicyDocument"]),
        **call.given("Path", "Description"),
    )
    arn = answer["Policy"]["Arn"]
    made = call.begin(Resource(arn, {"PolicyArn": arn, "PolicyId": answer["Policy"]["PolicyId"]}))
    await _attach_managed(call, arn)
    return made


async def _attach_managed(call: ResourceCall, arn: str) -> None:
    for kind in ("Role", "User"):
        holders = call.properties.get(f"{kind}s", [])
        for holder in holders:
            await call.ask("iam", f"Attach{kind}Policy", **{f"{kind}Name": holder}, PolicyArn=arn)
        for holder in set(call.before.get(f"{kind}s", [])) - set(holders):
            await call.ask("iam", f"Detach{kind}Policy", **{f"{kind}Name": holder}, PolicyArn=arn)


async def _update_managed(call: ResourceCall) -> Resource:
    arn = call.physical_id
    if call.properties["PolicyDocument"] != call.before.get("PolicyDocument"):
        versions = (await call.ask("iam", "ListPolicyVersions", PolicyArn=arn))["Versions"]
        spare = [one["VersionId"] for one in versions if not one["IsDefaultVersion"]]
        if len(versions) >= 5:
            await call.ask("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=spare[0])
        document = _document(call.properties["PolicyDocument"])
        await call.ask("iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    await _attach_managed(call, arn)
    return Resource(arn, call.attributes)


async def _delete_managed(call: ResourceCall) -> None:
    arn = call.physical_id
    for kind in ("Role", "User"):
        for holder in call.properties.get(f"{kind}s", []):
            try:
                await call.ask("iam", f"Detach{kind}Policy", **{f"{kind}Name": holder}, PolicyArn=arn)
            except AwsError as error:
                if error.code != "NoSuchEntity":
                    raise
    for version in (await call.ask("iam", "ListPolicyVersions", PolicyArn=arn))["Versions"]:
        if not version["IsDefaultVersion"]:
            await call.ask("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"])
    await call.ask("iam", "DeletePolicy", PolicyArn=arn)


RESOURCES = (
    ResourceType(
        "AWS::IAM::Role",
        _create_role,
        _delete_role,
        _update_role,
        frozenset(("RoleName", "Path")),
        expected=lambda call: call.name("RoleName", 64),
        read=_read_role,
        identifier="RoleName",
        listing=Listing("iam", "ListRoles", "Roles", ("Marker", "Marker"), "RoleName"),
    ),
    ResourceType(
        "AWS::IAM::User",
        _create_user,
        _delete_user,
        _update_user,
        frozenset(("UserName", "Path")),
        expected=lambda call: call.name("UserName", 64),
    ),
    ResourceType("AWS::IAM::AccessKey", _create_key, _delete_key),
    ResourceType("AWS::IAM::Policy", _put_inline, _delete_inline, _put_inline, frozenset(("PolicyName",))),
    ResourceType(
        "AWS::IAM::ManagedPolicy",
        _create_managed,
        _delete_managed,
        _update_managed,
        frozenset(("ManagedPolicyName", "Path", "Description")),
    ),
)
