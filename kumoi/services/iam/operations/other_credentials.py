"""Credentials of users that Kumoi does not issue: nobody has any, so their lists are empty.

Whoever deletes a user with all that it has (Terraform's `force_destroy`, the console) asks for each kind first.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.iam import iam
from kumoi.services.iam.operations.users import caller_name, find_user


@iam.operation(name="ListSSHPublicKeys")
async def list_ssh_public_keys(
    call: Call, UserName: str | None = None, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """A user's keys for CodeCommit; NoSuchEntity without the user."""
    await _check_user(call, UserName)
    return {"SSHPublicKeys": [], "IsTruncated": False}


@iam.operation
async def list_signing_certificates(
    call: Call, UserName: str | None = None, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """A user's X.509 certificates; NoSuchEntity without the user."""
    await _check_user(call, UserName)
    return {"Certificates": [], "IsTruncated": False}


@iam.operation
async def list_service_specific_credentials(
    call: Call,
    UserName: str | None = None,
    ServiceName: str | None = None,
    AllUsers: bool = False,
    Marker: str | None = None,
    MaxItems: int | None = None,
) -> dict[str, Any]:
    """A user's passwords for single services; NoSuchEntity without the user."""
    if not AllUsers:
        await _check_user(call, UserName)
    return {"ServiceSpecificCredentials": [], "IsTruncated": False}


@iam.operation(name="ListMFADevices")
async def list_mfa_devices(
    call: Call, UserName: str | None = None, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """A user's second factors; NoSuchEntity without the user."""
    await _check_user(call, UserName)
    return {"MFADevices": [], "IsTruncated": False}


@iam.operation(name="ListVirtualMFADevices")
async def list_virtual_mfa_devices(
    call: Call, AssignmentStatus: str = "Any", Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The account's virtual second factors."""
    return {"VirtualMFADevices": [], "IsTruncated": False}


async def _check_user(call: Call, name: str | None) -> None:
    """NoSuchEntity where the user that a call names does not exist; without a name, whoever calls is meant."""
    if name is not None:
        await find_user(call.state, name)
    elif not call.caller.arn.endswith(":root"):
        await find_user(call.state, caller_name(call))
