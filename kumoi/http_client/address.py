"""What a URL says of whom to ask, and for what: the target stays as it was written, byte for byte.

Only what no request line can hold (spaces, control characters, other scripts) is percent-encoded.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

_METADATA = ipaddress.ip_address("fd00:ec2::254")
_PORTS = {"http": 80, "https": 443}
_UNWRITABLE = re.compile(r"[^\x21-\x7e]")


class Address(NamedTuple):
    """Where a request goes; `authority` is what Host says."""

    scheme: str
    host: str
    port: int
    authority: str
    target: str


@lru_cache(256)
def address_of(url: str) -> Address:
    """Read a URL; ValueError for what is no HTTP URL."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url} is no HTTP URL")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    named = f"[{host}]" if ":" in host else host
    authority = named if port == _PORTS[parts.scheme] else f"{named}:{port}"
    behind = re.search(r"[/?#]", rest := url.partition("://")[2])
    target = (rest[behind.start() :] if behind else "").partition("#")[0]
    target = _UNWRITABLE.sub(_encoded, target if target.startswith("/") else f"/{target}")
    return Address(parts.scheme, host, port, authority, target)


def is_metadata(address: str) -> bool:
    """Whether an address is link-local, or AWS's of a machine's metadata in IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_link_local or found == _METADATA


def _encoded(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))
