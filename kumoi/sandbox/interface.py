"""What floor 3 promises: sandboxes that run other people's code, one invocation at a time.

It knows nothing of a control plane: it gets a spec and payloads, and answers how each invocation ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

IsolationSetting = Literal["auto", "none", "process", "namespace"]
Isolation = Literal["none", "process", "namespace"]


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """Everything one execution environment is made from.

    `code` is an unpacked directory, seen at /var/task, read-only; `layers` are merged into /opt in order;
    `environment` is the function's whole environment.
    """

    runtime: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    environment: Mapping[str, str]
    memory_mb: int
    tmp_mb: int
    init_timeout: float = 10.0
    log_format: str = "Text"
    log_level: str = "INFO"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for a sandbox; `timeout` in real seconds, counted from when the handler gets it."""

    request_id: str
    payload: bytes
    timeout: float
    function_arn: str
    trace_header: str
    client_context: bytes | None = None
    cognito_identity: bytes | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended. `error_type` is None for success; durations in seconds.

    `status` is success, error (the function raised), timeout, or failure (its process ended).
    """

    payload: bytes
    error_type: str | None
    duration: float
    init_duration: float | None
    max_memory_mb: int
    status: Literal["success", "error", "timeout", "failure"]


class LogLine(NamedTuple):
    """Something the function wrote, and when it arrived (platform time, epoch seconds)."""

    time: float
    text: str


LogSink = Callable[[Sequence[LogLine]], Awaitable[None] | None]
"""Takes lines. An awaitable it answers is waited for before more is read: so a flood of output slows its writer."""


class Sandbox(Protocol):
    """One execution environment."""

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation to its end; whatever the function does wrong is in the outcome."""

    async def stop(self) -> None:
        """End every process of it."""


class RuntimeUnavailable(Exception):
    """No interpreter on this machine can run a runtime; the text says what was looked for."""
