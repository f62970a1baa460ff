"""Names of secrets, and what a SecretId may mean; pure.

A SecretId is a name, an ARN, or an ARN without its random suffix. Source: "Secrets Manager secret name and ARN".
"""

from __future__ import annotations

import re
import secrets
import string
from typing import NamedTuple

from kumoi.names import Arn
from kumoi.services.secretsmanager.errors import no_secret
from kumoi.wire.errors import aws_error

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_SUFFIX = re.compile(r"(.+)-([A-Za-z0-9]{6})", re.DOTALL)
_ALPHANUMERIC = string.ascii_letters + string.digits


class Wanted(NamedTuple):
    """What a SecretId means: a name, with the suffix where the ARN has one; or else the whole as a name."""

    name: str
    suffix: str | None = None
    whole: str | None = None
    account: str | None = None
    region: str | None = None


def check_name(name: str) -> None:
    """Raise ValidationException for what cannot be a secret's name."""
    if not _NAME.fullmatch(name):
        raise aws_error(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )


def parse_id(secret_id: str) -> Wanted:
    """Read a SecretId; ResourceNotFoundException for the ARN of something else."""
    if not secret_id.startswith("arn:"):
        return Wanted(secret_id)
    try:
        arn = Arn.parse(secret_id)
    except ValueError:
        raise no_secret() from None
    kind, _, name = arn.resource.partition(":")
    if arn.service != "secretsmanager" or kind != "secret" or not name:
        raise no_secret()
    match = _SUFFIX.fullmatch(name)
    if match is None:
        return Wanted(name, account=arn.account, region=arn.region)
    return Wanted(match[1], match[2], name, arn.account, arn.region)


def new_suffix() -> str:
    """The six random characters that end an ARN."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(6))
