"""The header fields of a Lambda@Edge function's answer, and the error of an answer that breaks a rule; pure.

Source: "Restrictions on edge functions" of the guide, and the log lines of the service. A field that is only copied is
fine: values are compared, not presence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kumoi.services.cloudfront.edge.messages import every
from kumoi.services.cloudfront.functions.event import disallowed
from kumoi.services.cloudfront.lambda_edge.headers import READ_ONLY
from kumoi.wire.http import HeaderList

FAILED = "The Lambda function result failed validation: "
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Invalid(ValueError):
    """A rule is broken. `page` is what the viewer reads, the text what the log says, `header` the one at fault."""

    def __init__(self, text: str, page: str = "", header: str = "") -> None:
        super().__init__(text)
        self.page = page or f"{FAILED}{text[:1].upper()}{text[1:]}"
        self.header = header


def read_fields(given: Any, before: HeaderList, event: str, *, generated: bool = False) -> HeaderList:
    """The header fields of an answer, with those that the function did not see."""
    if not isinstance(given, Mapping):
        raise Invalid("the function returned headers that are no object")
    found: HeaderList = []
    for name, entries in given.items():
        lower = name.lower()
        if not isinstance(entries, list):
            raise Invalid(
                f"the function returned the header {name} as {type(entries).__name__}:"
                " it must be a list of objects with key and value",
                header=name,
            )
        if not _TOKEN.fullmatch(name):
            raise Invalid(f"the function returned an invalid header, headerName : {name}.", header=name)
        if disallowed(lower):
            raise Invalid(
                f"the function tried to add, delete, or change a disallowed header, headerName : {name}.", header=name
            )
        for entry in entries:
            found.append(read_field(name, entry))
    seen = [one for one in before if not disallowed(one[0].lower())]
    for name in READ_ONLY[event]:
        was, now = every(seen, name), every(found, name)
        if was != now and not (generated and name not in ("transfer-encoding", "via")):
            act = "delete" if not now else "add" if not was else "change"
            raise Invalid(
                f"the function tried to {act} read-only header, headerName : {_titled(name)}.",
                f"{FAILED}The function tried to add, delete, or change a read-only header.",
                _titled(name),
            )
    return [*found, *(one for one in before if disallowed(one[0].lower()))]


def read_field(name: str, entry: Any) -> tuple[str, str]:
    """One field of an answer: its name as the function spells it, and its value; raises Invalid."""
    value = entry.get("value") if isinstance(entry, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid(f"the function returned a header without a value, headerName : {name}.", header=name)
    key = entry.get("key") or _titled(name)
    if not isinstance(key, str) or key.lower() != name.lower():
        raise Invalid(
            f"the function returned a header whose key {key!r} is not its name, headerName : {name}.", header=name
        )
    text = str(value)
    if bad := _BAD_VALUE.search(text):
        code = f"%{ord(bad[0]):02X}"
        raise Invalid(
            f"the function returned an invalid header, invalid character : '{code}' in header value,"
            f" headerName : {_titled(name)}.",
            header=_titled(name),
        )
    return key, text.encode("utf-8").decode("latin-1")


def _titled(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
