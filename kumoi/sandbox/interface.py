"""What floor 3 promises: sandboxes that run other people's code, one invocation at a time.

It knows nothing of a control plane: it gets a spec and payloads, and answers how each invocation ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

IsolationSetting = Literal["auto", "none", "process", "namespace"]
Isolation = Literal["none", "process", "namespace"]


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """Everything one execution environment is made from.

    `code` is an unpacked directory, seen at /var/task, read-only; `opt` holds the merged layers, seen at /opt;
    `environment` is the function's whole environment, but for what only the sandbox knows (AWS_LAMBDA_RUNTIME_API).
    `clock_skew` is by how many seconds its clock is off; `offline`: it has no network, not even this machine's;
    `nameless`: the names of other hosts are not found.
    """

    runtime: str
    handler: str
    code: Path
    opt: Path | None
    environment: Mapping[str, str]
    memory_mb: int
    tmp_mb: int
    init_timeout: float = 10.0
    log_format: str = "Text"
    log_level: str = "INFO"
    clock_skew: float = 0.0
    offline: bool = False
    nameless: bool = False


class Invocation(msgspec.Struct, frozen=True, gc=False):
    """One event for a sandbox; `timeout` in real seconds, counted from when the handler gets it."""

    request_id: str
    payload: bytes
    timeout: float
    function_arn: str
    trace_header: str
    client_context: bytes | None = None
    cognito_identity: bytes | None = None
    tenant_id: str | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """How an invocation ended. `error_type` is None for success; durations in seconds.

    `status` is success, error (the function raised), timeout, or failure (its process ended). `streamed`: the payload
    has gone to the sink already, and what is here is empty, or the error that cut the stream short.
    """

    payload: bytes
    error_type: str | None
    duration: float
    init_duration: float | None
    max_memory_mb: int
    status: Literal["success", "error", "timeout", "failure"]
    content_type: str = "application/json"
    streamed: bool = False


class ResponseSink(Protocol):
    """Takes a response while the function writes it. A response that is not streamed never reaches it."""

    def begin(self, content_type: str) -> None:
        """The function begins a streamed response of a media type."""

    async def write(self, piece: bytes) -> None:
        """The next bytes; returns when more may come."""


LogSink = Callable[[float, Sequence[str]], Awaitable[None] | None]
"""Takes what the function wrote, and when it arrived (platform time, epoch seconds): lines, or events of several.

An awaitable that it answers is waited for before more is read: so a flood of output slows its writer.
"""


class Sandbox(Protocol):
    """One execution environment."""

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""

    async def invoke(self, invocation: Invocation, sink: ResponseSink | None = None) -> Outcome:
        """Run one invocation to its answer; whatever the function does wrong is in the outcome."""

    async def settle(self) -> None:
        """Wait until extensions are done with the invocation, too: only then it can take the next one."""

    @property
    def settled(self) -> bool:
        """Whether `settle` has nothing to wait for."""

    @property
    def observed(self) -> bool:
        """Whether an extension wants to be told of platform events."""

    def tell(self, event: dict[str, Any]) -> None:
        """A platform event (`{"time", "type": "platform.…", "record"}`) for extensions that subscribed to it."""

    def freeze(self) -> None:
        """Hold every process until the next invocation, as Lambda does between invocations."""

    def hold(self) -> None:
        """Hold every process in the middle of an invocation; its time goes on."""

    def resume(self) -> None:
        """Let the processes that `hold` holds go on."""

    def kill(self) -> None:
        """Kill the processes in the middle of an invocation: it ends as one that the system killed."""

    async def initialise(self) -> str | None:
        """Wait for the end of the initialisation, ahead of any invocation; the name of what went wrong, or None."""

    async def stop(self) -> None:
        """End every process of it; extensions are told to shut down, and given a moment."""


class RuntimeUnavailable(Exception):
    """No interpreter on this machine can run a runtime; the text says what was looked for."""
