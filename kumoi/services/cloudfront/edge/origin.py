"""Where responses come from: an origin as a distribution has it, or as a function at origin-request made it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kumoi.services.cloudfront.configuration.reading import items

_BUCKET = re.compile(
    r"(?P<bucket>.+?)\.s3(?:\.dualstack)?(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.(?:amazonaws\.com(?:\.cn)?|localhost)"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin. `control` is its origin access control, `identity` its origin access identity ("" for none)."""

    id: str
    domain: str
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    s3: bool = False
    protocol: str = "https-only"
    http_port: int = 80
    https_port: int = 443
    read_timeout: float = 30.0
    keepalive_timeout: int = 5
    attempts: int = 3
    ssl_protocols: tuple[str, ...] = ("TLSv1", "TLSv1.1", "TLSv1.2")
    control: Mapping[str, Any] | None = None
    identity: str = ""

    @property
    def bucket(self) -> str | None:
        """The bucket that the domain name means."""
        match = _BUCKET.fullmatch(self.domain)
        return match["bucket"] if match else None

    @property
    def region(self) -> str:
        """The region that the domain name tells, us-east-1 where it tells none."""
        match = _BUCKET.fullmatch(self.domain)
        return (match["region"] if match else None) or "us-east-1"

    def scheme(self, viewer: str) -> str:
        """How the origin is asked, for a viewer that came by `viewer`."""
        if self.protocol == "match-viewer":
            return viewer
        return "http" if self.protocol == "http-only" else "https"

    def port(self, scheme: str) -> int:
        """The port of a scheme."""
        return self.https_port if scheme == "https" else self.http_port


@dataclass(frozen=True, slots=True)
class OriginGroup:
    """Two origins: the second is asked where the first answers one of `statuses` or not at all."""

    id: str
    members: tuple[Origin, ...]
    statuses: frozenset[int]


def of_config(given: Mapping[str, Any], control: Mapping[str, Any] | None) -> Origin:
    """An origin of a distribution's configuration."""
    custom = given.get("CustomOriginConfig")
    common: dict[str, Any] = {
        "id": given["Id"],
        "domain": given["DomainName"].lower(),
        "path": given["OriginPath"],
        "headers": tuple((one["HeaderName"], one["HeaderValue"]) for one in items(given["CustomHeaders"])),
        "attempts": given["ConnectionAttempts"],
        "control": control,
    }
    if custom is None:
        identity = (given.get("S3OriginConfig") or {}).get("OriginAccessIdentity") or ""
        return Origin(**common, s3=True, identity=identity.rpartition("/")[2])
    return Origin(
        **common,
        protocol=custom["OriginProtocolPolicy"],
        http_port=custom["HTTPPort"],
        https_port=custom["HTTPSPort"],
        read_timeout=float(custom["OriginReadTimeout"]),
        keepalive_timeout=custom["OriginKeepaliveTimeout"],
        ssl_protocols=tuple(items(custom["OriginSslProtocols"])),
    )
