"""Requests that are for what others before were for: found by a few signals, not resolved once more.

Two kinds come again and again: signed ones that differ in date and signature alone, and unsigned ones to a data
plane's host name. Whoever verifies signatures asks neither.
"""

from __future__ import annotations

from collections.abc import Container

from msgspec.structs import replace

from kumoi.gateway.known_hosts import LONGEST
from kumoi.gateway.path_planes import CONNECTED
from kumoi.gateway.target import Target
from kumoi.wire.credential import SIGNATURE_DIGITS, SIGV2, SIGV4, is_presigned
from kumoi.wire.http import Request

_LIMIT, _SIGNALS_LIMIT = 4096, 1024
"""How many requests that differ in their signals are remembered, and characters of these."""
_SIGNED = f"{SIGV4} "
_Signals = tuple[str, str, str, str]
"""Method, host, the Authorization but for its signature, and X-Amz-Target."""


class RememberedTargets:
    """What requests were resolved to.

    `telling` is how paths begin that may mean something else than their service; `own`, Kumoi's; `plain` are the
    signing names that one service has.
    """

    def __init__(self, *, telling: tuple[str, ...], own: tuple[str, ...], plain: Container[str]) -> None:
        self._telling = telling
        self._own = own
        self._plain = plain
        self._signed: dict[_Signals, Target] = {}
        self._planes: dict[str, Target] = {}

    def forget(self) -> None:
        """Host names may mean something else from now on."""
        self._signed.clear()
        self._planes.clear()

    def signed(self, request: Request) -> Target | None:
        """What a signed request is for, where one with the same signals was remembered.

        Its credential lacks the signature, which is each request's own.
        """
        signals = self._signals(request)
        return None if signals is None else self._signed.get(signals)

    def remember(self, request: Request, target: Target) -> None:
        """Keep what a request was resolved to, where the next with its signals will mean the same."""
        credential, service = target.credential, target.service
        if target.kind != "api" or target.path is not None or credential is None:
            return
        if service == "apigatewaymanagementapi" or (service == "s3" and request.method == "POST"):
            return  # their paths say more
        if "x-amz-target" not in request.headers.index and credential.signing_name not in self._plain:
            return
        signals = self._signals(request)
        if signals is not None and sum(map(len, signals)) <= _SIGNALS_LIMIT:
            if len(self._signed) >= _LIMIT:
                self._signed.clear()
            self._signed[signals] = replace(target, credential=credential._replace(signature=""))

    def of_host(self, request: Request) -> Target | None:
        """What an unsigned request is for whose host name is a data plane's, where that is known."""
        headers, path, query = request.headers, request.path, request.query
        target = self._planes.get(headers.get("host") or "")
        if target is None or path.startswith(self._own) or CONNECTED in path:
            return None
        claim = headers.get("authorization")
        if claim is not None and claim.lstrip().startswith(SIGV2):  # as all of AWS's signatures begin
            return None
        return None if query and is_presigned(query) else target

    def remember_host(self, name: str, target: Target) -> None:
        """Keep what a Host header leads to, where it is a data plane whatever the request."""
        if target.credential is None and target.kind == "data-plane" and len(name) <= LONGEST:
            if len(self._planes) >= _LIMIT:
                self._planes.clear()
            self._planes[name] = target

    def _signals(self, request: Request) -> _Signals | None:
        """What mostly says all that a request is for; None where its path or another header may say more.

        They differ between a client's requests in the date and in which headers are signed, so there are few.
        """
        headers = request.headers.index
        method, path, claim = request.method, request.path, headers.get("authorization", "")
        end = len(claim) - SIGNATURE_DIGITS
        if (
            not claim.startswith(_SIGNED)
            or not claim.endswith("Signature=", 0, end)
            or path.startswith(self._telling)
            or "/.well-known/" in path
            or method == "OPTIONS"
            or "smithy-protocol" in headers
        ):
            return None
        return method, headers.get("host", ""), claim[:end], headers.get("x-amz-target", "")
