"""Header fields that programs give answers, and those of requests that they may pass on; pure.

Source: "HTTP helpers in util.http".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kumoi.services.appsync.resolving.outcomes import FieldError

MOST = 4 * 1024
"""Characters of all fields of an answer."""
_NOT_COPIED = frozenset(
    (
        *("transfer-encoding", "connection", "host", "expect", "keep-alive", "upgrade", "proxy-authenticate"),
        *("proxy-authorization", "te", "content-length"),
    )
)
_OURS = ("x-amz", "access-control-", "content-", "transfer-encoding", "connection", "set-cookie")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def copied(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that may go on to another server."""
    return {name: value for name, value in headers.items() if str(name).lower() not in _NOT_COPIED}


def add(fields: dict[str, str], name: str, value: str) -> None:
    """Have an answer carry a field; raises FieldError for one that is AppSync's, or none."""
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower().startswith(_OURS):
        raise FieldError(f"The response header {name[:100]!r} cannot be set.", "MappingTemplate")
    if sum(len(one) + len(held) for one, held in fields.items()) + len(name) + len(value) > MOST:
        raise FieldError(f"The response headers have more than {MOST} characters.", "MappingTemplate")
    fields[name] = value
