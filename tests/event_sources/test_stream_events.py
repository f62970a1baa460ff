"""Records of streams in batches that an invocation can take."""

from __future__ import annotations

import pytest

from kumoi.event_sources.stream_events import MOST_BATCH_BYTES, StreamRecord, fitting


def record(number: int, size: int) -> StreamRecord:
    return StreamRecord(str(number), "key", 0.0, {"data": "x" * size})


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([], []),
        ([10, 10, 10], [3]),
        ([MOST_BATCH_BYTES // 2 - 100] * 4, [2, 2]),
        ([MOST_BATCH_BYTES // 2 + 1] * 3, [1, 1, 1]),
        ([10, MOST_BATCH_BYTES * 2, 10], [1, 1, 1]),
    ],
)
def test_batches_stay_below_an_invocations_limit(sizes: list[int], batches: list[int]) -> None:
    records = [record(number, size) for number, size in enumerate(sizes)]
    got = list(fitting(records))
    assert [len(batch) for batch in got] == batches
    assert [one for batch in got for one in batch] == records
