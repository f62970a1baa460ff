"""AWS's scalars: which texts each takes, in and out. Source: "Scalar types in GraphQL" of the developer guide."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date, time
from typing import Any
from urllib.parse import urlsplit

import orjson

_OFFSET = r"(?:Z|[+-]\d{2}:\d{2}(?::\d{2})?)"
_TIME = r"(?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)"
_AWS_DATE = re.compile(rf"(?P<date>\d{{4}}-\d{{2}}-\d{{2}}){_OFFSET}?")
_AWS_TIME = re.compile(rf"{_TIME}{_OFFSET}?")
_AWS_DATE_TIME = re.compile(rf"(?P<date>\d{{4}}-\d{{2}}-\d{{2}})T{_TIME}{_OFFSET}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{2,30}[0-9]")


def _moment(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        match = pattern.fullmatch(text)
        if match is None:
            return False
        parts = match.groupdict()
        try:
            if "date" in parts:
                date.fromisoformat(parts["date"])
            if "time" in parts:
                time.fromisoformat(parts["time"].partition(".")[0])
        except ValueError:
            return False
        return True

    return holds


def _url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


def _address(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


def _timestamp(value: Any) -> bool:
    """Whether it is a whole number of 64 bits: clients store milliseconds, too."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


TEXTS: dict[str, Callable[[str], bool]] = {
    "AWSDate": _moment(_AWS_DATE),
    "AWSTime": _moment(_AWS_TIME),
    "AWSDateTime": _moment(_AWS_DATE_TIME),
    "AWSEmail": lambda text: _EMAIL.fullmatch(text) is not None,
    "AWSURL": _url,
    "AWSPhone": lambda text: _PHONE.fullmatch(text) is not None,
    "AWSIPAddress": _address,
}
NAMES = (*TEXTS, "AWSTimestamp", "AWSJSON")


def read(name: str, value: Any) -> Any:
    """A value that a client gave; raises ValueError."""
    if name == "AWSTimestamp":
        if _timestamp(value):
            return value
    elif name == "AWSJSON":
        if isinstance(value, str):
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                pass
    elif isinstance(value, str) and TEXTS[name](value):
        return value
    raise ValueError(f"Unable to parse `{value}` as a valid {name.removeprefix('AWS')}.")


def written(name: str, value: Any) -> Any:
    """A value that a resolver gave, as the client gets it; raises ValueError."""
    if name == "AWSJSON":
        return orjson.dumps(value).decode()
    if name == "AWSTimestamp":
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            value = int(value)
        if _timestamp(value):
            return value
    elif isinstance(value, str) and TEXTS[name](value):
        return value
    raise ValueError(f"Unable to serialize `{value}` as a valid {name.removeprefix('AWS')} Object.")
