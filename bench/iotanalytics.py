"""IoT Analytics beside DuckDB: CPU time from a channel's messages to Parquet, into the channel, and out of the store.

    scripts/bench iotanalytics            # or .venv/bin/python bench/iotanalytics.py [messages]
    .venv/bin/python bench/iotanalytics.py large FOLDER    # queries of the Parquet files there, and their memory

The messages are synthetic, 128 bytes of JSON each; filter `battery > 10 AND hum < 90`, math `(tempF - 32) * 5 / 9`.
Functions of doubles that SQL does not have exactly are computed one value after the other; a path within an object has
messages pass one by one.
The peer is DuckDB in this process, on one thread, with the columns declared, reading the same messages from files of
JSON lines, plain and packed (gzip, level 1), a hundred thousand each. Of each measure the best of three runs counts:
the machine is shared. Ratios are of CPU times of one run of this script.
"""

from __future__ import annotations

import base64
import gzip
import random
import resource
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import uvloop
from invoke import kumoi
from load import cpu_seconds, exchange, free_port, load, request, server

from kumoi.doorway import Doorway, Principal
from kumoi.lake import Lake
from kumoi.platform import Platform, Settings
from kumoi.presto.engine import Run
from kumoi.presto.outputs import Output
from kumoi.presto.tables import Part, Relation
from kumoi.services.iotanalytics.runner import Runner

ACCOUNT, REGION = "000000000000", "us-east-1"
PER_FILE = 100_000
RUNS = 3
FILTER, MATH = "battery > 10 AND hum < 90", "(tempF - 32) * 5 / 9"
COLUMNS = (
    "{sensor_id: 'VARCHAR', farm: 'VARCHAR', ts: 'BIGINT', tempF: 'DOUBLE', hum: 'DOUBLE', battery: 'BIGINT', "
    "loc: 'STRUCT(lat DOUBLE, lon DOUBLE)'}"
)


def messages(count: int) -> Iterator[bytes]:
    chance = random.Random(1)
    for n in range(count):
        yield orjson.dumps(
            {
                "sensor_id": f"s{n % 1000:04}",
                "farm": f"farm{n % 20:02}",
                "ts": 1_767_225_600_000 + n * 7,
                "tempF": round(chance.uniform(30, 110), 1),
                "hum": round(chance.uniform(20, 98), 1),
                "battery": chance.randint(1, 100),
                "loc": {"lat": round(chance.uniform(30, 50), 4), "lon": round(chance.uniform(-10, 10), 4)},
            }
        )


class Spent:
    """CPU and wall seconds of a block, in this process."""

    cpu = wall = 0.0


@contextmanager
def spending() -> Iterator[Spent]:
    spent = Spent()
    cpu, wall = time.process_time(), time.perf_counter()
    yield spent
    spent.cpu, spent.wall = time.process_time() - cpu, time.perf_counter() - wall


def best(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(RUNS))


