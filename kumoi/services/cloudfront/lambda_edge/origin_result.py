"""The origin that a Lambda@Edge function chose at origin-request; pure.

Source: the origin's fields in "Lambda@Edge event structure" of the guide.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from kumoi.services.cloudfront.edge.messages import first
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.lambda_edge.fields import Invalid, read_field
from kumoi.wire.http import HeaderList

_SSL = frozenset(("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"))
_LOCAL = re.compile(r"localhost|.+\.localhost|127\.\d+\.\d+\.\d+")


def read_origin(given: Any, before: Origin, headers: HeaderList) -> Origin:
    """The origin that a function chose; exactly one of s3 and custom."""
    if not isinstance(given, Mapping) or len(kinds := [kind for kind in ("s3", "custom") if given.get(kind)]) != 1:
        raise Invalid("the function returned an origin that is not exactly one of s3 and custom")
    kind, settings = kinds[0], given[kinds[0]]
    if not isinstance(settings, Mapping):
        raise Invalid(f"the function returned an origin whose {kind} is no object")
    domain, path = settings.get("domainName"), settings.get("path", "")
    if not isinstance(domain, str) or not domain or len(domain) > 253 or re.search(r"[:/\s]", domain):
        raise Invalid("the function returned an origin with an invalid domainName")
    if re.fullmatch(r"[\d.]+", domain) and not _LOCAL.fullmatch(domain):
        raise Invalid("the function returned an origin whose domainName is an IP address")
    if not isinstance(path, str) or len(path) > 255 or (path and (not path.startswith("/") or path.endswith("/"))):
        raise Invalid("the function returned an origin whose path does not begin with / or ends with it")
    custom_headers = _custom_headers(settings.get("customHeaders", {}), headers)
    common: dict[str, Any] = {"domain": domain.lower(), "path": path, "headers": tuple(custom_headers), "id": before.id}
    if kind == "s3":
        method = settings.get("authMethod", "none")
        if method not in ("none", "origin-access-identity"):
            raise Invalid("the function returned an S3 origin with an unknown authMethod")
        if method == "origin-access-identity" and not settings.get("region"):
            raise Invalid("the function returned an S3 origin with an authMethod but no region")
        same = before.s3 and before.domain == domain.lower()
        made = Origin(
            **common, s3=True, control=before.control if same else None, identity=before.identity if same else ""
        )
        if made.bucket is None:
            raise Invalid(f"the function returned an S3 origin whose domainName {domain} is no bucket's")
        return made
    protocol, port = settings.get("protocol", "https"), settings.get("port", 443)
    if protocol not in ("http", "https"):
        raise Invalid("the function returned an origin whose protocol is neither http nor https")
    if not isinstance(port, int) or (port not in (80, 443) and not 1024 <= port <= 65_535):
        raise Invalid("the function returned an origin whose port is not 80, 443, or from 1024 to 65535")
    timeout, keepalive = settings.get("readTimeout", 30), settings.get("keepaliveTimeout", 5)
    if not isinstance(timeout, int) or not 4 <= timeout <= 60:
        raise Invalid("the function returned an origin whose readTimeout is not from 4 to 60")
    if not isinstance(keepalive, int) or not 1 <= keepalive <= 60:
        raise Invalid("the function returned an origin whose keepaliveTimeout is not from 1 to 60")
    protocols = settings.get("sslProtocols", ["TLSv1.2"])
    if not isinstance(protocols, list) or not _SSL.issuperset(map(str, protocols)):
        raise Invalid("the function returned an origin with unknown sslProtocols")
    made = dataclasses.replace(before, **common, s3=False, identity="", protocol=f"{protocol}-only")
    return dataclasses.replace(
        made,
        http_port=port if protocol == "http" else made.http_port,
        https_port=port if protocol == "https" else made.https_port,
        read_timeout=float(timeout),
        keepalive_timeout=keepalive,
        control=before.control if before.domain == made.domain else None,
    )


def _custom_headers(given: Any, headers: HeaderList) -> HeaderList:
    if not isinstance(given, Mapping):
        raise Invalid("the function returned customHeaders that are no object")
    found: HeaderList = []
    for name, entries in given.items():
        if first(headers, name.lower()) is not None:
            raise Invalid(f"the function returned {name} in headers and in customHeaders", header=name)
        if not isinstance(entries, list):
            raise Invalid(f"the function returned the custom header {name} as no list", header=name)
        found += [read_field(name, entry) for entry in entries]
    return found
