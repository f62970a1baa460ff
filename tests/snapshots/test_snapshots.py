"""A platform is saved while it is written to, and goes on from what was saved."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kumoi.cli import main
from kumoi.gateway.listener import Listener
from kumoi.platform import Platform, Settings
from kumoi.snapshots import packed_size
from kumoi.state import State, Transaction, transactional


def get(url: str) -> bytes:
    with urllib.request.urlopen(f"{url}/_kumoi/snapshot", timeout=60) as answer:
        return bytes(answer.read())


def load(url: str, archive: bytes, query: str = "") -> dict[str, Any]:
    request = urllib.request.Request(f"{url}/_kumoi/snapshot{query}", archive)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


def refused(url: str, archive: bytes) -> str:
    with pytest.raises(urllib.error.HTTPError) as found:
        load(url, archive)
    assert found.value.code == 400
    with found.value as answer:
        return str(json.load(answer)["error"])


class Running:
    """A platform in a thread of its own."""

    def __init__(self, data: Path | None) -> None:
        self.platform = Platform(Settings(port=0, data=data))
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.ask(self.platform.start())
        self.url = self.platform.url

    def ask(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def stop(self) -> None:
        self.ask(self.platform.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def clients() -> Iterator[Any]:
    import boto3

    made: list[Any] = []

    def client(url: str, service: str) -> Any:
        given = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        made.append(boto3.client(service, endpoint_url=url, **given))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def running(platform: Running) -> Running:
    platform.ask(platform.platform.reset())
    return platform


@pytest.fixture(scope="module", params=["ephemeral", "durable"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(None if request.param == "ephemeral" else tmp_path_factory.mktemp("platform"))
    yield found
    found.stop()


def test_everything_is_as_it_was_saved(running: Running, clients: Any) -> None:
    url = running.url
    sqs, s3, logs = (clients(url, service) for service in ("sqs", "s3", "logs"))
    queue = sqs.create_queue(QueueName="kept", Attributes={"DelaySeconds": "1"})["QueueUrl"]
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="large", Body=b"x" * 100_000)
    logs.create_log_group(logGroupName="kept")
    logs.create_log_stream(logGroupName="kept", logStreamName="s")
    now = running.ask(_now(running.platform))
    event = {"timestamp": int(now * 1000), "message": "kept"}
    logs.put_log_events(logGroupName="kept", logStreamName="s", logEvents=[event])
    sqs.send_message(QueueUrl=queue, MessageBody="kept")

    saved = get(url)
    s3.delete_object(Bucket="kept", Key="large")
    logs.put_log_events(logGroupName="kept", logStreamName="s", logEvents=[event | {"message": "later"}])
    sqs.delete_queue(QueueUrl=queue)
    sqs.create_queue(QueueName="later")
    assert load(url, saved)["format"] == 1

    assert sqs.list_queues()["QueueUrls"] == [queue]
    assert s3.get_object(Bucket="kept", Key="large")["Body"].read() == b"x" * 100_000
    found = logs.get_log_events(logGroupName="kept", logStreamName="s", startFromHead=True)["events"]
    assert [one["message"] for one in found] == ["kept"]
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "kept", "the timer of a delayed message has gone on"
    again = get(url)
    assert load(url, again)["files"] > 0, "what was loaded can be saved"


async def _now(platform: Platform) -> float:
    from kumoi.clock import Clock

    return platform.parts[Clock].now()


def test_the_clock_goes_on_from_the_saved_time_where_that_is_asked(running: Running) -> None:
    from kumoi.clock import Clock

    saved = get(running.url)
    taken = load(running.url, saved, "?clock=saved")["taken"]
    assert taken <= running.platform.parts[Clock].now() < taken + 60
    running.platform.parts[Clock].advance(86_400)
    ahead = get(running.url)
    load(running.url, ahead)
    assert running.platform.parts[Clock].now() >= taken + 86_400, "time does not run backwards"


@transactional
async def _pair(tx: Transaction, number: int) -> None:
    await tx.put(("left", number), b"")
    await tx.put(("right", number), b"")


@transactional
async def _count(tx: Transaction, name: str) -> int:
    return len([entry async for entry in _all(tx, name)])


async def _all(tx: Transaction, name: str) -> Any:
    for value in await tx.values((name,)):
        yield value


def test_it_is_one_moment_while_writes_go_on(running: Running) -> None:
    state = running.platform.parts[State]  # type: ignore[type-abstract]

    async def write(stop: asyncio.Event) -> int:
        number = 0
        while not stop.is_set():
            await _pair(state, number)
            number += 1
            await asyncio.sleep(0)
        return number

    async def begin() -> tuple[asyncio.Event, asyncio.Task[int]]:
        stop = asyncio.Event()
        return stop, asyncio.create_task(write(stop))

    async def end(stop: asyncio.Event, task: asyncio.Task[int]) -> int:
        stop.set()
        return await task

    stop, task = running.ask(begin())
    archives = [get(running.url) for _ in range(3)]
    written = running.ask(end(stop, task))
    seen = []
    for archive in archives:
        load(running.url, archive)
        state_now = running.platform.parts[State]  # type: ignore[type-abstract]
        left, right = (running.ask(_count(state_now, name)) for name in ("left", "right"))
        assert left == right
        seen.append(left)
    assert seen == sorted(seen) and seen[0] < seen[-1] <= written


def test_a_snapshot_is_listed_and_compared(running: Running, clients: Any, tmp_path: Path) -> None:
    sqs = clients(running.url, "sqs")
    sqs.create_queue(QueueName="first")
    first, second = tmp_path / "first.kumoi", tmp_path / "second.kumoi"
    runner, env = CliRunner(), {"KUMOI_URL": running.url, "KUMOI_DATA": str(tmp_path / "nothing")}
    assert runner.invoke(main, ["snapshot", "save", str(first)], env=env).exit_code == 0
    sqs.create_queue(QueueName="second")
    assert runner.invoke(main, ["snapshot", "save", str(second)], env=env).exit_code == 0
    listed = json.loads(runner.invoke(main, ["snapshot", "list", str(first), "--json"], env=env).output)
    assert [one["count"] for one in listed["records"] if one["kind"] == "sqs.queue"] == [1]
    changes = json.loads(runner.invoke(main, ["snapshot", "diff", str(first), str(second), "--json"], env=env).output)
    assert [(one["change"], one["name"]) for one in changes if one["kind"] == "sqs.queue"] == [("+", "second")]
    assert "loaded" in runner.invoke(main, ["snapshot", "load", str(first), "--yes"], env=env).output
    said = runner.invoke(main, ["snapshot", "diff", str(second)], env=env).output
    assert "- 000000000000 us-east-1 sqs.queue second" in said
    (tmp_path / "text").write_text("no archive")
    said = runner.invoke(main, ["snapshot", "list", str(tmp_path / "text")], env=env)
    assert said.exit_code == 1 and "is not a snapshot" in said.output


def test_one_that_the_platform_does_not_run_on_is_taken_back(running: Running, clients: Any) -> None:
    sqs = clients(running.url, "sqs")
    sqs.create_queue(QueueName="kept")
    saved, built = get(running.url), running.platform._build
    failing = [ValueError("records of another Kumoi")]

    async def build(*args: Any) -> None:
        await built(*args)
        if failing:
            raise failing.pop()

    running.platform.__class__._build, original = (lambda _self, *args: build(*args)), type(running.platform)._build
    try:
        assert "records of another Kumoi" in refused(running.url, saved)
    finally:
        running.platform.__class__._build = original
    kept = sqs.list_queues().get("QueueUrls", [])
    assert len(kept) == (0 if running.platform.settings.data is None else 1)
    assert load(running.url, saved)["format"] == 1
    assert len(sqs.list_queues()["QueueUrls"]) == 1


def test_one_that_cannot_be_taken_back_either_leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(tmp_path / "data")
    saved = get(running.url)

    async def build(*_: Any) -> None:
        raise ValueError("nothing runs any more")

    with monkeypatch.context() as patch:
        patch.setattr(Platform, "_build", build)
        assert "neither on the snapshot nor on what was there before" in refused(running.url, saved)
    for path in ("/_kumoi/health", "/"):
        with pytest.raises(urllib.error.HTTPError) as found:
            urllib.request.urlopen(f"{running.url}{path}", timeout=60)
        with found.value as answer:
            assert (answer.code, b"start it anew" in answer.read()) == (503, True)
    running.stop()
    again = Running(tmp_path / "data")
    assert get(again.url)
    again.stop()


@pytest.mark.parametrize("step", ["prepare", "exchange"])
def test_a_disk_that_fails_as_one_is_loaded_leaves_what_there_was(
    running: Running, clients: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    sqs = clients(running.url, "sqs")
    sqs.create_queue(QueueName="kept")
    saved = get(running.url)

    def fail(*_: Any) -> None:
        raise OSError("the disk fails")

    with monkeypatch.context() as patch:
        patch.setattr(f"kumoi.snapshot_loading.{step}", fail)
        assert "the disk fails" in refused(running.url, saved)
    in_memory = running.platform.settings.data is None
    assert len(sqs.list_queues().get("QueueUrls", [])) == (0 if in_memory and step == "exchange" else 1)
    assert load(running.url, saved)["format"] == 1
    assert len(sqs.list_queues()["QueueUrls"]) == 1


def test_a_client_that_leaves_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(tmp_path / "data")
    staged, left = threading.Event(), threading.Event()

    def packed(path: Path, manifest: Any) -> int:
        staged.set()
        assert left.wait(60)
        return packed_size(path, manifest)

    try:
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"))
        connection.request("POST", "/_kumoi/snapshot", headers={"Content-Length": "100000"})
        connection.send(get(running.url)[:50_000])
        connection.close()
        assert load(running.url, get(running.url))["format"] == 1
        assert not (tmp_path / "data/incoming").exists()
        monkeypatch.setattr("kumoi.gateway.snapshot_requests.packed_size", packed)
        connection.request("GET", "/_kumoi/snapshot")
        assert staged.wait(60)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        connection.close()
        ends = time.monotonic() + 60
        while running.platform.parts[Listener].connections:
            assert time.monotonic() < ends
            time.sleep(0.01)
        left.set()
        while list((tmp_path / "data/saving").glob("*")):
            assert time.monotonic() < ends
            time.sleep(0.01)
    finally:
        running.stop()
