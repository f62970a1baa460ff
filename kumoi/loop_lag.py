"""A meter of how late the event loop runs: nothing may block it for more than a few milliseconds.

A timer asks to be called after a fixed interval; how much later it is called is the lag. The worst of the last minute
is shown at `/_kumoi/info`; a lag past the limit is logged, once a second at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

logger = logging.getLogger(__name__)

INTERVAL = 0.1
WARN_SECONDS = 0.1


class LoopLag:
    """The meter; `start` it in a running loop."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=int(60 / INTERVAL))
        self._expected = 0.0
        self._warned = 0.0
        self._handle: asyncio.TimerHandle | None = None

    @property
    def worst_ms(self) -> float:
        """The worst lag of the last minute, in milliseconds."""
        return max(self._samples, default=0.0) * 1000

    def start(self) -> None:
        """Begin to measure."""
        loop = asyncio.get_running_loop()
        self._expected = loop.time() + INTERVAL
        self._handle = loop.call_at(self._expected, self._sample)

    def stop(self) -> None:
        """Measure no longer."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _sample(self) -> None:
        now = asyncio.get_running_loop().time()
        lag = max(now - self._expected, 0.0)
        self._samples.append(lag)
        if lag > WARN_SECONDS and now - self._warned > 1.0:
            self._warned = now
            logger.warning("the event loop was blocked for %.0f ms", lag * 1000)
        self.start()
