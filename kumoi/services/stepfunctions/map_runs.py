"""Map runs: the child executions of a Distributed Map. Which runs are under way, and what others ask of them."""

from __future__ import annotations

import logging

import msgspec

from kumoi.doorway import Doorway
from kumoi.services.stepfunctions.driver import Driver
from kumoi.services.stepfunctions.engine import Engine
from kumoi.services.stepfunctions.language.errors import StateError
from kumoi.services.stepfunctions.map_records import (
    MapRunRecord,
    Tally,
    change_run,
    children_of,
    count,
    load_run,
    put_children,
)
from kumoi.services.stepfunctions.map_run import MapRun
from kumoi.services.stepfunctions.records import Frame
from kumoi.state import State as Store

logger = logging.getLogger(__name__)


class MapRuns:
    """Runs map runs, their children by an engine."""

    def __init__(self, doorway: Doorway, engine: Engine) -> None:
        self._doorway = doorway
        self._engine = engine
        self._live: dict[str, MapRun] = {}

    async def run(self, driver: Driver, frame: Frame) -> None:
        """Run what a frame planned; its driver is told how it ended."""
        number, scheduled = frame.id, frame.scheduled
        failure: tuple[str, str | None] | None = None
        assert frame.job is not None
        run = self._live[frame.job] = MapRun(self._doorway, self._engine, driver, frame)
        try:
            result = await run.go()
        except StateError as error:
            failure = (error.error, error.cause)
        except Exception as error:
            logger.exception("the map run %s failed", frame.job)
            failure = ("States.TaskFailed", f"Kumoi failed at {frame.job} ({type(error).__name__}: {error}).")
        finally:
            if self._live.get(run.arn) is run:
                del self._live[run.arn]
        if failure is not None:
            ended = failure
            driver.post(lambda one: one.map_run_ended(number, scheduled, None, ended))
            return
        driver.post(lambda one: one.map_run_ended(number, scheduled, result, None))

    async def abort(self, state: Store, map_run: str) -> None:
        """Abort a run that nobody waits for any more, and what still runs of it."""
        record = await load_run(state, map_run)
        if record is None or record.status != "RUNNING":
            return
        tally: Tally = {}
        async for chunk in children_of(state, map_run):
            for child in chunk:
                aborted = child.status == "RUNNING"
                now_so = msgspec.structs.replace(child, status="ABORTED") if aborted else child
                if aborted:
                    await self._engine.abort(child.arn)
                    await put_children(state, [now_so])
                count(tally, now_so, 1)
        now = self._doorway.clock.now()
        await change_run(state, map_run, {"status": "ABORTED", "stopped": now, "tally": tally})

    async def tally(self, state: Store, record: MapRunRecord) -> Tally:
        """How the children of a run stand: as the run under way knows, as it was noted at its end, or counted."""
        live = self._live.get(record.arn)
        if live is not None and live.tally:
            return live.tally
        if record.status != "RUNNING" and record.tally:
            return record.tally
        tally: Tally = {}
        redriving = record.redriving if record.status == "RUNNING" else None
        async for chunk in children_of(state, record.arn):
            for child in chunk:
                count(tally, child, 1, redriving)
        return tally

    def held_to(self, record: MapRunRecord) -> None:
        """What a run is held to has changed."""
        live = self._live.get(record.arn)
        if live is not None:
            live.held_to(record)
