from __future__ import annotations

import asyncio
import time

import pytest

from kumoi.loop_lag import INTERVAL, LoopLag


def test_blocking_the_loop_shows_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> float:
        meter = LoopLag()
        meter.start()
        await asyncio.sleep(0)
        time.sleep(INTERVAL + 0.25)  # blocks the loop: what is being measured
        while not meter.worst_ms:
            await asyncio.sleep(0)
        meter.stop()
        return meter.worst_ms

    assert asyncio.run(scenario()) >= 200
    assert "the event loop was blocked for" in caplog.text
