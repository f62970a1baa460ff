"""Ids, ARNs and addresses of APIs, and pages of lists."""

from __future__ import annotations

import base64
import binascii
import secrets
import string
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kumoi.doorway import Call
from kumoi.local_names import resolves_localhost
from kumoi.services.appsync.errors import bad_request

ItemT = TypeVar("ItemT")
CUSTOM_ID = "_custom_id_"
"""The tag that fixes the id of a new API."""
PAGE = 25
_ALPHABET = string.ascii_lowercase + string.digits


def new_id() -> str:
    """26 lower-case letters and digits, a letter first: ids of functions are names."""
    return secrets.choice(string.ascii_lowercase) + "".join(secrets.choice(_ALPHABET) for _ in range(25))


def usable_id(text: str) -> bool:
    """Whether an API may have this id."""
    return 0 < len(text) <= 32 and all(character in _ALPHABET for character in text)


def api_arn(call: Call, api: str, rest: str = "") -> str:
    """An API's ARN, or that of one of its parts."""
    return call.arn("appsync", f"apis/{api}{'/' if rest else ''}{rest}")


def addresses(endpoint: str, region: str, api: str) -> dict[str, dict[str, str]]:
    """`uris` and `dns` of an API: by host name where that resolves on this machine, else by path."""
    parts = urlsplit(endpoint)
    sockets = "wss" if parts.scheme == "https" else "ws"
    hosts = {
        "GRAPHQL": f"{api}.appsync-api.{region}.localhost",
        "REALTIME": f"{api}.appsync-realtime-api.{region}.localhost",
    }
    if resolves_localhost():
        uris = {
            "GRAPHQL": f"{parts.scheme}://{hosts['GRAPHQL']}:{parts.port}/graphql",
            "REALTIME": f"{sockets}://{hosts['REALTIME']}:{parts.port}/graphql",
        }
    else:
        uris = {
            "GRAPHQL": f"{parts.scheme}://{parts.netloc}/_kumoi/appsync-api/{api}/graphql",
            "REALTIME": f"{sockets}://{parts.netloc}/_kumoi/appsync-realtime/{api}/graphql",
        }
    return {"uris": uris, "dns": hosts}


def page(
    items: Sequence[ItemT], key: Callable[[ItemT], str], token: str | None, limit: int | None
) -> tuple[Sequence[ItemT], dict[str, Any]]:
    """One page of items in the order of their keys, and the nextToken member where more follow."""
    ordered = sorted(items, key=key)
    if token is not None:
        try:
            after = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise bad_request("Invalid nextToken.") from None
        ordered = [item for item in ordered if key(item) > after]
    found = ordered[: limit or PAGE]
    more = {} if len(found) == len(ordered) else {"nextToken": base64.b64encode(key(found[-1]).encode()).decode()}
    return found, more
