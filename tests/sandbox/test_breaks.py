"""What sandboxes are broken by: a clock that is off, a network that is gone; and what cannot be broken is refused."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from kumoi.sandbox import ZygoteFailed

CLOCKS = """
import datetime, pickle, time
from datetime import date, datetime as moment
STARTED = time.time()
def handler(event, context):
    return [STARTED, time.time(), time.time_ns() / 1e9, time.clock_gettime(time.CLOCK_REALTIME),
            moment.now().timestamp(), datetime.datetime.now(datetime.timezone.utc).timestamp(),
            time.mktime(time.localtime()), pickle.loads(pickle.dumps(moment.now())).timestamp(),
            isinstance(moment.now(), date), time.clock_gettime(time.CLOCK_MONOTONIC) - time.monotonic()]
"""
NODE_CLOCKS = """
exports.handler = async () => [Date.now(), +new Date(), new Date(0).getTime(), Date.parse(Date()),
  new Date() instanceof Date, new Date(2020, 0, 2).getDate(), Date.UTC(1970, 0, 2), new Date().constructor === Date]
"""
CALLS = """
import socket
def handler(event, context):
    try:
        socket.create_connection(("127.0.0.1", event), timeout=2).close()
    except OSError as error:
        return str(error)
    return "connected"
"""
NODE_CALLS = """
exports.handler = (port) => new Promise((done) => {
  const socket = require("node:net").connect(port, "127.0.0.1", () => { socket.destroy(); done("connected"); });
  socket.on("error", (error) => done(error.code));
});
"""
DAY = 86_400.0


def test_a_clock_is_off_for_all_of_python(run: Any) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(CLOCKS, clock_skew=-DAY)
        (*read, is_date, monotonic), _ = await workshop.invoke(sandbox)
        assert [round((time.time() - DAY - one) / 600) for one in read] == [0] * 8
        assert is_date and abs(monotonic) < 600

    run(scenario)


def test_a_clock_is_off_in_node(run_isolated: Any) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.of({"app.js": NODE_CLOCKS}, runtime="nodejs20.x", environment={}, clock_skew=DAY)
        (now, made, nought, said, *same), _ = await workshop.invoke(sandbox)
        assert [round((time.time() + DAY - one / 1000) / 600) for one in (now, made, said)] == [0] * 3
        assert [nought, *same] == [0, True, 2, 86_400_000, True]

    run_isolated(scenario)


@pytest.mark.parametrize(
    ("files", "more", "said"),
    [
        ({"app.py": CALLS}, {}, "unreachable"),
        ({"app.js": NODE_CALLS}, {"runtime": "nodejs20.x", "environment": {}}, "ENETUNREACH"),
    ],
    ids=["Python", "Node.js"],
)
def test_a_network_is_cut_where_there_are_namespaces(
    run: Any, level: str, files: dict[str, str], more: dict[str, Any], said: str
) -> None:
    async def scenario(workshop: Any) -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            whole = await workshop.of(files, **more)
            assert (await workshop.invoke(whole, port))[0] == "connected"
            if level != "namespace":
                with pytest.raises(ZygoteFailed, match="in namespaces"):
                    await workshop.of(files, offline=True, **more)
                return
            cut = await workshop.of(files, offline=True, **more)
            assert said in (await workshop.invoke(cut, port))[0]
            assert (await workshop.invoke(whole, port))[0] == "connected"

    run(scenario)


NAMES = """
import socket
def handler(event, context):
    socket.getaddrinfo("localhost", 80)
    socket.create_connection(("127.0.0.1", event), timeout=2).close()
    with open("/etc/resolv.conf") as file:
        asked = file.read()
    try:
        socket.getaddrinfo("kumoi.example.com", 80)
    except socket.gaierror as error:
        return [asked, str(error)]
"""


def test_names_of_other_hosts_are_not_found(run: Any, level: str) -> None:
    async def scenario(workshop: Any) -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            if level != "namespace":
                with pytest.raises(ZygoteFailed, match="in namespaces"):
                    await workshop.make(NAMES, nameless=True)
                return
            sandbox = await workshop.make(NAMES, nameless=True)
            asked, said = (await workshop.invoke(sandbox, server.sockets[0].getsockname()[1]))[0]
            assert asked.startswith("nameserver 127.0.0.1") and "ame" in said, "Name, or name resolution"

    run(scenario)


def test_what_cannot_be_broken_is_refused(run_isolated: Any) -> None:
    async def scenario(workshop: Any) -> None:
        own = {"bootstrap": "#!/bin/sh\nsleep 60\n"}
        with pytest.raises(ZygoteFailed, match="cannot be cut off"):
            await workshop.of(own, runtime="provided.al2023", offline=True)
        with pytest.raises(ZygoteFailed, match="cannot be set off"):
            await workshop.of(own, runtime="provided.al2023", clock_skew=5.0)
        assert (await workshop.invoke(await workshop.make(CLOCKS)))[1].status == "success"

    run_isolated(scenario)
