"""The Extensions API: external extensions (programs in /opt/extensions) and internal ones (inside the runtime).

An extension registers during the initialisation, then asks for its next event again and again: INVOKE with each
invocation, SHUTDOWN at the end. An invocation is over when every extension that got it has asked again.
Source: "Using the Lambda Extensions API" of the developer guide.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kumoi.names import uuid
from kumoi.sandbox.interface import Invocation
from kumoi.sandbox.runtime_api import ApiConnection, ApiRequest
from kumoi.sandbox.telemetry import InvalidSubscription, Telemetry

MAX_EXTENSIONS = 10
_EVENTS = frozenset({"INVOKE", "SHUTDOWN"})
_REGISTER = "/2020-01-01/extension/register"
_NEXT = "/2020-01-01/extension/event/next"


@dataclass(slots=True)
class Extension:
    """One registered extension. `idle`: it has asked for its next event."""

    name: str
    external: bool
    events: frozenset[str]
    identifier: str = field(default_factory=uuid)
    idle: bool = False
    queue: list[dict[str, Any]] = field(default_factory=list)
    waiting: ApiConnection | None = None


class Extensions:
    """The extensions of one sandbox. `external` are the names of the programs that will be started.

    `any` says whether there are extensions at all.
    """

    def __init__(self, environment: Mapping[str, str], external: list[str], telemetry: Telemetry) -> None:
        self._environment = environment
        self._external = set(external)
        self._telemetry = telemetry
        self._by_identifier: dict[str, Extension] = {}
        self._changed = asyncio.Event()
        self._open = True
        self.failure: str | None = None
        self.any = bool(external)

    @property
    def idle(self) -> bool:
        """Whether every extension has asked for its next event."""
        return all(extension.idle for extension in self._by_identifier.values())

    def restart(self) -> None:
        """The programs are about to be started, all anew."""
        self._by_identifier.clear()
        self._telemetry.clear()
        self._open = True
        self.failure = None
        self.any = bool(self._external)

    async def registered(self) -> None:
        """Wait until each external extension has registered, or one has failed."""
        while self.failure is None:
            names = {extension.name for extension in self._by_identifier.values()}
            if self._external <= names:
                return
            await self._change()

    async def ready(self) -> None:
        """Wait until every extension has asked for its next event, or one has failed; registration ends."""
        while self.failure is None and not self.idle:
            await self._change()
        self._open = False

    def ended(self, name: str, status: int) -> None:
        """An external extension's process has ended."""
        self.failure = self.failure or f"Extension.Crash:{name}"
        for extension in list(self._by_identifier.values()):
            if extension.name == name and extension.external:
                del self._by_identifier[extension.identifier]
        self._note()

    def invoked(self, invocation: Invocation) -> None:
        """Tell whom it concerns that an invocation begins."""
        event = {
            "eventType": "INVOKE",
            "deadlineMs": int((time.time() + invocation.timeout) * 1000),
            "requestId": invocation.request_id,
            "invokedFunctionArn": invocation.function_arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_header},
        }
        for extension in self._by_identifier.values():
            if "INVOKE" in extension.events:
                self._push(extension, event)

    def shut_down(self, reason: Literal["spindown", "timeout", "failure"], seconds: float) -> bool:
        """Tell whom it concerns that the sandbox ends in so many seconds; whether there is anybody."""
        event = {
            "eventType": "SHUTDOWN",
            "shutdownReason": reason,
            "deadlineMs": int((time.time() + seconds) * 1000),
        }
        concerned = [one for one in self._by_identifier.values() if "SHUTDOWN" in one.events]
        for extension in concerned:
            self._push(extension, event)
        return bool(concerned)

    async def gone(self) -> None:
        """Wait until no external extension is left."""
        while any(extension.external for extension in self._by_identifier.values()):
            await self._change()

    async def settled(self) -> None:
        """Wait until every extension has asked for its next event."""
        while not self.idle:
            await self._change()

    def lost(self, connection: ApiConnection) -> None:
        """A connection has closed."""
        for extension in self._by_identifier.values():
            if extension.waiting is connection:
                extension.waiting = None

    def handle(self, connection: ApiConnection, request: ApiRequest) -> None:
        """Answer a request of the Extensions or Telemetry API."""
        if request.path == _REGISTER and request.method == "POST":
            self._register(connection, request)
            return
        extension = self._identify(connection, request)
        if extension is None:
            return
        match (request.method, request.path):
            case ("GET", "/2020-01-01/extension/event/next"):
                self._next(connection, extension)
            case ("POST", "/2020-01-01/extension/init/error" | "/2020-01-01/extension/exit/error"):
                kind = request.headers.get("lambda-extension-function-error-type", "Extension.UnknownError")
                self.failure = kind
                connection.accept()
                self._note()
            case ("PUT", "/2022-07-01/telemetry" | "/2020-08-15/logs"):
                self._subscribe(connection, extension, request)
            case _:
                connection.refuse(404, "NotFound", f"Kumoi's Extensions API has no {request.method} {request.path}.")

    def _register(self, connection: ApiConnection, request: ApiRequest) -> None:
        name = request.headers.get("lambda-extension-name", "")
        try:
            body = json.loads(bytes(request.body) or b"{}")
            events = frozenset(body.get("events") or ())
        except (ValueError, AttributeError, TypeError):
            connection.refuse(400, "InvalidRequestFormat", "The body must be a JSON object with a list of events.")
            return
        external = name in self._external
        if not name:
            connection.refuse(403, "Extension.InvalidExtensionName", "Missing Lambda-Extension-Name header")
        elif not self._open:
            connection.refuse(403, "Extension.RegistrationClosed", "Extension registration is closed already")
        elif not events <= _EVENTS:
            connection.refuse(403, "InvalidEventType", f"Unknown events: {', '.join(sorted(events - _EVENTS))}")
        elif not external and "SHUTDOWN" in events:
            kind = "ShutdownEventNotSupportedForInternalExtension"
            connection.refuse(403, kind, kind)
        elif any(one.name == name for one in self._by_identifier.values()):
            connection.refuse(403, "Extension.AlreadyRegistered", f"{name} has registered already")
        elif len(self._by_identifier) >= MAX_EXTENSIONS:
            connection.refuse(403, "Extension.TooManyExtensions", f"Extension limit ({MAX_EXTENSIONS}) reached")
        else:
            self._admit(connection, request, Extension(name, external, events))

    def _admit(self, connection: ApiConnection, request: ApiRequest, extension: Extension) -> None:
        self._by_identifier[extension.identifier] = extension
        self.any = True
        answer: dict[str, object] = {
            "functionName": self._environment.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            "functionVersion": self._environment.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            "handler": self._environment.get("_HANDLER", ""),
        }
        if "accountId" in request.headers.get("lambda-extension-accept-feature", ""):
            answer["accountId"] = self._environment.get("KUMOI_ACCOUNT_ID", "")
        connection.answer(200, answer, {"Lambda-Extension-Identifier": extension.identifier})
        self._note()

    def _identify(self, connection: ApiConnection, request: ApiRequest) -> Extension | None:
        identifier = request.headers.get("lambda-extension-identifier")
        extension = self._by_identifier.get(identifier or "")
        if identifier is None:
            connection.refuse(403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
        elif extension is None:
            connection.refuse(403, "Extension.UnknownExtensionIdentifier", f"Unknown extension {identifier}")
        return extension

    def _next(self, connection: ApiConnection, extension: Extension) -> None:
        extension.waiting = connection
        if extension.queue:
            self._deliver(extension)
        else:
            extension.idle = True
            self._note()

    def _push(self, extension: Extension, event: dict[str, Any]) -> None:
        extension.idle = False
        extension.queue.append(event)
        if extension.waiting is not None:
            self._deliver(extension)

    def _deliver(self, extension: Extension) -> None:
        connection, extension.waiting = extension.waiting, None
        event = extension.queue.pop(0)
        if connection is not None:
            connection.answer(200, event, {"Lambda-Extension-Event-Identifier": uuid()})

    def _subscribe(self, connection: ApiConnection, extension: Extension, request: ApiRequest) -> None:
        try:
            self._telemetry.subscribe(extension.name, bytes(request.body))
        except InvalidSubscription as error:
            connection.refuse(400, "ValidationError", str(error))
            return
        connection.answer(200, b'"OK"')

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _note(self) -> None:
        self._changed.set()
