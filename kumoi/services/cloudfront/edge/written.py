"""A response as it leaves the edge: with the headers that it adds to each."""

from __future__ import annotations

from kumoi.services.cloudfront.edge.messages import EdgeResponse
from kumoi.services.cloudfront.edge.pops import Pop
from kumoi.wire.http import Response

_ADDED = frozenset(("x-cache", "x-amz-cf-pop", "x-amz-cf-id"))


def written(response: EdgeResponse, pop: Pop, request_id: str, via: str, cache: str) -> Response:
    """The response with the headers that the edge adds to each."""
    headers, vias = [], []
    framed = isinstance(response.body, bytes) and response.body
    for field in response.headers:
        name = field[0].lower()
        if name == "via":
            vias.append(field[1])
        elif name not in _ADDED and not (framed and name == "content-length"):
            headers.append(field)
    headers += [
        ("X-Cache", cache),
        ("Via", ", ".join([*vias, via or "1.1 kumoi.cloudfront.net (CloudFront)"])),
        ("X-Amz-Cf-Pop", pop.code),
        ("X-Amz-Cf-Id", request_id),
    ]
    return Response(response.status, headers, response.body, upgrade=response.upgrade)