def limit(files: list[Path], target: Path) -> float:
    """CPU seconds of DuckDB from files to Parquet."""
    with duckdb.connect(config={"threads": 1}) as database, spending() as spent:
        listed = ", ".join(f"'{path}'" for path in files)
        database.execute(
            f"COPY (SELECT *, {MATH} AS c FROM read_json([{listed}], columns = {COLUMNS}, "
            f"format = 'newline_delimited') WHERE {FILTER}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )
    return spent.cpu


class House:
    """A platform in this process, and calls to its IoT Analytics."""

    def __init__(self, platform: Platform) -> None:
        self.parts = platform.parts
        self.doorway = self.parts[Doorway]
        self._caller = Principal.root(ACCOUNT)

    async def call(self, operation: str, **params: Any) -> Any:
        return await self.doorway.ask("iotanalytics", operation, params, self._caller, REGION)

    async def fill(self, channel: str, payloads: list[bytes]) -> None:
        await self.call("CreateChannel", channelName=channel)
        for at in range(0, len(payloads), 100):
            batch = [{"messageId": str(n), "payload": one} for n, one in enumerate(payloads[at : at + 100])]
            await self.call("BatchPutMessage", channelName=channel, messages=batch)
        await self.parts[Lake].tidy()

    async def pipeline(self, name: str, channel: str, pure: list[dict[str, Any]]) -> Spent:
        """What a pipeline spends until it has passed all messages of a channel on (again)."""
        await self.call("CreateDatastore", datastoreName=name)
        activities = [{"channel": {"name": "in", "channelName": channel}}, *pure]
        for one, following in zip(activities, [*activities[1:], {"datastore": {"name": "out"}}], strict=True):
            ((settings,), (after,)) = (list(one.values()), list(following.values()))
            settings["next"] = after["name"]
        activities.append({"datastore": {"name": "out", "datastoreName": name}})
        await self.call("CreatePipeline", pipelineName=name, pipelineActivities=activities)
        with spending() as spent:
            await self.call("StartPipelineReprocessing", pipelineName=name, startTime=datetime(2020, 1, 1, tzinfo=UTC))
            await self.parts[Runner].idle(ACCOUNT, REGION, name)
        (done,) = (await self.call("DescribePipeline", pipelineName=name))["pipeline"]["reprocessingSummaries"]
        assert done["status"] == "SUCCEEDED", done
        return spent


async def pipelines(count: int, folder: Path) -> None:
    payloads = list(messages(count))
    plain, packed = [], []
    for at in range(0, count, PER_FILE):
        content = b"\n".join(payloads[at : at + PER_FILE]) + b"\n"
        plain.append(folder / f"{at}.ndjson")
        plain[-1].write_bytes(content)
        packed.append(folder / f"{at}.ndjson.gz")
        packed[-1].write_bytes(gzip.compress(content, 1))
    floor = best(lambda: limit(plain, folder / "limit.parquet"))
    floor_packed = best(lambda: limit(packed, folder / "limit.parquet"))
    print(f"DuckDB, columns declared: {floor:.2f} s CPU; from gzip {floor_packed:.2f} s")
    pure = [
        {"filter": {"name": "f", "filter": FILTER}},
        {"math": {"name": "m", "attribute": "c", "math": MATH}},
    ]
    values = [*pure, {"math": {"name": "s", "attribute": "r", "math": "tan(hum)"}}]
    every = [
        {"filter": {"name": "f", "filter": "sqrt(battery) > 3.2 AND hum < 90"}},
        {"math": {"name": "m", "attribute": "c", "math": "tan((tempF - 32) * 5 / 9)"}},
    ]
    decimals = [pure[0], {"math": {"name": "m", "attribute": "c", "math": "(tempF - 32) * 5 / 9 + log(hum)"}}]
    inside = [*pure, {"removeAttributes": {"name": "r", "attributes": ["loc.alt"]}}]
    kinds = {
        "in one statement": pure,
        "values of one expression one by one": values,
        "values of both expressions one by one": every,
        "values one by one, as decimals": decimals,
        "messages one by one": inside,
    }
    async with Platform(Settings(port=0, data=folder / "data")) as platform:
        house = House(platform)
        await house.fill("all", payloads)
        for what, activities in kinds.items():
            found = []
            for number in range(RUNS):
                name = f"{what.replace(' ', '_')}{number}"
                found.append(await house.pipeline(name, "all", orjson.loads(orjson.dumps(activities))))
            least = min(found, key=lambda one: one.cpu)
            print(
                f"pipeline, {what}: {least.cpu:.2f} s CPU ({least.cpu / count * 1e6:.2f} µs a message, "
                f"{least.wall:.1f} s wall): {least.cpu / floor:.2f} × DuckDB"
                f", {least.cpu / floor_packed:.2f} × from gzip"
            )
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def export(folder: Path) -> None:
    """A data set's content as one CSV, and as one for each of 20 and of 1,000 keys."""
    source = folder / "limit.parquet"
    kinds = {"sensor_id": "VARCHAR", "farm": "VARCHAR", "ts": "BIGINT", "tempf": "DOUBLE", "hum": "DOUBLE"}
    table = Relation([Part([source], kinds)], kinds)

    def written(number: list[int], *split: str) -> float:
        number[0] += 1
        with spending() as spent:
            Run("SELECT * FROM s", now=time.time()).run({"s": table}, folder / f"x{number[0]}", [Output("csv", split)])
        return spent.cpu

    number = [0]
    one = best(lambda: written(number))
    for keys in (("farm",), ("sensor_id",)):
        split = best(lambda keys=keys: written(number, *keys))
        print(f"content split by {keys[0]}: {split:.2f} s CPU, {split / one:.2f} × one CSV ({one:.2f} s)")


def ingest(folder: Path, count: int = 200_000) -> None:
    """BatchPutMessage over HTTP, a hundred messages a request: the server's CPU."""
    port = free_port()
    payloads = list(messages(100))
    listed = [{"messageId": str(n), "payload": base64.b64encode(one).decode()} for n, one in enumerate(payloads)]
    body = orjson.dumps({"channelName": "in", "messages": listed})
    headers = {
        "Content-Type": "application/json",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iotanalytics/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}",
    }
    with server(kumoi(port, str(folder / "ingest")), port) as (pid, _ready):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            made = request("POST", "/channels", orjson.dumps({"channelName": "in"}), headers)
            assert exchange(connection, made)[0] == 201
        prepared = request("POST", "/messages/batch", body, headers)
        found = []
        for _ in range(RUNS):
            before = cpu_seconds(pid)
            measured = load(port, prepared, count=count // 100, concurrency=8, pid=pid)
            found.append((measured.cpu_us / 100, measured.rate * 100, cpu_seconds(pid) - before))
        cpu, rate, _ = min(found)
        print(f"BatchPutMessage: {1e6 / cpu:,.0f} messages per CPU second ({cpu:.1f} µs), {rate:,.0f}/s wall")


def live(folder: Path, rounds: int = 40) -> None:
    """How long after BatchPutMessage was answered a live view shows the message, and how much of that is CPU.

    First each message waits until the one before is shown, then one comes every 137 ms.
    """
    port = free_port()
    headers = {
        "Content-Type": "application/json",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iotanalytics/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}",
    }
    activities = [
        {"channel": {"name": "in", "channelName": "live", "next": "out"}},
        {"datastore": {"name": "out", "datastoreName": "live"}},
    ]
    shown: list[tuple[int, float]] = []
    more = threading.Condition()
    with server(kumoi(port, str(folder / "live")), port) as (pid, _ready):  # noqa: SIM117  (the server first)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for path, made in (
                ("/channels", {"channelName": "live"}),
                ("/datastores", {"datastoreName": "live"}),
                ("/pipelines", {"pipelineName": "live", "pipelineActivities": activities}),
            ):
                assert exchange(connection, request("POST", path, orjson.dumps(made), headers))[0] == 201

            def watch() -> None:
                url = f"http://127.0.0.1:{port}/_kumoi/iotanalytics-live?sql=SELECT+max(n)+AS+n+FROM+live"
                events = None
                while events is None:
                    try:
                        events = urllib.request.urlopen(url, timeout=60)
                    except urllib.error.HTTPError:  # the store has no column n before it has a message
                        time.sleep(0.1)
                with events:
                    for line in events:
                        if line.startswith(b"data: "):
                            newest = orjson.loads(line[6:])[0].get("n")
                            with more:
                                shown.append((-1 if newest is None else newest, time.perf_counter()))
                                more.notify()
                            if newest == 2 * rounds:
                                return

            def put(number: int) -> float:
                payload = base64.b64encode(orjson.dumps({"n": number})).decode()
                body = {"channelName": "live", "messages": [{"messageId": "m", "payload": payload}]}
                assert exchange(connection, request("POST", "/messages/batch", orjson.dumps(body), headers))[0] == 200
                return time.perf_counter()

            def seen(number: int) -> None:
                with more:
                    assert more.wait_for(lambda: bool(shown) and shown[-1][0] >= number, timeout=60)

            put(0)
            watcher = threading.Thread(target=watch)
            watcher.start()
            seen(0)
            for what, waits in (("one after the other", True), ("every 137 ms", False)):
                first = 1 if waits else rounds + 1
                at, before = {}, cpu_seconds(pid)
                for number in range(first, first + rounds):
                    at[number] = put(number)
                    if waits:
                        seen(number)
                    else:
                        time.sleep(0.137)
                seen(first + rounds - 1)
                cpu = (cpu_seconds(pid) - before) / rounds
                lags = sorted(min(when for n, when in shown if n >= one) - since for one, since in at.items())
                middle = lags[rounds // 2]
                print(
                    f"live view, {what}: {middle * 1000:.0f} ms behind in the middle, {lags[-1] * 1000:.0f} ms at "
                    f"most; {cpu * 1000:.0f} ms of CPU a message: {cpu / middle:.0%}"
                )
            watcher.join(60)


def large(folder: Path) -> None:
    """Queries of a store of Parquet files as large as you like, already in `folder`, in a process of their own."""
    paths = sorted(folder.glob("*.parquet"))
    size = sum(path.stat().st_size for path in paths) / 1e9
    with duckdb.connect() as database:
        told = database.execute(f"DESCRIBE SELECT * FROM '{paths[0]}'").fetchall()
    kinds = {name: kind for name, kind, *_ in told}
    table = Relation([Part(paths, kinds)], kinds)
    queries = {
        "one sensor of a day": "SELECT * FROM s WHERE sensor_id = 's0042' AND __dt = TIMESTAMP '2026-01-03 00:00:00'",
        "averages by sensor": "SELECT sensor_id, avg(tempf) AS t, max(hum) AS h, count(*) AS n FROM s GROUP BY 1",
        "many groups, sorted": "SELECT sensor_id, battery, avg(tempf) AS t FROM s GROUP BY 1, 2 ORDER BY 3 DESC",
    }
    with tempfile.TemporaryDirectory() as target:
        for number, (what, sql) in enumerate(queries.items()):
            with spending() as spent:
                Run(sql, now=time.time()).run({"s": table}, Path(target) / str(number), [Output("csv")])
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{size:.1f} GB, {what}: {spent.wall:.1f} s, {spent.cpu:.1f} s CPU, {most:.0f} MB at most", flush=True
            )


def main() -> None:
    if sys.argv[1:2] == ["large"]:
        large(Path(sys.argv[2]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        uvloop.run(pipelines(count, folder))
        export(folder)
        ingest(folder)
        live(folder)


if __name__ == "__main__":
    main()
