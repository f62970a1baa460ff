"""The platform: builds every part of Kumoi, starts and stops them in order.

Nothing is global: several platforms can live in one process. Floors come up from the bottom (clock, stores), then the
doorway with its services; they go down the other way. The listener and the host of sandboxes stay: when a
snapshot is loaded, what lies between them is taken down and built again on other data.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kumoi.blobs import Blobs, LocalBlobs, MemoryBlobs
from kumoi.clock import Clock
from kumoi.cost.budget import Budgets
from kumoi.doorway import Doorway, Faults, History, Hops, Identity, Parts, Registry, Tracing
from kumoi.doorway.certificates import Certificates
from kumoi.doorway.charges import TABLE as CHARGES
from kumoi.doorway.client_certificates import ClientCertificates
from kumoi.doorway.first_bytes import FirstBytes
from kumoi.doorway.hop import TABLE as HOPS
from kumoi.doorway.host_names import HostNames
from kumoi.doorway.payloads import Payloads
from kumoi.gateway.dns_server import DnsServer
from kumoi.gateway.front import Front
from kumoi.gateway.internal import Internal
from kumoi.gateway.listener import Listener
from kumoi.gateway.recording import Recording
from kumoi.gateway.routing import Router
from kumoi.gateway.snapshot_requests import SnapshotRequests
from kumoi.gateway.tls import CertificateAuthority
from kumoi.gateway.turnstile import Turnstile
from kumoi.gateway.xray_proxy import XRayProxy
from kumoi.http_client import HttpClient
from kumoi.lake import Lake
from kumoi.loop_lag import LoopLag
from kumoi.names import hex_id
from kumoi.sandbox import SandboxHost
from kumoi.sandbox.js import JsContexts
from kumoi.settings import NotLoopback, Settings
from kumoi.snapshot_loading import SnapshotLoading
from kumoi.snapshots import BadSnapshot, Manifest, Sources, manifest_of, recover, stage
from kumoi.snapshots.exchange import SAVING
from kumoi.snapshots.taking import BLOBS, LAKE, STATE
from kumoi.state import State
from kumoi.state.sqlite import SqliteState
from kumoi.state.timers import TimerRunner
from kumoi.studio import Studio
from kumoi.wire import Wire

__all__ = ["NotLoopback", "Platform", "Settings"]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Platform:
    """One running Kumoi. `async with Platform(settings) as platform:` starts and stops it.

    `parts` are those that run now: loading a snapshot builds new ones.
    """

    settings: Settings = field(default_factory=Settings)
    parts: Parts = field(default_factory=Parts)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _ground: AsyncExitStack = field(default_factory=AsyncExitStack)
    _turnstile: Turnstile | None = None
    _temporary_path: Path | None = None
    _listener: Listener | None = None
    _sandboxes: SandboxHost | None = None
    _authority: CertificateAuthority | None = None
    _clock: Clock = field(default_factory=Clock)
    _loading: bool = False

    async def start(self) -> None:
        """Bring every part up; returns once the port answers."""
        self.settings.check()
        try:
            if self.settings.data is not None:
                await asyncio.to_thread(recover, self.settings.data.resolve())
            with _garbage_kept():
                await self._build(Clock())
        except BaseException:
            await self._stack.aclose()
            await self._ground.aclose()
            raise

    async def stop(self) -> None:
        """Take every part down: requests in flight are finished, everything written is durable."""
        if self._listener is not None:
            if Faults in self.parts:
                self.parts[Faults].clear()  # or the listener waits for calls that hang
            if Studio in self.parts:
                self.parts[Studio].feed.close()  # or the listener waits for who looks on
            await self._listener.stop()
        await self._stack.aclose()
        await self._ground.aclose()

    async def __aenter__(self) -> Platform:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port the platform listens on."""
        assert self._listener is not None, "a platform that was not started has no port"
        return self._listener.port

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

    async def save(self) -> tuple[Path, Manifest]:
        """Stage a snapshot of everything while all goes on: the directory it lies in, and what it says of itself."""
        doorway, state = self.parts[Doorway], self.parts[State]  # type: ignore[type-abstract]
        assert isinstance(state, SqliteState), "the one engine there is"
        doorway.hops.settle()
        doorway.hops.flush()
        taken = doorway.clock.now()
        staged = self._directory(SAVING) / hex_id(16)
        try:
            await stage(Sources(state, doorway.blobs, doorway.lake, self._kept()), staged)
            return staged, await asyncio.to_thread(manifest_of, staged, taken=taken, region=self.settings.region)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, staged, ignore_errors=True)
            raise

    async def load(self, unpack: Callable[[Path], Manifest], *, at_saved_time: bool = False) -> Manifest:
        """Run on a snapshot instead of what there is; `unpack` puts it into a directory (in a thread) and checks it.

        BadSnapshot leaves the platform as it was. Requests that come meanwhile wait; sandboxes are discarded, timers
        and pollers go on. The clock goes on from the later of the machine's time and the snapshot's, or from that one
        where `at_saved_time`.
        """
        if self._loading:
            raise BadSnapshot("another snapshot is being loaded")
        assert self._turnstile is not None, "a platform that runs has one"
        self._loading = True
        try:
            loading = SnapshotLoading(
                self._root(),
                in_memory=self.settings.data is None,
                kept=tuple(self._kept()),
                turnstile=self._turnstile,
                take_down=self._take_down,
                build=self._build,
            )
            manifest = await loading.bring_in(unpack)
            now = manifest.taken if at_saved_time else max(manifest.taken, time.time())
            await loading.exchange(now, before=self._clock.now())
            return manifest
        finally:
            self._loading = False

    async def _take_down(self) -> None:
        """End all parts but those that stay, and have their memory back: `_build` takes what is there for permanent."""
        try:
            await self._stack.aclose()
        except Exception:
            logger.exception("a part did not end well; the others did")
        self._stack = AsyncExitStack()
        self.parts = Parts()
        gc.unfreeze()
        gc.collect()

    def _kept(self) -> dict[str, Path]:
        """The directories that services keep, by name."""
        registry = self.parts[Doorway].registry
        return {name: self._root() / name for service in registry for name in service.directories}

    async def _build(self, clock: Clock, contents: Path | None = None) -> None:
        """Build all parts but the listener, which stays once it was built; `contents` fill the stores in memory."""
        self.parts = parts = Parts()
        self._clock = clock
        stack, settings = self._stack, self.settings
        parts.add(Settings, settings)
        parts.add(Clock, clock)
        state = await self._open_state(clock, contents)
        blobs = self._open_blobs(contents)
        lake = await self._open_lake(contents)
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
        history = parts.add(History, History(lake, clock, kept=settings.history))
        history.keep(HOPS.name)
        history.keep(CHARGES.name)
        budgets = parts.add(Budgets, Budgets(doorway, clock))
        if settings.budget is not None:
            budgets.set(settings.budget)
        stack.callback(doorway.hops.flush)
        stack.callback(doorway.charges.flush)
        stack.callback(parts.add(HttpClient, HttpClient(self._directory("tls") / "ca.pem")).close)
        if self._authority is None:  # it stays, as the listener does which shows its certificates
            self._authority = CertificateAuthority(self._directory("tls"))
        authority = parts.add(CertificateAuthority, self._authority)
        parts.add(Certificates, authority)  # type: ignore[type-abstract]
        parts.add(SandboxHost, await self._sandbox_host(authority))
        stack.callback(parts.add(JsContexts, JsContexts()).close)
        turnstile, listener = self._entrance(authority)
        front = self._front(doorway, clock, timers)
        for service in doorway.registry:
            await stack.enter_async_context(service.running(parts))
        stack.callback(doorway.hops.settle)
        stack.push_async_callback(timers.stop)
        turnstile.open(front)
        if not listener.listening:
            await listener.start()
        stack.callback(parts[Studio].close)
        doorway.endpoint = self.url
        await self._daemon_proxy(doorway.tracing)
        await self._name_server(doorway)
        await timers.start()
        forgetting = asyncio.create_task(history.run())
        stack.callback(forgetting.cancel)
        lag = parts.add(LoopLag, LoopLag())
        lag.start()
        stack.callback(lag.stop)
        gc.freeze()

    async def _sandbox_host(self, authority: CertificateAuthority) -> SandboxHost:
        """The host of sandboxes, which stays too: its interpreters are warm, and whoever has sandboxes ends them."""
        if self._sandboxes is None:
            settings = self.settings
            self._sandboxes = SandboxHost(
                self._directory("sandboxes"),
                isolation=settings.isolation,
                now=lambda: self._clock.now(),
                databases=settings.databases,
                authority=lambda: authority.ca_file,
            )
            await self._sandboxes.start()
            self._ground.push_async_callback(self._sandboxes.stop)
        return self._sandboxes

    async def _open_state(self, clock: Clock, contents: Path | None) -> SqliteState:
        settings = self.settings
        path = None if settings.data is None else self._directory("state") / "kumoi.db"
        filled = None if contents is None else contents / STATE
        state = await SqliteState.open(path, durability=settings.durability, clock=clock, contents=filled)
        self._stack.push_async_callback(state.close)
        self.parts.add(State, state)  # type: ignore[type-abstract]
        return state

    def _open_blobs(self, contents: Path | None) -> Blobs:
        settings = self.settings
        blobs: Blobs = (
            MemoryBlobs(None if contents is None else contents / BLOBS)
            if settings.data is None
            else LocalBlobs(self._directory("blobs"), settings.durability)
        )
        return self.parts.add(Blobs, blobs)  # type: ignore[type-abstract]

    async def _open_lake(self, contents: Path | None) -> Lake:
        root = None if self.settings.data is None else self._directory("lake")
        filled = None if contents is None else contents / LAKE
        lake = await Lake.open(root, durability=self.settings.durability, contents=filled)
        self._stack.push_async_callback(lake.close)
        return self.parts.add(Lake, lake)

    def _front(self, doorway: Doorway, clock: Clock, timers: TimerRunner) -> Front:
        router = self.parts.add(Router, Router(default_region=self.settings.region))
        self.parts.add(HostNames, router.hosts)  # type: ignore[type-abstract]
        snapshots = SnapshotRequests(self.save, self.load)
        assert self._turnstile is not None, "the entrance is built before"
        recording = Recording(self._turnstile.repeats.shut, self._turnstile.repeats.open)
        wire = self.parts.add(Wire, Wire())
        studio = self.parts.add(Studio, Studio(doorway, wire))
        internal = Internal(doorway, clock, timers, self.reset, self._facts, studio, snapshots, recording)
        return self.parts.add(Front, Front(doorway, wire, router, internal, recording))

    def _entrance(self, authority: CertificateAuthority) -> tuple[Turnstile, Listener]:
        """The listener, and the turnstile behind it."""
        settings = self.settings
        if self._turnstile is None or self._listener is None:
            self._turnstile = Turnstile()
            self._listener = Listener(
                self._turnstile,
                host=settings.host,
                port=settings.port,
                websocket=self._turnstile.websocket,
                tls=authority,
                repeats=self._turnstile.repeats,
            )
        self.parts.add(FirstBytes, self._listener)  # type: ignore[type-abstract]
        self.parts.add(ClientCertificates, self._listener)  # type: ignore[type-abstract]
        return self._turnstile, self.parts.add(Listener, self._listener)

    def _root(self) -> Path:
        """The platform's directory; a temporary one when nothing is kept."""
        data = self.settings.data
        return self._temporary() if data is None else data.resolve()

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

    async def _name_server(self, doorway: Doorway) -> None:
        """Answer DNS, where the settings say so."""
        if self.settings.dns is not None:
            hosts = self.parts[HostNames]  # type: ignore[type-abstract]
            server = self.parts.add(DnsServer, DnsServer(doorway, hosts, port=self.settings.dns))
            await server.start()
            self._stack.push_async_callback(server.stop)

    def _directory(self, name: str) -> Path:
        """A directory of the platform's own, private to its user."""
        directory = self._root() / name
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory

    def _temporary(self) -> Path:
        if self._temporary_path is None:
            holder = TemporaryDirectory(prefix="kumoi-")
            self._ground.callback(holder.cleanup)
            self._temporary_path = Path(holder.name)
        return self._temporary_path

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
            **({"dns": f"127.0.0.1:{self.parts[DnsServer].port}"} if DnsServer in self.parts else {}),
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


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """While parts are built nothing is looked through for garbage: hardly any is made, and all else is here to stay."""
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looking:
            gc.enable()
