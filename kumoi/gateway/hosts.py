"""What a host name says about a request: a data plane, a service's endpoint, a bucket, a region.

In: the Host header. Out: a `HostName`. The rules are tables of patterns for what stands before a base domain
(`localhost`, `amazonaws.com`, …). Sources: the endpoint formats of each service's developer guide, and "Methods for
accessing a bucket" of S3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

BASE_DOMAINS = ("localhost", "localhost.localstack.cloud", "amazonaws.com", "amazonaws.com.cn", "on.aws", "api.aws")

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".cloudfront.net", ".amazoncognito.com")
"""What AWS's own names end with."""
_FOREIGN = (".cloudfront.net", ".amazoncognito.com")
"""Names that do not stand below a base domain; their last label counts as one."""
_NOT_OURS = (*AWS_DOMAINS, ".on.aws", ".api.aws")
"""What names end with that no bucket stands before but in S3's own forms."""

_PLAIN = {"http": "http", "https": "http", "ws": "ws", "wss": "ws"}
"""Schemes, and what they are without TLS."""

_REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}"
_REGION_LABEL = re.compile(_REGION)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class HostName(NamedTuple):
    """What was read: the name of a data plane, or of a service, or neither; `attributes` go into the target.

    `bucket` is what stands before a domain that is not AWS's, where S3 may take it for a bucket: many SDKs put the
    bucket before the endpoint they are given.
    """

    plane: str | None = None
    service: str | None = None
    region: str | None = None
    attributes: Mapping[str, str] = {}
    bucket: str | None = None


_PLANES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (plane, re.compile(pattern))
    for plane, pattern in (
        ("execute-api", rf"(?P<id>[a-z0-9-]+)\.execute-api(?:\.(?P<region>{_REGION}))?"),
        ("lambda-url", rf"(?P<id>[a-z0-9]{{1,64}})\.lambda-url\.(?P<region>{_REGION})"),
        ("appsync-api", rf"(?P<id>[a-z0-9]+)\.appsync-api\.(?P<region>{_REGION})"),
        ("appsync-realtime", rf"(?P<id>[a-z0-9]+)\.appsync-realtime-api\.(?P<region>{_REGION})"),
        ("cloudfront-edge", r"(?P<id>[a-z0-9]+)\.cloudfront"),
        ("s3-website", rf"(?P<bucket>.+)\.s3-website(?:[.-](?P<region>{_REGION}))?"),
        ("elb", rf"(?:dualstack\.)?(?P<id>[a-z0-9-]+)\.(?P<region>{_REGION})\.elb"),
        ("cognito-hosted-ui", rf"(?P<id>[a-z0-9-]+)\.auth\.(?P<region>{_REGION})(?:\.amazoncognito)?"),
        ("iot-credentials", rf"(?P<id>[a-z0-9]+)\.credentials\.iot\.(?P<region>{_REGION})"),
    )
)

_SERVICES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (service, re.compile(pattern))
    for service, pattern in (
        ("iot-data", rf"(?P<id>[a-z0-9]+(?:-ats)?)\.iot\.(?P<region>{_REGION})"),
        (
            "s3",
            # The bucket may hold dots, even `.s3.`: the match is greedy, so the last one counts.
            rf"(?:(?P<bucket>.+)\.)?(?:s3|s3-accesspoint|s3-accelerate|s3express-[a-z0-9-]+)(?:\.dualstack)?"
            rf"(?:[.-](?P<region>{_REGION}))?",
        ),
    )
)

_ALIASES = {"ddb": "dynamodb", "queue": "sqs", "data.iot": "iot-data"}
"""Endpoint prefixes beside the models': account-based DynamoDB, SQS's first, IoT's without ATS."""


def read_host(host: str, domains: Iterable[str], endpoints: Mapping[str, str]) -> HostName:
    """Read a Host header. `domains` are base domains; `endpoints` gives services by their endpoint prefix."""
    label = _label(bare_host(host), domains)
    if label is None:
        return HostName()
    for plane, pattern in _PLANES:
        if match := pattern.fullmatch(label):
            return _said(match, host)._replace(plane=plane)
    for service, pattern in _SERVICES:
        if match := pattern.fullmatch(label):
            return _said(match, host)._replace(service=service)
    region, bucket = _region(label), None
    if _BUCKET.fullmatch(label) and not bare_host(host).endswith(_NOT_OURS):
        if region == label:
            region = None  # a name like `my-bucket-1`
        bucket = label if region is None else None
    return HostName(service=_endpoint(label, endpoints), region=region, bucket=bucket)


def local_address(address: str, base: str) -> str:
    """The address under which this machine reaches what AWS's `address` names; any other address as it is.

    `base` is the platform's URL. Browsers and curl take every name below `localhost` for this machine.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    host = bare_host(parts.netloc)
    if parts.scheme not in _PLAIN or not host.endswith((*AWS_DOMAINS, ".on.aws")):
        return address
    said, label = read_host(host, BASE_DOMAINS, {}), _label(host, BASE_DOMAINS)
    if said.plane is None and "bucket" not in said.attributes:
        return address
    platform = urlsplit(base)
    scheme = _PLAIN[parts.scheme] if platform.scheme == "http" else parts.scheme
    port = "" if platform.port is None else f":{platform.port}"
    return urlunsplit((scheme, f"{label}.localhost{port}", *parts[2:]))


def _said(match: re.Match[str], host: str) -> HostName:
    """The region and the attributes of a match."""
    attributes = {name: value for name, value in match.groupdict().items() if value is not None}
    region = attributes.pop("region", None)
    if attributes:
        attributes["host"] = bare_host(host)
    return HostName(region=region, attributes=attributes)


def _endpoint(label: str, endpoints: Mapping[str, str]) -> str | None:
    """The service whose endpoint prefix the labels end with, regions and `-fips` left out; the longest counts."""
    labels = [part.removesuffix("-fips") for part in label.split(".") if not _REGION_LABEL.fullmatch(part)]
    for start in range(len(labels)):
        prefix = ".".join(labels[start:])
        found = endpoints.get(prefix) or _ALIASES.get(prefix)
        if found is not None:
            return found
    return None


def _region(label: str) -> str | None:
    return next((part for part in label.split(".") if _REGION_LABEL.fullmatch(part)), None)


def _label(host: str, domains: Iterable[str]) -> str | None:
    """What stands before the base domain; None for a base domain itself, an address or an unknown name."""
    for domain in sorted(domains, key=len, reverse=True):
        if host == domain:
            return None
        if host.endswith(f".{domain}"):
            return host[: -len(domain) - 1] or None
    if host.endswith(_FOREIGN):
        return host.rpartition(".")[0]
    return None


def bare_host(host: str) -> str:
    """A host name in lower case, without port and trailing dot."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and "[" not in port:
        host = name
    return host.lower().rstrip(".")
