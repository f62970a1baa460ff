"""What a pool demands of passwords, attributes and names: pure rules.

Source: "Adding user pool password requirements" and "Working with user attributes" of the developer guide.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterable, Mapping
from typing import Any

from kumoi.services.cognito_idp.errors import invalid, not_authorized
from kumoi.services.cognito_idp.records import Client, Pool, User
from kumoi.wire.errors import AwsError, aws_error

SYMBOLS = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- "
STANDARD = (
    *("address", "birthdate", "email", "email_verified", "family_name", "gender", "given_name", "locale"),
    *("middle_name", "name", "nickname", "phone_number", "phone_number_verified", "picture", "preferred_username"),
    *("profile", "sub", "updated_at", "website", "zoneinfo"),
)
NEEDS_VERIFYING = {"email": "email_verified", "phone_number": "phone_number_verified"}
"""Attributes that a code proves, and where it is noted that it did."""
_DEFAULT_POLICY = {
    "MinimumLength": 8,
    "RequireUppercase": True,
    "RequireLowercase": True,
    "RequireNumbers": True,
    "RequireSymbols": True,
    "TemporaryPasswordValidityDays": 7,
}
_RULES = (
    ("RequireUppercase", string.ascii_uppercase, "uppercase characters"),
    ("RequireLowercase", string.ascii_lowercase, "lowercase characters"),
    ("RequireNumbers", string.digits, "numeric characters"),
    ("RequireSymbols", SYMBOLS, "symbol characters"),
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+[0-9]{1,15}")


def password_policy(pool: Pool) -> dict[str, Any]:
    """A pool's password policy: Cognito's own where none was given."""
    given = (pool.definition.get("Policies") or {}).get("PasswordPolicy")
    if given is None:
        return dict(_DEFAULT_POLICY)
    off = {name: False for name, _, _ in _RULES}
    return {"MinimumLength": 6, **off, "TemporaryPasswordValidityDays": 7, **given}


def first_factors(pool: Pool) -> list[str]:
    """What a pool lets its users sign in with first."""
    policy = (pool.definition.get("Policies") or {}).get("SignInPolicy") or {}
    return list(policy.get("AllowedFirstAuthFactors") or ("PASSWORD",))


def check_password(pool: Pool, password: str) -> None:
    """Raise InvalidPasswordException for one that the policy does not take."""
    policy = password_policy(pool)
    if len(password) < policy["MinimumLength"]:
        raise _bad_password("Password not long enough")
    if password != password.strip():
        raise _bad_password("Password must not begin or end with spaces")
    for member, characters, words in _RULES:
        if policy.get(member) and not set(password) & set(characters):
            raise _bad_password(f"Password must have {words}")


def _bad_password(text: str) -> AwsError:
    return aws_error("InvalidPasswordException", f"Password did not conform with policy: {text}")


def temporary_password(pool: Pool) -> str:
    """A password that the policy takes."""
    chosen = [secrets.choice(characters.strip()) for _, characters, _ in _RULES]
    alphabet = string.ascii_letters + string.digits
    chosen += [secrets.choice(alphabet) for _ in range(max(password_policy(pool)["MinimumLength"], 10) - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def attributes_of(pool: Pool, given: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Attributes by name; InvalidParameterException for those that the pool's schema does not know or take."""
    known = {*STANDARD, *custom_attributes(pool)}
    found: dict[str, str] = {}
    for one in given or ():
        name, value = one["Name"], one.get("Value", "")
        if name not in known:
            raise invalid(
                f"Attributes did not conform to the schema: Type for attribute {{{name}}} could not be determined"
            )
        if name == "sub":
            raise invalid("Cannot modify the non-mutable attribute sub")
        if name == "email" and value and not _EMAIL.fullmatch(value):
            raise invalid("Invalid email address format.")
        if name == "phone_number" and value and not _PHONE.fullmatch(value):
            raise invalid("Invalid phone number format.")
        found[name] = value
    return found


def own_attributes(pool: Pool, client: Client | None, given: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Attributes that users give themselves; NotAuthorizedException for those that are not theirs to write."""
    found = attributes_of(pool, given)
    check_own(client, found)
    return found


def check_own(client: Client | None, names: Iterable[str]) -> None:
    """Raise NotAuthorizedException for attributes that users may not write.

    These are what was verified, the developer's own, and whatever their client has no WriteAttributes for.
    """
    allowed = None if client is None else client.definition.get("WriteAttributes")
    for name in names:
        if name in NEEDS_VERIFYING.values() or name.startswith("dev:") or (allowed and name not in allowed):
            raise not_authorized(f"A client attempted to write unauthorized attribute {name}")


def readable(client: Client | None, attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes that a client may read: all where it has no ReadAttributes."""
    allowed = None if client is None else client.definition.get("ReadAttributes")
    return {name: value for name, value in attributes.items() if not allowed or name in allowed}


def custom_attributes(pool: Pool) -> list[str]:
    """The names of a pool's own attributes."""
    names = []
    for one in pool.definition.get("Schema") or ():
        name = one.get("Name", "")
        if name not in STANDARD:
            plain = name.removeprefix("custom:").removeprefix("dev:")
            names.append(f"dev:custom:{plain}" if one.get("DeveloperOnlyAttribute") else f"custom:{plain}")
    return names


def check_required(pool: Pool, attributes: Mapping[str, str]) -> None:
    """Raise InvalidParameterException where an attribute that the schema requires is missing."""
    for name in missing(pool, attributes):
        raise invalid(f"Attributes did not conform to the schema: {name}: The attribute {name} is required")


def missing(pool: Pool, attributes: Mapping[str, str]) -> list[str]:
    """The attributes that the schema requires and that are not there."""
    required = [one.get("Name", "") for one in pool.definition.get("Schema") or () if one.get("Required")]
    return [name for name in required if name in STANDARD and name != "sub" and not attributes.get(name)]


def to_verify(pool: Pool, user: User) -> str | None:
    """Where the code of a sign-up goes: the address of the user's that the pool verifies, `email` first."""
    automatic = pool.definition.get("AutoVerifiedAttributes") or ()
    return next((name for name in NEEDS_VERIFYING if name in automatic and user.attributes.get(name)), None)


def verified_address(user: User) -> str | None:
    """Which address of a user's was verified, `email` first."""
    return next((name for name, flag in NEEDS_VERIFYING.items() if user.attributes.get(flag) == "true"), None)


def masked(destination: str) -> str:
    """An address as it is shown to whoever asked for a code."""
    name, at, domain = destination.partition("@")
    if at:
        return f"{name[:1]}***@{domain[:1]}***"
    return f"+*******{destination[-4:]}"
