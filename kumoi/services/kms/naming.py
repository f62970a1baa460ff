"""How requests name keys: by id, ARN, alias name or alias ARN; pure. Source: "Key identifiers (KeyId)"."""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.names import Arn, arn, hex_id, uuid
from kumoi.services.kms.errors import invalid, not_found
from kumoi.wire.errors import aws_error

ALIAS = "alias/"
MANAGED = "alias/aws/"
_KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
_ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]+")


class Named(NamedTuple):
    """A key as a request names it: `key` is its id, or else `alias` its alias; `account` is whose it is."""

    account: str
    region: str
    key: str = ""
    alias: str = ""

    @property
    def arn(self) -> str:
        """The ARN of the key or the alias."""
        return arn("kms", self.region, self.account, f"key/{self.key}" if self.key else self.alias)


def parse_key(key_id: str, account: str, region: str, *, aliases: bool = True) -> Named:
    """What a KeyId means to a caller of an account and region; NotFoundException for what names no key.

    Some operations know no `aliases`.
    """
    resource = key_id
    if key_id.startswith("arn:"):
        try:
            parsed = Arn.parse(key_id)
        except ValueError:
            raise aws_error("InvalidArnException", f"Invalid arn {key_id}") from None
        if parsed.service != "kms":
            raise aws_error("InvalidArnException", f"Invalid arn {key_id}")
        if parsed.region != region:
            raise not_found(f"Invalid arn {parsed.region}")
        account, resource = parsed.account, parsed.resource
        if not resource.startswith(("key/", ALIAS)):
            raise aws_error("InvalidArnException", f"Invalid arn {key_id}")
    if resource.startswith(ALIAS):
        if not aliases:
            raise not_found(f"Invalid keyId '{key_id}'")
        return Named(account, region, alias=resource)
    key = resource.removeprefix("key/")
    if not _KEY_ID.fullmatch(key):
        raise not_found(f"Invalid keyId '{key_id}'")
    return Named(account, region, key)


def check_alias(name: str) -> None:
    """Raise for what cannot be the name of an alias of one's own."""
    if not name.startswith(ALIAS):
        raise invalid("Invalid identifier")
    if not _ALIAS.fullmatch(name):
        raise aws_error("InvalidAliasNameException", f"Alias contains invalid characters: {name}")
    if name.startswith(MANAGED):
        raise aws_error("NotAuthorizedException", f"The prefix {MANAGED} is reserved for AWS managed keys.")


def new_key_id(*, multi_region: bool) -> str:
    """The id of a new key."""
    return f"mrk-{hex_id(32)}" if multi_region else uuid()
