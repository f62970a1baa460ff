"""The account itself: its alias, its password policy, its summary, and everything in it at once."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.iam import iam
from kumoi.services.iam.operations.attachments import MAX_ATTACHED, MAX_INLINE, attached_list, inline_list
from kumoi.services.iam.operations.groups import MAX_GROUPS, describe_group
from kumoi.services.iam.operations.instance_profiles import all_profiles, describe_profile
from kumoi.services.iam.operations.policies import MAX_SIZE, MAX_VERSIONS, all_policies, describe_whole
from kumoi.services.iam.operations.roles import describe_role
from kumoi.services.iam.operations.users import describe_user
from kumoi.services.iam.records import (
    AccountSettings,
    Group,
    Role,
    User,
    groups,
    oidc_providers,
    policies,
    profiles,
    roles,
    saml_providers,
    settings,
    users,
)
from kumoi.services.iam.rules import MAX_TRUST, page
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_QUOTAS = {
    "UsersQuota": 5000,
    "GroupsQuota": 300,
    "RolesQuota": 1000,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "ServerCertificatesQuota": 20,
    "PolicyVersionsInUseQuota": 10_000,
    "SigningCertificatesPerUserQuota": 2,
    "AccessKeysPerUserQuota": 2,
    "GroupsPerUserQuota": MAX_GROUPS,
    "UserPolicySizeQuota": MAX_INLINE["User"],
    "GroupPolicySizeQuota": MAX_INLINE["Group"],
    "RolePolicySizeQuota": MAX_INLINE["Role"],
    "AttachedPoliciesPerGroupQuota": MAX_ATTACHED,
    "AttachedPoliciesPerRoleQuota": MAX_ATTACHED,
    "AttachedPoliciesPerUserQuota": MAX_ATTACHED,
    "PolicySizeQuota": MAX_SIZE,
    "VersionsPerPolicyQuota": MAX_VERSIONS,
    "AssumeRolePolicySizeQuota": MAX_TRUST,
}
_ABSENT = (
    *("ServerCertificates", "MFADevices", "MFADevicesInUse", "AccountMFAEnabled", "AccountAccessKeysPresent"),
    *("AccountSigningCertificatesPresent", "AccountPasswordPresent"),
)
"""What an account of this platform never has."""


@iam.operation
async def get_account_summary(call: Call) -> dict[str, Any]:
    """How much of everything there is, and the quotas (AWS's defaults)."""
    counted = await _counted(call.state)
    return {"SummaryMap": {**counted, **_QUOTAS, **dict.fromkeys(_ABSENT, 0), "GlobalEndpointTokenVersion": 1}}


@iam.operation
async def create_account_alias(call: Call, AccountAlias: str) -> None:
    """Give the account a name of its own; it has one at most, a new one replaces it."""
    await _set_alias(call.state, AccountAlias)


@iam.operation
async def list_account_aliases(call: Call, Marker: str | None = None, MaxItems: int | None = None) -> dict[str, Any]:
    """The account's alias, as a list of at most one."""
    alias = (await _settings(call.state)).alias
    return {"AccountAliases": [] if alias is None else [alias], "IsTruncated": False}


@iam.operation
async def delete_account_alias(call: Call, AccountAlias: str) -> None:
    """Take the alias away."""
    await _delete_alias(call.state, AccountAlias)


@iam.operation
async def update_account_password_policy(
    call: Call,
    MinimumPasswordLength: int = 6,
    RequireSymbols: bool = False,
    RequireNumbers: bool = False,
    RequireUppercaseCharacters: bool = False,
    RequireLowercaseCharacters: bool = False,
    AllowUsersToChangePassword: bool = False,
    MaxPasswordAge: int | None = None,
    PasswordReusePrevention: int | None = None,
    HardExpiry: bool | None = None,
) -> None:
    """Replace the password policy: what is not given takes its default."""
    policy: dict[str, int | bool] = {
        "MinimumPasswordLength": MinimumPasswordLength,
        "RequireSymbols": RequireSymbols,
        "RequireNumbers": RequireNumbers,
        "RequireUppercaseCharacters": RequireUppercaseCharacters,
        "RequireLowercaseCharacters": RequireLowercaseCharacters,
        "AllowUsersToChangePassword": AllowUsersToChangePassword,
        "ExpirePasswords": bool(MaxPasswordAge),
    }
    for name, value in (
        ("MaxPasswordAge", MaxPasswordAge),
        ("PasswordReusePrevention", PasswordReusePrevention),
        ("HardExpiry", HardExpiry),
    ):
        if value is not None:
            policy[name] = value
    await _set_password_policy(call.state, policy)


@iam.operation
async def get_account_password_policy(call: Call) -> dict[str, Any]:
    """The password policy; NoSuchEntity while none was set."""
    policy = await password_policy(call.state)
    if policy is None:
        raise _no_password_policy(call.account)
    return {"PasswordPolicy": policy}


@iam.operation
async def delete_account_password_policy(call: Call) -> None:
    """Go back to having no password policy."""
    if await password_policy(call.state) is None:
        raise _no_password_policy(call.account)
    await _set_password_policy(call.state, None)


@iam.operation
async def get_account_authorization_details(
    call: Call, Filter: list[str] | None = None, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """Users, groups, roles and policies with all that hangs on them, page by page."""
    wanted = set(Filter or ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"))
    entries: list[tuple[str, str, dict[str, Any]]] = []
    everybody = await _everybody(call.state)
    account = call.account
    if "User" in wanted:
        entries += [("UserDetailList", user.name, _user_detail(user, account)) for user in everybody[0]]
    if "Group" in wanted:
        entries += [("GroupDetailList", group.name, _group_detail(group, account)) for group in everybody[1]]
    if "Role" in wanted:
        held = await all_profiles(call.state)
        for role in everybody[2]:
            detail = _role_detail(role, account)
            detail["InstanceProfileList"] = [describe_profile(one, account) for one in held if one[0].role == role.name]
            entries.append(("RoleDetailList", role.name, detail))
    for policy, attached, bounding in await all_policies(call.state):
        kind = "AWSManagedPolicy" if policy.arn.startswith("arn:aws:iam::aws:") else "LocalManagedPolicy"
        if kind in wanted and (kind == "LocalManagedPolicy" or attached):
            entries.append(("Policies", policy.arn, describe_whole(policy, attached, bounding)))
    found, more = page(entries, lambda entry: f"{entry[0]}/{entry[1]}", Marker, MaxItems)
    answer: dict[str, Any] = {
        name: [detail for kind, _, detail in found if kind == name]
        for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    }
    return {**answer, **more}


def _user_detail(user: User, account: str) -> dict[str, Any]:
    return {
        **describe_user(user, account),
        "UserPolicyList": inline_list(user),
        "GroupList": list(user.groups),
        "AttachedManagedPolicies": attached_list(user),
    }


def _group_detail(group: Group, account: str) -> dict[str, Any]:
    return {
        **describe_group(group, account),
        "GroupPolicyList": inline_list(group),
        "AttachedManagedPolicies": attached_list(group),
    }


def _role_detail(role: Role, account: str) -> dict[str, Any]:
    described = describe_role(role, account)
    for member in ("Description", "MaxSessionDuration"):
        del described[member]
    return {**described, "RolePolicyList": inline_list(role), "AttachedManagedPolicies": attached_list(role)}


def _no_password_policy(account: str) -> Exception:
    return aws_error("NoSuchEntity", f"The Password Policy with domain name {account} cannot be found.", status=404)


@transactional
async def _settings(tx: Transaction) -> AccountSettings:
    return await settings.get(tx) or AccountSettings()


@transactional
async def password_policy(tx: Transaction) -> dict[str, int | bool] | None:
    """The account's password policy; None while none was set."""
    return (await _settings(tx)).password_policy


@transactional
async def _set_password_policy(tx: Transaction, policy: dict[str, int | bool] | None) -> None:
    await settings.put(tx, msgspec.structs.replace(await _settings(tx), password_policy=policy))


@transactional
async def _set_alias(tx: Transaction, alias: str) -> None:
    await settings.put(tx, msgspec.structs.replace(await _settings(tx), alias=alias))


@transactional
async def _delete_alias(tx: Transaction, alias: str) -> None:
    found = await _settings(tx)
    if found.alias != alias:
        raise aws_error("NoSuchEntity", f"The account alias with name {alias} cannot be found.", status=404)
    await settings.put(tx, msgspec.structs.replace(found, alias=None))


@transactional
async def _counted(tx: Transaction) -> dict[str, int]:
    own = await policies.list(tx)
    return {
        "Users": len(await users.list(tx)),
        "Groups": len(await groups.list(tx)),
        "Roles": len(await roles.list(tx)),
        "Policies": len(own),
        "PolicyVersionsInUse": sum(len(policy.versions) for policy in own),
        "InstanceProfiles": len(await profiles.list(tx)),
        "Providers": len(await oidc_providers.list(tx)) + len(await saml_providers.list(tx)),
    }


@transactional
async def _everybody(tx: Transaction) -> tuple[list[User], list[Group], list[Role]]:
    return await users.list(tx), await groups.list(tx), await roles.list(tx)
