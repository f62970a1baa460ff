"""What runs for Lambda while the platform does: the code store, the executor and the event queue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kumoi.doorway import Doorway, Identity, Parts
from kumoi.sandbox import SandboxHost
from kumoi.services.lambda_.admission import Admission
from kumoi.services.lambda_.code import CodeStore
from kumoi.services.lambda_.environments import EnvironmentMaker
from kumoi.services.lambda_.event_queue import EventQueue
from kumoi.services.lambda_.event_sources.manager import EventSources
from kumoi.services.lambda_.executor import Executor
from kumoi.services.lambda_.lookup import all_provisioned
from kumoi.state.timers import TimerRunner


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; the queue resumes what a crash left behind; stop them in reverse."""
    doorway = parts[Doorway]
    code = parts.add(CodeStore, CodeStore(doorway.directory("lambda-code"), doorway.blobs))
    maker = EnvironmentMaker(doorway, parts[Identity], parts[SandboxHost], code)
    executor = parts.add(Executor, Executor(maker, doorway.state, Admission()))
    queue = parts.add(EventQueue, EventQueue(doorway, doorway.state.at("", ""), parts[TimerRunner]))
    await queue.resume()
    for config, version in await all_provisioned(doorway.state.at("", "")):
        await executor.provision(config.account, config.region, config.function, version, config.requested)
    sources = parts.add(EventSources, EventSources(doorway))
    await sources.resume()
    try:
        yield
    finally:
        await sources.stop()
        await queue.stop()
        await executor.stop()
