"""Runs other people's code: the Python fork-server, isolation, limits, logs."""

from kumoi.sandbox.host import SandboxHost
from kumoi.sandbox.interface import (
    Invocation,
    IsolationSetting,
    LogSink,
    Outcome,
    ResponseSink,
    RuntimeUnavailable,
    Sandbox,
    SandboxSpec,
)
from kumoi.sandbox.zygotes import ZygoteFailed

__all__ = [
    "Invocation",
    "IsolationSetting",
    "LogSink",
    "Outcome",
    "ResponseSink",
    "RuntimeUnavailable",
    "Sandbox",
    "SandboxHost",
    "SandboxSpec",
    "ZygoteFailed",
]
