"""What is kept of metrics, and how it is dropped: on a store of one's own."""

from __future__ import annotations

import asyncio

from kumoi.clock import Clock
from kumoi.services.cloudwatch.records import metrics, periods
from kumoi.services.cloudwatch.storage import KEPT, TRIM_TOPIC, Datum, put, trim
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.sqlite import SqliteState


@transactional
async def _left(tx: Transaction) -> tuple[int, int]:
    return len(await metrics.list(tx)), len(await periods.list(tx))


def test_the_old_is_dropped_some_at_a_time_and_the_new_is_kept() -> None:
    async def main() -> None:
        clock = Clock()
        clock.hold()
        state = (await SqliteState.open(None, clock=clock)).at("000000000000", "us-east-1")
        now = clock.now()
        seconds = [Datum("m", (), now - at, "None", 1, ((1.0, 1.0),)) for at in range(2_500)]
        await put(state, "Shop", seconds)
        await put(state, "Shop", [Datum("n", (), now, "None", 60, ((1.0, 1.0),))])
        clock.advance(KEPT[1] + 3_600)
        rounds = 0
        timer = Timer(0, 0.0, TRIM_TOPIC, b"", "trim", "000000000000", "us-east-1", 1)
        while (await _left(state))[1] > 1:
            await trim(state, timer)
            rounds += 1
        assert rounds == 3
        assert await _left(state) == (2, 1)
        await state.close()

    asyncio.run(main())
