"""One execution at work: takes what has happened, steps the run until everything waits, commits, and only then acts.

What happens to an execution (a task's answer, a token, a timer, a stop) is posted to its driver and handled one after
the other. Pure states are not committed one by one: a commit comes before an effect, a timer or the end. An execution
that begins is stepped first and stored with what came of it: one that only computes is one transaction in all. An
Express execution is never stored. Steps of a machine that uses JSONata run on a thread, since an expression may take
long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from time import perf_counter
from typing import Any

import msgspec

from kumoi.clock import Clock
from kumoi.services.stepfunctions import store
from kumoi.services.stepfunctions.integrations.task import key_of
from kumoi.services.stepfunctions.interpreter import Interpreter
from kumoi.services.stepfunctions.records import ActivityTask, ExecutionRecord, Frame, TokenRecord
from kumoi.services.stepfunctions.run import Changes, Run
from kumoi.services.stepfunctions.store import YEAR, Batch
from kumoi.services.stepfunctions.task_events import resource_of
from kumoi.state import State

logger = logging.getLogger(__name__)

SLICE = 0.003
"""Seconds that pure states may take before others get their turn."""
AHEAD = 10
"""Such slices that a Standard execution may take before it is stored for the first time."""
Action = Callable[[Interpreter], Any]
Effect = Callable[["Driver", Frame], Coroutine[Any, Any, None]]
Listener = Callable[["Driver", Changes], None]


class Stuck(Exception):
    """What happened to an execution could not be committed: it goes on when the platform is started again."""


class Driver:
    """Drives one run. `effect` does what a frame asks for; `listen` is told of changes once they are committed."""

    def __init__(
        self,
        run: Run,
        state: State,
        clock: Clock,
        *,
        effect: Effect,
        abandon: Callable[[State, str, str], None],
        listen: Listener,
        ended: Callable[[Driver], None],
        rested: Callable[[Driver], None],
        repost: Callable[[str, Action], asyncio.Future[Any]],
        threads: Executor,
    ) -> None:
        self._threads = threads
        self.run = run
        self.state = state
        self.region = state.region
        self.finished: asyncio.Future[ExecutionRecord] = asyncio.get_running_loop().create_future()
        self.interpreter = Interpreter(run, clock.now, state.region)
        self._clock = clock
        self._effect = effect
        self._abandon = abandon
        self._listen = listen
        self._ended = ended
        self._rested = rested
        self._repost = repost
        self._inbox: list[tuple[Action, asyncio.Future[Any] | None]] = []
        self._wake = asyncio.Event()
        self._quiet = asyncio.Event()
        self._working: dict[int, asyncio.Task[None]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._busy = self._stuck = self._away = False
        self._awaited = 0
        self._timer: float | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._threaded = run.machine.evaluates
        self._task: asyncio.Task[None] | None = None

    @property
    def durable(self) -> bool:
        """Whether the execution is stored."""
        return not self.run.execution.express

    def begin(self) -> None:
        """Step an execution that begins, for one slice; `launch` goes on from there."""
        if not self._threaded:
            self._work([(Interpreter.begin, None)], perf_counter() + SLICE)

    async def ahead(self) -> Batch:
        """Step an execution that begins; what is to be stored with it before `launch`."""
        self.begin()
        for _ in range(AHEAD):
            if not self.run.ready:
                break
            await asyncio.sleep(0)
            self._work([], perf_counter() + SLICE)
        return self._batch(self.run.changes, self._due())

    def launch(self) -> None:
        """Go on behind what `begin` did, now that it is stored."""
        changes, self.run.changes = self.run.changes, Changes()
        due = self._due()
        if not self.durable:
            self._set_alarm(due)
        if self.run.last == 0:
            self._inbox.append((Interpreter.begin, None))
        self._committed(changes, due)
        if self.run.ended:
            self._quiet.set()
            return
        if self._inbox or self.run.ready:
            self._wake.set()
        else:
            self._rest()
        self._task = asyncio.create_task(self._live())

    def resume(self, *, crashed: bool = True) -> None:
        """Go on with what is stored: after a crash, or as it was put away."""
        if self.run.last == 0:
            self._inbox.append((Interpreter.begin, None))
        else:
            self.run.resume(crashed=crashed)
        self._timer = -1.0  # whatever is set in state is set anew
        self._wake.set()
        self._task = asyncio.create_task(self._live())

    def post(self, action: Action) -> asyncio.Future[Any]:
        """Have something happen to the execution; what the action answers, once its consequences are committed.

        None when the execution has ended before.
        """
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.finished.done():
            done.set_result(None)
            return done
        if self._away:
            return self._repost(self.run.execution.arn, action)
        if self._stuck:
            done.set_exception(Stuck(self.run.execution.arn))
            return done
        self._inbox.append((action, done))
        self._quiet.clear()
        self._wake.set()
        return done

    @property
    def idle(self) -> bool:
        """Whether all there is to know is stored, and nobody and nothing is at work: it can be put away."""
        at_work = self._busy or self._stuck or self._awaited or self._wake.is_set() or self._inbox or self._working
        done = self.finished.done() or self.run.ended
        return self.durable and not (at_work or done or self.run.ready or self.run.execution.map_run)

    def put_away(self) -> None:
        """Give up an idle execution's place in memory: it is taken up again when something happens to it."""
        self._away = True
        if self._task is not None:
            self._task.cancel()

    async def end(self) -> None:
        """Return once the execution has ended, or at once for one that is put away."""
        if self._away:
            return
        self._awaited += 1
        try:
            await asyncio.wait([self.finished])
        finally:
            self._awaited -= 1

    async def quiet(self) -> None:
        """Return once the execution waits for time or for others, or has ended."""
        await self._quiet.wait()

    async def stop(self) -> None:
        """Stop where it is; what is stored goes on at the next start."""
        tasks = [task for task in (self._task, self._alarm, *self._working.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self.finished.done():
            self.finished.cancel()

    async def _live(self) -> None:
        handled: list[tuple[Action, asyncio.Future[Any] | None]] = []
        try:
            while not self.run.ended:
                await self._wake.wait()
                self._wake.clear()
                self._busy = True
                handled, self._inbox = self._inbox, []
                await self._turn(handled)
                self._busy = False
                self._rest()
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("the execution %s is stuck until the next start", self.run.execution.arn)
            self._stuck = True
            for _, done in [*handled, *self._inbox]:
                if done is not None and not done.done():
                    done.set_exception(Stuck(self.run.execution.arn))
        finally:
            self._quiet.set()

    async def _turn(self, inbox: list[tuple[Action, asyncio.Future[Any] | None]]) -> None:
        if self._threaded:
            loop = asyncio.get_running_loop()
            answers = await loop.run_in_executor(self._threads, self._work, inbox, float("inf"))
        else:
            answers = self._work(inbox, perf_counter() + SLICE)
            while self.run.ready:
                await asyncio.sleep(0)
                self._work([], perf_counter() + SLICE)
        await self._commit()
        for (_, done), answer in zip(inbox, answers, strict=True):
            if done is not None and not done.done():
                done.set_result(answer)

    def _work(self, inbox: list[tuple[Action, asyncio.Future[Any] | None]], until: float) -> list[Any]:
        run, step = self.run, self.interpreter.step
        answers = [None if run.ended else action(self.interpreter) for action, _ in inbox]
        while run.ready:
            step()
            if perf_counter() > until:
                break
        return answers

    async def _commit(self) -> None:
        run = self.run
        changes, run.changes = run.changes, Changes()
        due = self._due()
        if changes.matter or due != self._timer:
            if self.durable:
                await store.commit(self.state, self._batch(changes, due))
            elif due != self._timer:
                self._set_alarm(due)
        self._committed(changes, due)

    def _due(self) -> float | None:
        """When the next thing is due, None for an execution that has ended."""
        return self.run.next_due() if not self.run.ended else None

    def _committed(self, changes: Changes, due: float | None) -> None:
        """Do what follows from changes that are stored."""
        run = self.run
        self._timer = due
        run.stored = (run.stored | changes.touched) - changes.dropped
        for number in changes.cancelled:
            task = self._working.pop(number, None)
            if task is not None:
                task.cancel()
        for _, job in changes.abandoned:
            self._abandon(self.state, run.execution.arn, job)
        self._listen(self, changes)
        if run.ended:
            self._end()
            return
        for number in changes.effects:
            frame = run.frames.get(number)
            if frame is not None and frame.phase in ("call", "job", "map-run"):
                self._begin_effect(frame)

    def _batch(self, changes: Changes, due: float | None) -> Batch:
        run = self.run
        touched = [run.frames[number] for number in sorted(changes.touched) if number in run.frames]
        return Batch(
            execution=run.execution,
            whole=run.ended,
            events=changes.events,
            frames=touched,
            dropped=sorted(changes.dropped),
            values=[one for one in map(self._value, changes.values) if one is not None],
            closed=sorted(changes.closed),
            tokens=[self._token(run.frames[number]) for number in changes.tokens if self._holds_token(number)],
            spent=changes.spent,
            abandoned=[job for _, job in changes.abandoned],
            answered=[key_of(run.execution.arn, event) for event in changes.answered],
            due=due,
            set_timer=due != self._timer,
        )

    def _value(self, place: tuple[int, int, int]) -> tuple[int, int, Any] | None:
        """What is to be stored of a fork; nothing where that fork is over."""
        number, fork, index = place
        frame = self.run.frames.get(number)
        if frame is None or frame.fork != fork or number not in self.run.results:
            return None
        return fork, index, self.run.items[number] if index < 0 else self.run.results[number][index]

    def _holds_token(self, number: int) -> bool:
        frame = self.run.frames.get(number)
        return frame is not None and frame.token is not None

    def _token(self, frame: Frame) -> tuple[TokenRecord, ActivityTask | None]:
        execution, resource = self.run.execution, resource_of(self.run.state_of(frame))
        assert frame.token is not None
        record = TokenRecord(
            token=frame.token,
            account=self.state.account,
            region=self.region,
            machine=execution.machine,
            execution=execution.name,
            frame=frame.id,
            scheduled=frame.scheduled,
            expires=self._clock.now() + YEAR,
        )
        if resource.kind != "activity":
            return record, None
        from kumoi.services.stepfunctions.language.json_text import dumps

        name = resource.arn.rpartition(":")[2]
        record = msgspec.structs.replace(record, activity=name, input=dumps(frame.request))
        return record, ActivityTask(activity=name, place=0, token=frame.token)

    def _begin_effect(self, frame: Frame) -> None:
        task = asyncio.create_task(self._effect(self, frame))
        self._working[frame.id] = task
        if frame.phase == "call":
            self._calls.add(task)
            self._quiet.clear()
        task.add_done_callback(lambda task: self._effect_done(frame.id, task))

    def _effect_done(self, number: int, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        if self._working.get(number) is task:
            del self._working[number]
        if not task.cancelled() and task.exception() is not None:
            logger.error("an effect of %s failed", self.run.execution.arn, exc_info=task.exception())
        self._rest()

    def _rest(self) -> None:
        """Note that nothing goes on by itself, if that is so."""
        if not self._calls and not self._inbox and not self.run.ready and not self._busy:
            self._quiet.set()
            if self.idle:
                self._rested(self)

    def _set_alarm(self, due: float | None) -> None:
        """Wake an Express execution, which has no timer in state."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if due is None else asyncio.create_task(self._ring(due))

    async def _ring(self, due: float) -> None:
        await self._clock.sleep_until(due)
        self._alarm = None
        self.post(Interpreter.due)

    def _end(self) -> None:
        tasks = [task for task in (self._alarm, *self._working.values()) if task is not None]
        for task in tasks:
            task.cancel()
        self._working.clear()
        for _, done in self._inbox:
            if done is not None and not done.done():
                done.set_result(None)
        self._inbox = []
        self._ended(self)
        self.finished.set_result(self.run.execution)
