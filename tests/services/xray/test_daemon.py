"""The daemon: datagrams from programs outside of functions, sampling rules on its port, and a port that is taken."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import urllib3

from kumoi.doorway import Doorway, Tracing
from kumoi.platform import Platform, Settings
from kumoi.services.xray import daemon
from kumoi.services.xray.daemon import Daemon
from kumoi.services.xray.intake import Intake, Read
from kumoi.services.xray.storage import Place, find_trace

HEAD = b'{"format": "json", "version": 1}\n'
HERE = Place("000000000000", "us-east-1")


def test_datagrams_are_kept_and_garbage_is_counted(
    a_segment: Callable[..., dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    one = a_segment()
    garbage = [b"", b"\n", b"{}\n{}", HEAD, HEAD + b"[", HEAD + b"{}", HEAD + b"\xff", json.dumps(one).encode()]

    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            async with Platform(Settings(port=0, xray_port=port)) as platform:
                doorway = platform.parts[Doorway]
                host, _, other = doorway.tracing.daemon.rpartition(":")
                assert int(other) != port
                assert f"cannot listen on 127.0.0.1:{port}" in caplog.text
                for datagram in [*garbage, HEAD + json.dumps(one).encode()]:
                    taken.sendto(datagram, (host, int(other)))
                found = None
                while found is None:
                    await asyncio.sleep(0)
                    found = await find_trace(doorway.lake, HERE, one["trace_id"])
                assert [segment.document["id"] for segment in found.segments] == [one["id"]]
                assert platform.parts[Daemon].refused == {"ParseError": 7, "MissingId": 1}
                url = f"http://{host}:{other}/GetSamplingRules"
                answer = await asyncio.to_thread(urllib3.request, "POST", url, body=b"{}")
                other_answer = await asyncio.to_thread(urllib3.request, "GET", f"http://{host}:{other}/_kumoi/info")
                assert other_answer.status == 404
                assert answer.json()["SamplingRuleRecords"][0]["SamplingRule"]["RuleName"] == "Default"

    asyncio.run(main())


def test_large_datagrams_leave_the_loop_room_and_what_has_arrived_is_kept_at_the_end(
    a_segment: Callable[..., dict[str, Any]],
) -> None:
    sent = 5  # as many as any system's receive buffer holds
    one = a_segment()
    texts = [
        HEAD + json.dumps({**one, "id": f"{number:016x}", "metadata": {"default": {"x": "y" * 40_000}}}).encode()
        for number in range(sent)
    ]
    kept: list[int] = []

    class Kept(Intake):
        def write(self, place: Place, found: Sequence[Read]) -> None:
            kept.append(len(found))

    async def main() -> None:
        tracing = Tracing(port=0)
        receiving = Daemon(Kept.__new__(Kept), tracing)
        receiving.start()
        host, _, port = tracing.daemon.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for text in texts:
                sender.sendto(text, (host, int(port)))
        receiving.stop()

    asyncio.run(main())
    assert kept == [4, 1]


def test_a_port_that_tcp_has_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    real, given = daemon._bound, list[int]()

    async def main() -> str:
        tracing = Tracing(port=0)
        one = Daemon(Intake.__new__(Intake), tracing)
        one.start()
        one.stop()
        return tracing.daemon

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]

        def bound(port: int) -> socket.socket:
            given.append(port)
            return real(first if len(given) == 1 else port)

        monkeypatch.setattr(daemon, "_bound", bound)
        address = asyncio.run(main())
        assert given[:2] == [0, 0]  # and more where the system gives others that TCP has taken, too
        assert address != f"127.0.0.1:{first}"


APPLICATION = """
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.sampling.connector import ServiceConnector
connector = ServiceConnector()
connector.setup_xray_client("127.0.0.1", PORT, None)
assert [rule.name for rule in connector.fetch_sampling_rules()] == ["Default"]
xray_recorder.configure(service="desktop", daemon_address="127.0.0.1:PORT", sampling=False)
with xray_recorder.in_segment("desktop") as segment:
    segment.put_http_meta("url", "http://desktop/")
    with xray_recorder.in_subsegment("inner"):
        pass
print(segment.trace_id)
"""


def test_the_sdk_in_a_program_outside_of_functions() -> None:
    pytest.importorskip("aws_xray_sdk")

    async def main() -> None:
        async with Platform(Settings(port=0, xray_port=0)) as platform:
            doorway = platform.parts[Doorway]
            port = doorway.tracing.daemon.rpartition(":")[2]
            program = await asyncio.create_subprocess_exec(
                sys.executable, "-c", APPLICATION.replace("PORT", port), stdout=asyncio.subprocess.PIPE
            )
            output, _ = await program.communicate()
            assert program.returncode == 0
            found = None
            while found is None:
                await asyncio.sleep(0)
                found = await find_trace(doorway.lake, HERE, output.decode().strip())
            (segment,) = found.segments
            assert (segment.document["name"], segment.document["subsegments"][0]["name"]) == ("desktop", "inner")

    asyncio.run(main())


def test_a_platform_without_a_daemon_says_nothing_of_one() -> None:
    async def main() -> str:
        async with Platform(Settings(port=0)) as platform:
            return platform.parts[Doorway].tracing.daemon

    assert asyncio.run(main()) == ""
