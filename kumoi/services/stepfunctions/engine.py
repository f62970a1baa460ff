"""The engine: the drivers of executions under way, by ARN; and what is due, told to whom it concerns.

All that an execution needs which waits is stored: a thousand of those stay in memory, the others are taken up again
when something happens to them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kumoi.clock import Clock
from kumoi.doorway import Doorway
from kumoi.services.stepfunctions import store
from kumoi.services.stepfunctions.driver import Action, Driver
from kumoi.services.stepfunctions.effects import Effects
from kumoi.services.stepfunctions.interpreter import Interpreter
from kumoi.services.stepfunctions.language.definition import Machine
from kumoi.services.stepfunctions.publishing import Publishing
from kumoi.services.stepfunctions.records import ExecutionRecord
from kumoi.services.stepfunctions.run import Run
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner

logger = logging.getLogger(__name__)

JSONATA_THREADS = 4
"""Machines with JSONata that are stepped at once."""
RESIDENT = 1_000
"""Executions that wait, and have a driver in memory all the same."""
RESUME = "stepfunctions.resume"


class Engine:
    """Runs executions."""

    def __init__(self, doorway: Doorway, timers: TimerRunner, effects: Effects, publishing: Publishing) -> None:
        self.drivers: dict[str, Driver] = {}
        self._idle: dict[str, Driver] = {}
        self._reposted: set[asyncio.Task[Any]] = set()
        self._state: State = doorway.state
        self._clock: Clock = doorway.clock
        self._timers = timers
        self._effects = effects
        self._publishing = publishing
        self._threads = ThreadPoolExecutor(JSONATA_THREADS, thread_name_prefix="jsonata")
        self._resumed = asyncio.Event()
        self.abort_map_run: Callable[[State, str], Coroutine[Any, Any, None]] | None = None
        self._stopping: dict[asyncio.Task[None], str] = {}
        self._taking: dict[tuple[str, str, str, str], asyncio.Task[Driver | None]] = {}
        timers.on(store.DUE, self._due)
        timers.on(RESUME, self._resume)

    def launch(self, account: str, region: str, execution: ExecutionRecord, machine: Machine) -> Driver:
        """Run an execution that begins and is not stored."""
        driver = self._driver(account, region, Run(execution, machine))
        driver.begin()
        self._launch(driver)
        return driver

    async def start(
        self, account: str, region: str, execution: ExecutionRecord, machine: Machine
    ) -> tuple[ExecutionRecord, Driver | None]:
        """Store a Standard execution and run it: what it was begun as, and its driver, once it is stored. Or, without
        a driver, the execution that has its name.
        """
        driver = self._driver(account, region, Run(execution, machine))
        launched: list[Driver] = []

        def launch() -> None:
            launched.append(driver)
            self._launch(driver)

        batch = await driver.ahead()
        named = await store.begin(self._state.at(account, region), execution, batch, launch)
        return named, launched[0] if launched else None

    async def start_child(self, account: str, region: str, execution: ExecutionRecord, machine: Machine) -> Driver:
        """Run an execution, stored where it is a Standard one; its driver."""
        if execution.express:
            return self.launch(account, region, execution, machine)
        named, driver = await self.start(account, region, execution, machine)
        if driver is None:
            raise RuntimeError(f"{named.arn} is {named.status} and could not be taken up")
        return driver

    async def prepare(self) -> None:
        """Have what an earlier process left behind taken up once the platform is up."""
        await _set_resume(self._state.at("", ""))

    async def driver(self, arn: str) -> Driver | None:
        """The driver of an execution that runs; a Standard one is taken up where it has none."""
        await self._resumed.wait()
        found = self.drivers.get(arn)
        if found is not None or ":execution:" not in arn:
            return found
        _, _, _, region, account, _, machine, name = arn.split(":")
        return await self.take_up(account, region, machine, name)

    async def _resume(self, _timer: Timer) -> None:
        for one in await store.still_running(self._state.at("", "")):
            try:
                await self.take_up(one.account, one.region, one.machine, one.name, crashed=True)
            except Exception:
                logger.exception("the execution %s of %s could not be taken up", one.name, one.machine)
        try:
            for left in await store.left_behind(self._state.at("", "")):
                self._abandon(self._state.at(left.account, left.region), left.execution, left.job)
        finally:
            self._resumed.set()

    async def take_up(
        self, account: str, region: str, machine: str, name: str, *, crashed: bool = False
    ) -> Driver | None:
        """Go on with an execution that is stored: its driver, one for all who ask; None when it does not run."""
        place = (account, region, machine, name)
        taking = self._taking.get(place)
        if taking is None:
            taking = self._taking[place] = asyncio.create_task(self._take_up(*place, crashed=crashed))
            taking.add_done_callback(lambda _: self._taking.pop(place, None))
        return await asyncio.shield(taking)

    async def _take_up(self, account: str, region: str, machine: str, name: str, *, crashed: bool) -> Driver | None:
        before = self.drivers.get(f"arn:aws:states:{region}:{account}:execution:{machine}:{name}")
        if before is not None and not before.run.ended:
            return before
        if before is not None:
            await asyncio.wait([before.finished])
        run = await store.load(self._state.at(account, region), machine, name)
        if run is None or run.ended:
            return None
        driver = self._driver(account, region, run)
        self.drivers[run.execution.arn] = driver
        driver.resume(crashed=crashed)
        return driver

    def _launch(self, driver: Driver) -> None:
        self.drivers[driver.run.execution.arn] = driver
        driver.launch()

    def _driver(self, account: str, region: str, run: Run) -> Driver:
        return Driver(
            run,
            self._state.at(account, region),
            self._clock,
            effect=self._effects.run,
            abandon=self._abandon,
            listen=self._publishing.told,
            ended=self._ended,
            rested=self._rested,
            repost=self._repost,
            threads=self._threads,
        )

    async def abort(self, arn: str, error: str | None = None, cause: str | None = None) -> None:
        """Stop an execution, also one that is stored as running and has no driver; one that has ended stays so."""
        driver = await self.driver(arn)
        if driver is not None:
            await driver.post(lambda interpreter: interpreter.stop(error, cause))

    async def ended(self, arn: str) -> None:
        """Return once an execution runs no more; at once for one that does not run."""
        while (driver := await self.driver(arn)) is not None:
            await driver.end()

    def _abandon(self, state: State, execution: str, job: str) -> None:
        """Nobody waits any more for what a task of an execution began: it is stopped."""
        stopping = asyncio.create_task(self._stop_job(state, execution, job))
        self._stopping[stopping] = execution
        stopping.add_done_callback(self._stopping.pop)

    async def settled(self, arn: str) -> None:
        """Return once what an execution has abandoned is stopped: it can be redriven then."""
        await self._resumed.wait()
        stopping = [task for task, execution in self._stopping.items() if execution == arn]
        if stopping:
            await asyncio.wait(stopping)

    async def _stop_job(self, state: State, execution: str, job: str) -> None:
        if ":mapRun:" in job:
            assert self.abort_map_run is not None
            await self.abort_map_run(state, job)
        else:
            cause = f"The execution {execution} that waited for this one has gone on or was stopped."
            await self.abort(job, None, cause)
        await store.stopped(self._state.at("", ""), job)

    def _rested(self, driver: Driver) -> None:
        """An execution waits: the one that has waited the longest is put away, if there are too many."""
        arn = driver.run.execution.arn
        self._idle.pop(arn, None)
        self._idle[arn] = driver
        while len(self._idle) > RESIDENT:
            arn = next(iter(self._idle))
            oldest = self._idle.pop(arn)
            if oldest.idle and self.drivers.get(arn) is oldest:
                del self.drivers[arn]
                oldest.put_away()

    def _repost(self, arn: str, action: Action) -> asyncio.Future[Any]:
        """Have something happen to an execution that was put away meanwhile."""

        async def post() -> Any:
            driver = await self.driver(arn)
            return None if driver is None else await driver.post(action)

        task = asyncio.create_task(post())
        self._reposted.add(task)
        task.add_done_callback(self._reposted.discard)
        return task

    def _ended(self, driver: Driver) -> None:
        self.drivers.pop(driver.run.execution.arn, None)
        self._idle.pop(driver.run.execution.arn, None)
        self._effects.forget(driver.run.execution.arn)

    async def _due(self, timer: Timer) -> None:
        driver = await self.driver(timer.payload.decode())
        if driver is None:
            return
        await driver.post(Interpreter.due)
        if self._timers.advancing:
            await driver.quiet()

    async def forget(self, account: str | None) -> None:
        """Stop what runs for an account, or all, without a trace."""
        drivers = [one for one in self.drivers.values() if account in (None, one.state.account)]
        for driver in drivers:
            self._ended(driver)
        await asyncio.gather(*(driver.stop() for driver in drivers))

    async def stop(self) -> None:
        """Stop everything; Standard executions go on at the next start."""
        for task in (*self._stopping, *self._taking.values(), *self._reposted):
            task.cancel()
        await self.forget(None)
        self._threads.shutdown(wait=False, cancel_futures=True)


@transactional
async def _set_resume(tx: Transaction) -> None:
    tx.timer(0.0, RESUME, key="all")
