"""The platform: builds every part of Kumoi, starts and stops them in order.

Nothing is global: several platforms can live in one process. Floors come up from the bottom (clock, stores), then the
doorway with its services, then the listener; they go down the other way.
"""

from __future__ import annotations

import gc
import ipaddress
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from kumoi.blobs import Blobs, LocalBlobs, MemoryBlobs
from kumoi.clock import Clock
from kumoi.cost.budget import Budgets
from kumoi.doorway import AuthMode, Doorway, Faults, Hops, Identity, Parts, Registry, Tracing
from kumoi.doorway.first_bytes import FirstBytes
from kumoi.doorway.host_names import HostNames
from kumoi.doorway.payloads import Payloads
from kumoi.gateway.front import Front
from kumoi.gateway.internal import Internal
from kumoi.gateway.listener import Listener
from kumoi.gateway.routing import Router
from kumoi.gateway.tls import CertificateAuthority
from kumoi.gateway.xray_proxy import XRayProxy
from kumoi.http_client import HttpClient
from kumoi.lake import Lake
from kumoi.loop_lag import LoopLag
from kumoi.names import DEFAULT_REGION
from kumoi.sandbox import IsolationSetting, SandboxHost
from kumoi.sandbox.js import JsContexts
from kumoi.state import State
from kumoi.state.sqlite import SqliteState
from kumoi.state.timers import TimerRunner
from kumoi.studio import Studio
from kumoi.wire import Wire

logger = logging.getLogger(__name__)


class NotLoopback(ValueError):
    """The platform would listen beyond this machine without anything guarding it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a platform runs. `data` is its directory, None keeps everything in memory and temporary files.

    `databases` says how many connections a database takes, by `host:port`. `moto` has services that Kumoi lacks
    answered by moto. `xray_port` is where the X-Ray daemon listens, 0 for any port, None for none. `budget` is what an
    hour may cost in USD by AWS's list, None without a bound. `payloads` says whether what calls are given and answer is
    kept in memory for Studio; None keeps it unless policies are enforced.
    """

    host: str = "127.0.0.1"
    port: int = 4566
    data: Path | None = None
    auth: AuthMode = "audit"
    insecure: bool = False
    durability: Literal["normal", "full"] = "normal"
    isolation: IsolationSetting = "auto"
    region: str = DEFAULT_REGION
    databases: Mapping[str, int] = field(default_factory=dict)
    moto: bool = False
    xray_port: int | None = None
    budget: float | None = None
    payloads: bool | None = None

    def check(self) -> None:
        """Raise NotLoopback when others could reach an unguarded platform."""
        if self.auth == "enforce" or self.insecure or self.host == "localhost":
            return
        try:
            loopback = ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise NotLoopback(
                f"{self.host} is reachable from other machines: run with --auth enforce, or say --insecure."
            )


