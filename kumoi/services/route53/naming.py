"""Route 53's names: ids, ARNs, name servers, and ids as requests give them."""

from __future__ import annotations

import secrets
import string

from kumoi.names import arn

HOME = "us-east-1"
"""The region that requests to Route 53 are signed for."""

_UPPER = string.ascii_uppercase + string.digits
_SERVERS = ((0, "com"), (512, "net"), (1024, "org"), (1536, "co.uk"))
PRIVATE_SERVERS = tuple(f"ns-{base}.awsdns-00.{domain}" for base, domain in _SERVERS)


def new_zone_id() -> str:
    """The id of a hosted zone."""
    return _new("Z0", 19)


def new_change_id() -> str:
    """The id of a change."""
    return _new("C0", 19)


def new_delegation_set_id() -> str:
    """The id of a reusable delegation set."""
    return _new("N0", 19)


def _new(prefix: str, digits: int) -> str:
    return prefix + "".join(secrets.choice(_UPPER) for _ in range(digits))


def new_servers() -> tuple[str, ...]:
    """Four name servers, below four top-level domains."""
    chosen = ((base + secrets.randbelow(512), secrets.randbelow(64), domain) for base, domain in _SERVERS)
    return tuple(f"ns-{number}.awsdns-{group:02}.{domain}" for number, group, domain in chosen)


def bare(given: str) -> str:
    """An id without what it is of: `/hostedzone/Z1` is `Z1`."""
    return given.rpartition("/")[2]


def route53_arn(resource: str) -> str:
    """The ARN of a thing of Route 53's."""
    return arn("route53", "", "", resource)


def location(path: str) -> str:
    """The Location of what was created."""
    return f"https://route53.amazonaws.com/2013-04-01/{path}"
