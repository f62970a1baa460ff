"""What tests of CloudFront share: a configuration to start from, and a way to be a viewer."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    fields: list[tuple[str, str]]


@pytest.fixture
def config() -> Callable[..., dict[str, Any]]:
    """Make a DistributionConfig with one S3 origin; what is given replaces members."""
    numbers = itertools.count()

    def make(origin: str = "bucket.s3.us-east-1.amazonaws.com", **members: Any) -> dict[str, Any]:
        behaviour = {
            "TargetOriginId": "one",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": CACHING_OPTIMIZED,
            **members.pop("behaviour", {}),
        }
        return {
            "CallerReference": f"reference-{next(numbers)}",
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [{"Id": "one", "DomainName": origin, "S3OriginConfig": {"OriginAccessIdentity": ""}}],
            },
            "DefaultCacheBehavior": behaviour,
            **members,
        }

    return make


@pytest.fixture
def view(kumoi: Any) -> Callable[..., Answer]:
    """Be a viewer: send a request to a distribution by its domain name."""
    address = urlsplit(kumoi.url)

    def send(host: str, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            fields = answer.getheaders()
            return Answer(answer.status, {name.lower(): value for name, value in fields}, content, fields)
        finally:
            connection.close()

    return send
