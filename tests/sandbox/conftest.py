from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kumoi.sandbox import Invocation, Outcome, ResponseSink, Sandbox, SandboxHost, SandboxSpec

RUNTIME = f"python3.{sys.version_info.minor}"


class Workshop:
    """Makes sandboxes of sources and invokes them; keeps what they logged."""

    def __init__(self, host: SandboxHost, directory: Path) -> None:
        self.host = host
        self.lines: list[str] = []
        self.sources = directory

    async def make(self, source: str, **options: Any) -> Sandbox:
        """A Python function of one `app.py`."""
        return await self.of({"app.py": source}, **options)

    async def of(
        self,
        files: dict[str, str | Path],
        layer: dict[str, str | Path] | None = None,
        variables: dict[str, str] | None = None,
        **options: Any,
    ) -> Sandbox:
        """A function of several files; those that begin with `#!` are programs, a path is copied. `layer`: its /opt."""
        spec: dict[str, Any] = {
            "runtime": RUNTIME,
            "handler": "app.handler",
            "code": self._tree("code", files),
            "opt": None if layer is None else self._tree("opt", layer),
            "memory_mb": 256,
            "tmp_mb": 64,
        }
        environment = {
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
            "COLOUR": "red",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "_HANDLER": str(options.get("handler", "app.handler")),
            **(variables or {}),
        }
        whole = SandboxSpec(**{**spec, "environment": environment, **options})
        return await self.host.create(whole, lambda _when, lines: self.lines.extend(lines))

    def _tree(self, kind: str, files: dict[str, str | Path]) -> Path:
        root = self.sources / f"{kind}-{len(list(self.sources.iterdir()))}"
        root.mkdir(mode=0o755)
        for name, source in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(source, Path):
                if source.is_dir():
                    shutil.copytree(source, path)
                else:
                    shutil.copy(source, path)
                continue
            text = textwrap.dedent(source).lstrip("\n")
            path.write_text(text)
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        return root

    @property
    def log(self) -> str:
        return "".join(self.lines)

    @staticmethod
    async def invoke(
        sandbox: Sandbox,
        event: Any = None,
        timeout: float = 60.0,
        sink: ResponseSink | None = None,
        request_id: str = "request-1",
    ) -> tuple[Any, Outcome]:
        payload = json.dumps(event).encode()
        invocation = Invocation(request_id, payload, timeout, "arn:f", "Root=1-a-b;Sampled=1")
        outcome = await sandbox.invoke(invocation, sink)
        try:
            return json.loads(outcome.payload or b"null"), outcome
        except ValueError:
            return outcome.payload, outcome


Scenario = Callable[[Workshop], Awaitable[Any]]


def runner(level: str, directory: Path) -> Callable[[Scenario], Any]:
    def start(scenario: Scenario) -> Any:
        async def main() -> Any:
            directory.chmod(0o755)
            sources = directory / "sources"
            sources.mkdir(mode=0o755)
            host = SandboxHost(directory / "host", isolation=level)  # type: ignore[arg-type]
            await host.start()
            try:
                return await scenario(Workshop(host, sources))
            finally:
                await host.stop()

        # As the platform does; asyncio itself leaks a connection that came while it closes a server.
        return uvloop.run(main())

    return start


@pytest.fixture(params=["namespace", "process"])
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(level: str, tmp_path: Path) -> Callable[[Scenario], Any]:
    """Run a scenario with a host at each level of isolation."""
    return runner(level, tmp_path)


@pytest.fixture
def run_at(level: str) -> Callable[[Path, Scenario], Any]:
    """Run a scenario with a host whose files lie in a directory that the test chooses."""
    return lambda directory, scenario: runner(level, directory)(scenario)


@pytest.fixture
def run_isolated(tmp_path: Path) -> Callable[[Scenario], Any]:
    """Run a scenario with a host at the level of isolation that the machine permits: for what is alike at each."""
    return runner("auto", tmp_path)
