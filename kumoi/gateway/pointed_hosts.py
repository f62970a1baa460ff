"""What a host name means whose DNS records lead to a name of the platform; pure.

A load balancer answers whatever host it is asked as. S3 takes the host for a bucket's name, CloudFront, API Gateway and
the others answer the names that were given to them alone, and refuse the rest themselves. Sources: "Routing traffic to
your AWS resources" of Route 53's guide, "Virtual hosting of general purpose buckets" of S3's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kumoi.gateway.hosts import HostName, read_host
from kumoi.gateway.target import Target

_BY_NAME = {"cloudfront-edge": "alias", "execute-api": "domain"}
"""Planes that find what is meant by the name, and the attribute that has it."""


def pointed_to(name: str, end: str, domains: Iterable[str], endpoints: Mapping[str, str]) -> HostName | None:
    """What `name` means, whose records end at `end`; None where that is no data plane."""
    domains = tuple(domains)
    said = read_host(end, domains, endpoints)
    website = read_host(f"bucket.{end}", domains, endpoints) if said.plane is None else said
    if website.plane == "s3-website":
        return HostName("s3-website", region=website.region, attributes={"bucket": name, "host": name})
    if said.service == "s3":
        return HostName(service="s3", region=said.region, attributes={"bucket": name, "host": name})
    if said.plane == "elb":
        return said
    attribute = _BY_NAME.get(said.plane or "")
    if attribute is not None:
        return HostName(said.plane, region=said.region, attributes={attribute: name, "host": name})
    return None


def pointed_to_claim(claim: Target, name: str) -> Target:
    """What `name` means, whose records end at a name that somebody has claimed: their plane, asked by another name."""
    attribute = _BY_NAME.get(claim.service)
    if attribute is None:
        return claim
    return Target("data-plane", claim.service, claim.region, attributes={attribute: name, "host": name})