@dataclass(slots=True)
class Platform:
    """One running Kumoi. `async with Platform(settings) as platform:` starts and stops it."""

    settings: Settings = field(default_factory=Settings)
    parts: Parts = field(default_factory=Parts)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Bring every part up; returns once the port answers."""
        self.settings.check()
        try:
            await self._build()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Take every part down: requests in flight are finished, everything written is durable."""
        await self._stack.aclose()

    async def __aenter__(self) -> Platform:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port the platform listens on."""
        return self.parts[Listener].port

    @property
    def url(self) -> str:
        """The endpoint URL for clients on this machine."""
        host = self.settings.host
        if host in ("0.0.0.0", "::"):  # noqa: S104  (a comparison, nothing is bound)
            host = "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def reset(self, account: str | None = None) -> None:
        """Forget everything, or everything of one account; returns when done."""
        doorway = self.parts[Doorway]
        for service in doorway.registry:
            await service.reset(self.parts, doorway.state, account)
        await doorway.state.reset(account)
        await doorway.lake.reset(account)
        doorway.identity.forget()
        doorway.faults.clear(account)
        doorway.hops.clear(account)
        doorway.charges.clear(account)
        if account is not None:
            self.parts[Budgets].clear(account)
        doorway.payloads.clear(account)
        self.parts[Studio].traffic.clear(account)

    async def _build(self) -> None:
        stack, settings, parts = self._stack, self.settings, self.parts
        parts.add(Settings, settings)
        clock = parts.add(Clock, Clock())
        state = await self._open_state(clock)
        blobs = self._open_blobs()
        lake = await self._open_lake(clock)
        timers = parts.add(TimerRunner, TimerRunner(state, clock))
        identity = await Identity.open(state, clock, settings.auth)
        parts.add(Identity, identity)
        doorway = parts.add(
            Doorway,
            Doorway(
                Registry.discover("kumoi.services", without=() if settings.moto else ("mocked",)),
                state=state,
                blobs=blobs,
                lake=lake,
                clock=clock,
                identity=identity,
                faults=parts.add(Faults, Faults(clock)),
                hops=parts.add(Hops, Hops(lake)),
                parts=parts,
                directory=self._directory,
                tracing=Tracing(settings.xray_port),
                payloads=Payloads(on=settings.auth != "enforce" if settings.payloads is None else settings.payloads),
            ),
        )
        budgets = parts.add(Budgets, Budgets(doorway, clock))
        if settings.budget is not None:
            budgets.set(settings.budget)
        stack.callback(doorway.hops.flush)
        stack.callback(doorway.charges.flush)
        stack.callback(parts.add(HttpClient, HttpClient(self._directory("tls") / "ca.pem")).close)
        authority = parts.add(CertificateAuthority, CertificateAuthority(self._directory("tls")))
        sandboxes = parts.add(
            SandboxHost,
            SandboxHost(
                self._directory("sandboxes"),
                isolation=settings.isolation,
                now=clock.now,
                databases=settings.databases,
                authority=lambda: authority.ca_file,
            ),
        )
        await sandboxes.start()
        stack.push_async_callback(sandboxes.stop)
        stack.callback(parts.add(JsContexts, JsContexts()).close)
        listener = self._listener(doorway, clock, timers)
        for service in doorway.registry:
            await stack.enter_async_context(service.running(parts))
        stack.push_async_callback(timers.stop)
        await listener.start()
        stack.push_async_callback(listener.stop)
        stack.callback(parts[Studio].close)
        doorway.endpoint = self.url
        await self._daemon_proxy(doorway.tracing)
        await timers.start()
        lag = parts.add(LoopLag, LoopLag())
        lag.start()
        stack.callback(lag.stop)
        gc.freeze()

    async def _open_state(self, clock: Clock) -> SqliteState:
        settings = self.settings
        path = None if settings.data is None else self._directory("state") / "kumoi.db"
        state = await SqliteState.open(path, durability=settings.durability, clock=clock)
        self._stack.push_async_callback(state.close)
        self.parts.add(State, state)  # type: ignore[type-abstract]
        return state

    def _open_blobs(self) -> Blobs:
        settings = self.settings
        blobs: Blobs = (
            MemoryBlobs() if settings.data is None else LocalBlobs(self._directory("blobs"), settings.durability)
        )
        return self.parts.add(Blobs, blobs)  # type: ignore[type-abstract]

    async def _open_lake(self, clock: Clock) -> Lake:
        root = None if self.settings.data is None else self._directory("lake")
        lake = await Lake.open(root, durability=self.settings.durability)
        self._stack.push_async_callback(lake.close)
        return self.parts.add(Lake, lake)

    def _listener(self, doorway: Doorway, clock: Clock, timers: TimerRunner) -> Listener:
        settings = self.settings
        router = self.parts.add(Router, Router(default_region=settings.region))
        self.parts.add(HostNames, router)  # type: ignore[type-abstract]
        wire = self.parts.add(Wire, Wire())
        studio = self.parts.add(Studio, Studio(doorway, wire))
        internal = Internal(doorway, clock, timers, self.reset, self._facts, studio)
        front = self.parts.add(Front, Front(doorway, wire, router, internal))
        authority = self.parts[CertificateAuthority]
        listener = Listener(front, host=settings.host, port=settings.port, websocket=front.websocket, tls=authority)
        self.parts.add(FirstBytes, listener)  # type: ignore[type-abstract]
        return self.parts.add(Listener, listener)

    async def _daemon_proxy(self, tracing: Tracing) -> None:
        """The daemon's port takes SDKs' questions about sampling rules, too, by HTTP and unsigned."""
        if not tracing.daemon:
            return
        host, _, port = tracing.daemon.rpartition(":")
        proxy = Listener(XRayProxy(self.parts[Front]), host=host, port=int(port))
        try:
            await proxy.start()
        except OSError as error:
            logger.warning("SDKs cannot ask the X-Ray daemon on %s for sampling rules: %s", tracing.daemon, error)
        else:
            self._stack.push_async_callback(proxy.stop)

    def _directory(self, name: str) -> Path:
        """A directory of the platform's own, private to its user; temporary when nothing is kept."""
        data = self.settings.data
        directory = (self._temporary() if data is None else data.resolve()) / name
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory

    def _temporary(self) -> Path:
        if Temporary not in self.parts:
            holder = TemporaryDirectory(prefix="kumoi-")
            self._stack.callback(holder.cleanup)
            self.parts.add(Temporary, Temporary(Path(holder.name)))
        return self.parts[Temporary].path

    def _facts(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "url": self.url,
            "data": None if settings.data is None else str(settings.data.resolve()),
            "auth": settings.auth,
            "durability": settings.durability,
            "isolation": self.parts[SandboxHost].isolation,
            "region": settings.region,
            "xray_daemon": self.parts[Doorway].tracing.daemon or None,
            **({"mocked": "services that Kumoi lacks, by moto; nothing is kept"} if settings.moto else {}),
            **({"budget": budget} if (budget := _budget_text(self.parts[Budgets])) else {}),
            "loop_lag_ms": round(self.parts[LoopLag].worst_ms, 1),
        }


def _budget_text(budgets: Budgets) -> str:
    """Budgets on a line, for `kumoi status`."""
    return "; ".join(
        f"${one['usd_per_hour']:g} an hour{' for ' + one['account'] if one['account'] else ''}:"
        f" ${one['spent']:.4g} spent" + (f", USED UP, {one['refused']} calls refused" if one["exceeded"] else "")
        for one in budgets.told()
    )


@dataclass(frozen=True, slots=True)
class Temporary:
    """Where an ephemeral platform keeps its files while it runs."""

    path: Path
