"""What was sealed answers as what was not: columns worked out at sealing mean what is worked out in queries."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kumoi.lake import View

QUERIES = [
    "fields @timestamp, @message | sort @timestamp desc | limit 7",
    "fields level, user.id, @type | sort @timestamp asc | limit 20",
    "filter level = 'ERROR' | stats count(*), avg(latency) by service",
    "filter Level = 'x' | fields @message",
    "filter user.id > 3 and ok = true | sort latency | limit 9",
    "stats avg(@duration), max(@maxMemoryUsed), count(@requestId) by @type",
    "filter @message like /latency/ | parse @message '\"latency\":*,' as took | stats pct(took, 90)",
    "fields rare | filter ispresent(rare)",
    "dedup service | limit 5",
    "pattern @message | limit 3",
    "stats count(*) by bin(10s)",
]


def messages(count: int) -> list[str]:
    choose = random.Random(7)
    made = []
    for n in range(count):
        kind = n % 4
        if kind == 0:
            made.append(
                f"REPORT RequestId: 8286a188-ba32-4475-8077-530cd35c0{n % 1000:03d}\tDuration: {n}.5 ms\t"
                f"Billed Duration: {n} ms\tMemory Size: 128 MB\tMax Memory Used: {n % 90} MB\t"
            )
        elif kind == 1:
            made.append(f"plain text '{n}' {{not json")
        else:
            key = "Level" if n % 7 == 0 else "level"
            extra = ',"rare":1' if n == 42 else ""
            made.append(
                f'{{"{key}":"{choose.choice(["ERROR", "INFO"])}","service":"s{n % 3}","latency":{n},"ok":true,'
                f'"user":{{"id":{n % 9}}}{extra}}}'
            )
    return made


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kumoi.lake.store.SEAL_ROWS", 30)


@pytest.mark.usefixtures("small_segments")
def test_sealed_events_answer_alike(make_events: Any) -> None:
    fresh, sealed = make_events(), make_events()
    for part in range(0, 300, 30):
        sealed.put(messages(300)[part : part + 30], start=1_700_000_000_000 + 1000 * part)
    sealed.seal()
    fresh.lake._stores["log_events"]._rotate = lambda: None
    fresh.put(messages(300))
    store = sealed.lake._stores["log_events"]
    held = {name for file in store.catalog.files.values() for name in file.derived}
    assert {"@duration", "/level", "/user/id"} <= held and "/Level" not in held
    assert len(store.catalog.files) < 10 and not list(store.tail(View("log_events", None, None).selection()))
    for query in QUERIES:
        assert sealed.answer(query) == fresh.answer(query), query


@pytest.mark.usefixtures("small_segments")
def test_the_newest_are_found_without_reading_every_file(make_events: Any) -> None:
    events = make_events()
    for part in range(8):
        events.put([f"{part} {n}" for n in range(30)], start=1_700_000_000_000 + part * 100_000)
    events.seal()
    assert [row["@message"] for row in events.ask("limit 2")] == ["7 29", "7 28"]
    assert [row["@message"] for row in events.ask("sort @timestamp asc | limit 2")] == ["0 0", "0 1"]
    events.put(["late"], start=1_700_000_000_000)
    assert [row["@message"] for row in events.ask("sort @timestamp asc | limit 2")] == ["0 0", "late"]
