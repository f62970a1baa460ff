"""What the X-Ray daemon's port answers by HTTP: the questions that SDKs ask of it, and nothing else of the platform."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kumoi.wire.http import Request, Response

_ASKED = frozenset({"/GetSamplingRules", "/SamplingTargets"})


class XRayProxy:
    """Hands those requests on to the gateway's front."""

    def __init__(self, front: Callable[[Request], Awaitable[Response]]) -> None:
        self._front = front

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if request.path in _ASKED:
            return await self._front(request)
        return Response(404, [("Content-Type", "text/plain")], b"The X-Ray daemon answers /GetSamplingRules here.\n")
