"""Which permissions IAM's calls need: on the user, role, group, policy or provider that they name.

Source: "Actions, resources, and condition keys for AWS Identity and Access Management" of the service authorization
reference. Users and roles with a path are asked about without it, as calls name them (docs/iam.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role
from kumoi.names import arn

_NAMED = (
    ("PolicyArn", ""),
    ("OpenIDConnectProviderArn", ""),
    ("SAMLProviderArn", ""),
    ("PolicySourceArn", ""),
    ("InstanceProfileName", "instance-profile"),
    ("RoleName", "role"),
    ("UserName", "user"),
    ("GroupName", "group"),
)
_HOLDERS = ("RoleName", "UserName", "GroupName")
_OF_THE_CALLER = frozenset(
    (
        *("ChangePassword", "ListMFADevices", "ListServiceSpecificCredentials", "ListSigningCertificates"),
        "ListSSHPublicKeys",
    )
)


def resource(call: Call) -> str:
    """What a call names; the caller itself where an operation on users names none."""
    params = call.params
    members = _NAMED if params.keys().isdisjoint(_HOLDERS) else _NAMED[4:]
    for member, kind in members:
        value = params.get(member)
        if isinstance(value, str):
            return value if not kind else _arn(call, f"{kind}{params.get('Path', '/')}{value}")
    if "PolicyName" in params:
        return _arn(call, f"policy{params.get('Path', '/')}{params['PolicyName']}")
    if "Url" in params:
        return _arn(call, f"oidc-provider/{str(params['Url']).partition('://')[2].rstrip('/')}")
    if call.operation == "CreateSAMLProvider":
        return _arn(call, f"saml-provider/{params.get('Name', '')}")
    if "User" in call.operation or "AccessKey" in call.operation or call.operation in _OF_THE_CALLER:
        return call.caller.arn
    return EVERYTHING


def member_of_group(call: Call) -> str:
    """The group, for operations that name a user beside it."""
    return _arn(call, f"group/{call.params.get('GroupName', '')}")


def instance_profile(call: Call) -> Iterator[Ask]:
    """The instance profile, and the role it is handed."""
    yield Ask(
        AUTHORIZATION.action(call.operation),
        _arn(call, f"instance-profile/{call.params.get('InstanceProfileName', '')}"),
    )
    role = _arn(call, f"role/{call.params.get('RoleName', '')}")
    yield from pass_role(call, role, "ec2.amazonaws.com")


def context(call: Call) -> dict[str, Sequence[str]]:
    """IAM's own condition keys."""
    params = call.params
    members = (
        ("PolicyArn", "iam:policyarn"),
        ("PermissionsBoundary", "iam:permissionsboundary"),
        ("AWSServiceName", "iam:awsservicename"),
    )
    return {key: (str(params[member]),) for member, key in members if member in params}


def _arn(call: Call, named: str) -> str:
    return arn("iam", "", call.account, named)


AUTHORIZATION = Authorization(
    "iam",
    resource=resource,
    resources={
        "AddUserToGroup": member_of_group,
        "RemoveUserFromGroup": member_of_group,
        **dict.fromkeys(
            (
                *("ListUsers", "ListRoles", "ListGroups", "ListPolicies", "ListInstanceProfiles", "ListAccountAliases"),
                *("ListOpenIDConnectProviders", "ListSAMLProviders", "SimulateCustomPolicy"),
                *("GetContextKeysForCustomPolicy", "GetServiceLinkedRoleDeletionStatus", "ListVirtualMFADevices"),
            ),
            everything,
        ),
    },
    asks={"AddRoleToInstanceProfile": instance_profile},
    context=context,
    error="AccessDenied",
)
