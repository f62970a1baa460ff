"""A platform that is killed while messages come in, files are merged, contents are made: nothing is lost or twice."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 2


SEGMENTS = 16
"""Files that are merged into one."""


@pytest.fixture
def start(killable: Any, connect: Callable[..., Any]) -> Iterator[Any]:
    """A platform with a channel, a pipeline, a store and a data set that counts what is stored; its client."""
    killable.start()
    client = connect("iotanalytics", killable.url, "test")
    client.create_channel(channelName="c")
    client.create_datastore(datastoreName="d")
    activities = [
        {"channel": {"name": "in", "channelName": "c", "next": "f"}},
        {"filter": {"name": "f", "filter": "n >= 0", "next": "out"}},
        {"datastore": {"name": "out", "datastoreName": "d"}},
    ]
    client.create_pipeline(pipelineName="p", pipelineActivities=activities)
    sql = "SELECT n, count(*) AS times FROM d GROUP BY n"
    client.create_dataset(datasetName="s", actions=[{"actionName": "q", "queryAction": {"sqlQuery": sql}}])
    yield client
    client.close()


@pytest.fixture
def counted(start: Any, until: Callable[..., Any]) -> Callable[..., Any]:
    """How often each number is in the store, by a content of the data set; None while there is no row at all."""

    def times(version: str | None = None) -> dict[int, int] | None:
        version = version or start.create_dataset_content(datasetName="s")["versionId"]

        def ended() -> Any:
            answer = start.get_dataset_content(datasetName="s", versionId=version)
            return answer if answer["status"]["state"] != "CREATING" else None

        answer = until(ended, "no content")
        if answer["status"]["state"] == "FAILED":
            assert "not found in FROM" in answer["status"]["reason"]  # the rows are on their way
            return None
        with urllib.request.urlopen(answer["entries"][0]["dataURI"], timeout=60) as content:
            rows = list(csv.reader(io.StringIO(content.read().decode())))[1:]
        return {int(n): int(count) for n, count in rows}

    return times


def put(client: Any, numbers: range) -> None:
    messages = [{"messageId": str(n), "payload": json.dumps({"n": n}).encode()} for n in numbers]
    client.batch_put_message(channelName="c", messages=messages)


def at_once(condition: Callable[[], bool]) -> None:
    """Return the moment that a condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"


@pytest.mark.slow
def test_acknowledged_messages_are_stored_once_though_the_platform_is_killed(
    killable: Any, start: Any, counted: Callable[..., Any], until: Callable[..., Any]
) -> None:
    sent, acknowledged = 0, set()
    for _ in range(ROUNDS):
        enough = threading.Event()

        def kill(enough: threading.Event = enough) -> None:
            enough.wait(60)
            killable.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        batches = 0
        while killer.is_alive():
            numbers = range(sent, sent + 20)
            sent += 20
            try:
                put(start, numbers)
            except (BotoCoreError, ClientError):
                break
            acknowledged |= set(numbers)
            batches += 1
            if batches == 15:
                enough.set()
        enough.set()
        killer.join()
        killable.start()

    def all_there() -> Any:
        times = counted()
        return times if times is not None and acknowledged <= times.keys() else None

    times = until(all_there, "messages were lost")
    assert set(times.values()) == {1}


def test_rows_are_there_once_though_the_platform_is_killed_while_it_merges_and_makes_contents(
    killable: Any, start: Any, counted: Callable[..., Any], until: Callable[..., Any]
) -> None:
    def files() -> int:
        return sum(1 for _ in (killable.data / "iotanalytics" / "datastores").rglob("*.parquet"))

    def contents() -> int:
        return sum(1 for _ in (killable.data / "iotanalytics" / "contents").rglob("*"))

    for number in range(SEGMENTS - 1):
        put(start, range(number * 10, number * 10 + 10))
        until(lambda number=number: files() > number, "a batch was not stored")
    put(start, range(150, 160))
    at_once(lambda: files() not in (SEGMENTS - 1, SEGMENTS))  # more or fewer: it is merging, or it has just merged
    killable.kill()
    killable.start()
    version = start.create_dataset_content(datasetName="s")["versionId"]
    at_once(lambda: contents() > 0)
    killable.kill()
    killable.start()
    once = dict.fromkeys(range(160), 1)
    assert counted(version) == once
    assert counted() == once
    put(start, range(160, 170))  # with the next batch it goes on to merge
    until(lambda: files() < SEGMENTS, "the files were not merged after all")
    once |= dict.fromkeys(range(160, 170), 1)
    until(lambda: counted() == once, "the last batch was not stored")
