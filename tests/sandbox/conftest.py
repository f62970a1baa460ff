from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.sandbox import Invocation, LogLine, Outcome, Sandbox, SandboxHost, SandboxSpec

RUNTIME = f"python3.{sys.version_info.minor}"


class Workshop:
    """Makes sandboxes of sources and invokes them; keeps what they logged."""

    def __init__(self, host: SandboxHost, directory: Path) -> None:
        self.host = host
        self.lines: list[LogLine] = []
        self._directory = directory

    async def make(self, source: str, **options: Any) -> Sandbox:
        code = self._directory / f"code-{len(list(self._directory.iterdir()))}"
        code.mkdir(mode=0o755)
        (code / "app.py").write_text(textwrap.dedent(source))
        spec: dict[str, Any] = {
            "runtime": RUNTIME,
            "handler": "app.handler",
            "code": code,
            "layers": (),
            "environment": {"AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}", "COLOUR": "red"},
            "memory_mb": 256,
            "tmp_mb": 64,
        }
        return await self.host.create(SandboxSpec(**{**spec, **options}), self.lines.extend)

    @property
    def log(self) -> str:
        return "".join(line.text for line in self.lines)

    @staticmethod
    async def invoke(sandbox: Sandbox, event: Any = None, timeout: float = 10.0) -> tuple[Any, Outcome]:
        invocation = Invocation("request-1", json.dumps(event).encode(), timeout, "arn:f", "Root=1-a-b;Sampled=1")
        outcome = await sandbox.invoke(invocation)
        return json.loads(outcome.payload), outcome


@pytest.fixture(params=["namespace", "process"])
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(level: str, tmp_path: Path) -> Callable[[Callable[[Workshop], Awaitable[Any]]], Any]:
    """Run a scenario with a host at each level of isolation."""

    def start(scenario: Callable[[Workshop], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            tmp_path.chmod(0o755)
            sources = tmp_path / "sources"
            sources.mkdir(mode=0o755)
            host = SandboxHost(tmp_path / "host", isolation=level)  # type: ignore[arg-type]
            await host.start()
            try:
                return await scenario(Workshop(host, sources))
            finally:
                await host.stop()

        return asyncio.run(main())

    return start
