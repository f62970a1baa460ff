"""Passwords of users. There is no console to sign in to: they are checked against the account's policy and kept hashed,
so that ChangePassword can tell a wrong old password."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.iam import iam
from kumoi.services.iam.operations.account import password_policy
from kumoi.services.iam.operations.users import caller_name, change_user, find_user
from kumoi.services.iam.records import LoginProfile, User
from kumoi.services.iam.rules import moment
from kumoi.state import Transaction
from kumoi.wire.errors import AwsError, aws_error

_SYMBOLS = frozenset("!@#$%^&*()_+-=[]{}|'")


@iam.operation
async def create_login_profile(
    call: Call, UserName: str | None = None, Password: str | None = None, PasswordResetRequired: bool = False
) -> dict[str, Any]:
    """Give a user a password."""
    name = UserName or caller_name(call)
    if Password is None:
        raise aws_error("ValidationError", "Value at 'password' failed to satisfy constraint: Member must not be null")
    login = await _login(call, Password, PasswordResetRequired)

    async def change(_tx: Transaction, user: User) -> User:
        if user.login is not None:
            raise aws_error("EntityAlreadyExists", f"Login Profile for user {name} already exists.", status=409)
        return msgspec.structs.replace(user, login=login)

    await change_user(call.state, name, change)
    return {"LoginProfile": _describe(name, login)}


@iam.operation
async def get_login_profile(call: Call, UserName: str | None = None) -> dict[str, Any]:
    """Since when a user has a password, and whether it has to be changed."""
    user = await find_user(call.state, UserName or caller_name(call))
    return {"LoginProfile": _describe(user.name, _login_of(user))}


@iam.operation
async def update_login_profile(
    call: Call, UserName: str, Password: str | None = None, PasswordResetRequired: bool | None = None
) -> None:
    """Replace a user's password, or say that it has to be changed."""
    fresh = None if Password is None else await _login(call, Password, reset=False)

    async def change(_tx: Transaction, user: User) -> User:
        had = _login_of(user)
        login = had if fresh is None else msgspec.structs.replace(fresh, created=had.created)
        reset = had.reset_required if PasswordResetRequired is None else PasswordResetRequired
        return msgspec.structs.replace(user, login=msgspec.structs.replace(login, reset_required=reset))

    await change_user(call.state, UserName, change)


@iam.operation
async def delete_login_profile(call: Call, UserName: str | None = None) -> None:
    """Take a user's password away."""

    async def change(_tx: Transaction, user: User) -> User:
        _login_of(user)
        return msgspec.structs.replace(user, login=None)

    await change_user(call.state, UserName or caller_name(call), change)


@iam.operation
async def change_password(call: Call, OldPassword: str, NewPassword: str) -> None:
    """Change the caller's own password."""
    if ":user/" not in call.caller.arn:
        raise aws_error("InvalidUserType", "Only IAM Users can change their own password", status=400)
    name = caller_name(call)
    login = _login_of(await find_user(call.state, name))
    if not hmac.compare_digest(await asyncio.to_thread(_digest, OldPassword, login.salt), login.digest):
        raise aws_error("AccessDenied", "The old password was incorrect.")
    fresh = await _login(call, NewPassword, reset=False)

    async def change(_tx: Transaction, user: User) -> User:
        return msgspec.structs.replace(user, login=fresh)

    await change_user(call.state, name, change)


async def _login(call: Call, password: str, reset: bool) -> LoginProfile:
    check_password(password, await password_policy(call.state) or {})
    salt = os.urandom(16)
    return LoginProfile(call.now, salt, await asyncio.to_thread(_digest, password, salt), reset)


def check_password(password: str, policy: dict[str, int | bool]) -> None:
    """Raise PasswordPolicyViolation for a password that the account's policy does not take."""
    least = policy.get("MinimumPasswordLength", 8)
    rules = (
        (len(password) >= least, f"Password should have a minimum length of {least}"),
        (
            not policy.get("RequireUppercaseCharacters") or any(c.isupper() for c in password),
            "Password should have at least one uppercase letter",
        ),
        (
            not policy.get("RequireLowercaseCharacters") or any(c.islower() for c in password),
            "Password should have at least one lowercase letter",
        ),
        (
            not policy.get("RequireNumbers") or any(c.isdigit() for c in password),
            "Password should have at least one number",
        ),
        (
            not policy.get("RequireSymbols") or not _SYMBOLS.isdisjoint(password),
            "Password should have at least one symbol",
        ),
    )
    for holds, message in rules:
        if not holds:
            raise aws_error("PasswordPolicyViolation", message, status=400)


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1)


def _login_of(user: User) -> LoginProfile:
    if user.login is None:
        raise _no_login(user.name)
    return user.login


def _no_login(name: str) -> AwsError:
    return aws_error("NoSuchEntity", f"Login Profile for User {name} cannot be found.", status=404)


def _describe(name: str, login: LoginProfile) -> dict[str, Any]:
    return {
        "UserName": name,
        "CreateDate": moment(login.created),
        "PasswordResetRequired": login.reset_required,
    }
