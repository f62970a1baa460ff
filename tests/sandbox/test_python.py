"""The Python fork-server with real sandboxes, at each level of isolation."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[[Callable[[Any], Any]], Any]


def test_a_handler_answers_and_keeps_its_globals(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            """
            import os
            calls = 0
            def handler(event, context):
                global calls
                calls += 1
                return [event, calls, os.environ["COLOUR"], os.environ["_X_AMZN_TRACE_ID"], context.aws_request_id]
            """
        )
        answer, outcome = await workshop.invoke(sandbox, {"ü": "雲"})
        assert answer == [{"ü": "雲"}, 1, "red", "Root=1-a-b;Sampled=1", "request-1"]
        assert outcome.status == "success"
        assert outcome.init_duration is not None
        assert outcome.max_memory_mb >= 1
        answer, outcome = await workshop.invoke(sandbox)
        assert (answer[1], outcome.init_duration) == (2, None)

    run(scenario)


def test_what_is_written_arrives_in_order_before_the_answer(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            r"""
            import logging, os, sys
            logging.getLogger().setLevel("INFO")
            def handler(event, context):
                print("printed")
                logging.info("two\nlines")
                os.write(2, b"raw\n")
                sys.stdout.write("unfinished")
            """
        )
        await workshop.invoke(sandbox)
        texts = workshop.lines
        assert texts[0] == "printed\n"
        assert texts[1].startswith("[INFO]\t")
        assert texts[1].endswith("Z\trequest-1\ttwo\nlines\n")
        assert texts[2:] == ["raw\n", "unfinished"]

    run(scenario)


def test_json_logs_carry_level_request_and_extras(run: Run) -> None:
    import json

    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            """
            import logging
            def handler(event, context):
                logging.warning("careful", extra={"farm": 7})
                raise KeyError("gone")
            """,
            log_format="JSON",
        )
        await workshop.invoke(sandbox)
        first, second = map(json.loads, workshop.lines)
        wanted = {"level": "WARNING", "message": "careful", "requestId": "request-1", "logger": "root", "farm": 7}
        assert {key: first[key] for key in wanted} == wanted
        assert (second["log_level"], second["errorType"]) == ("ERROR", "KeyError")

    run(scenario)


ENDS = [
    ("import os\ndef handler(e, c): os._exit(0)", "Runtime exited without providing a reason"),
    ("import os\ndef handler(e, c): os._exit(7)", "Runtime exited with error: exit status 7"),
    ("import sys\ndef handler(e, c): sys.exit(1)", "Runtime exited with error: exit status 1"),
    ("import os\ndef handler(e, c): os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ("import os\ndef handler(e, c): os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
    ("import os\ndef handler(e, c):\n    os.closerange(0, 256)\n    os.write(1, b'x')", "Runtime exited"),
    ("import os\ndef handler(e, c):\n    os.write(3, b'garbage' * 100)\n    while True: pass", "Runtime exited"),
]


@pytest.mark.parametrize(("source", "reason"), ENDS)
def test_a_runtime_that_ends_is_reported_and_replaced(run: Run, source: str, reason: str) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(source + "\n")
        for _ in range(2):
            payload, outcome = await workshop.invoke(sandbox)
            assert outcome.status == "failure"
            assert payload["errorType"] == "Runtime.ExitError"
            assert payload["errorMessage"].startswith(f"RequestId: request-1 Error: {reason}")

    run(scenario)


def test_a_timeout_kills_the_runtime_and_keeps_tmp(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            """
            import os, tempfile
            path = os.path.join(tempfile.gettempdir(), "kept")
            def handler(event, context):
                if event == "write":
                    return open(path, "w").write("here")
                while event == "loop":
                    pass
                return open(path).read()
            """
        )
        assert (await workshop.invoke(sandbox, "write"))[0] == 4
        payload, outcome = await workshop.invoke(sandbox, "loop", timeout=0.5)
        assert outcome.status == "timeout"
        assert payload == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: request-1 Error: Task timed out after 0.50 seconds",
        }
        payload, outcome = await workshop.invoke(sandbox)
        assert payload == "here"
        assert outcome.init_duration is not None

    run(scenario)


def test_too_much_memory_ends_the_runtime(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            """
            def handler(event, context):
                if event == "all":
                    held = []
                    while True:
                        held.append(bytearray(10_000_000))
                return "fine"
            """,
            memory_mb=128,
        )
        payload, outcome = await workshop.invoke(sandbox, "all", timeout=60)
        assert payload["errorType"] in ("Runtime.ExitError", "MemoryError")
        assert outcome.status in ("failure", "error")
        assert (await workshop.invoke(sandbox))[0] == "fine"

    run(scenario)


def test_an_init_that_fails_is_the_first_invocations_answer(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make("raise RuntimeError('no configuration')\n")
        for _ in range(2):
            payload, outcome = await workshop.invoke(sandbox)
            assert outcome.status == "error"
            assert (payload["errorType"], payload["requestId"]) == ("RuntimeError", "")
            assert payload["stackTrace"] == [
                "  File \"/var/task/app.py\", line 1, in <module>\n    raise RuntimeError('no configuration')\n"
            ]

    run(scenario)


def test_a_flood_of_output_does_not_pile_up(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        taken = 0

        async def slow() -> None:
            await asyncio.sleep(0)

        def sink(lines: Any) -> Any:
            nonlocal taken
            taken += sum(map(len, lines))
            return asyncio.ensure_future(slow())

        workshop.lines = type("Sink", (), {"extend": staticmethod(sink)})()
        sandbox = await workshop.make(
            """
            def handler(event, context):
                for _ in range(3000):
                    print("x" * 9999)
                return "done"
            """
        )
        answer, _ = await workshop.invoke(sandbox, timeout=60)
        assert answer == "done"
        assert taken == 3000 * 10_000

    run(scenario)


def test_stopping_ends_every_process(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            """
            import os, subprocess, sys
            def handler(event, context):
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)  # " + event],
                                         start_new_session=True)
                return child.pid
            """
        )
        mark = f"kumoi-test-{os.urandom(8).hex()}"
        await workshop.invoke(sandbox, mark)
        deadline = time.monotonic() + 60
        while _running(mark) != 1:  # a process that has just begun its program shows no command line yet
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await sandbox.stop()
        deadline = time.monotonic() + 60
        while _running(mark) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        assert _running(mark) == 0

    run(scenario)


def _running(mark: str) -> int:
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += mark.encode() in path.read_bytes()
        except OSError:
            continue
    return count


def test_a_fork_of_a_function_is_as_it_is_elsewhere(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            """
            import logging, os, random, threading
            from concurrent.futures import ThreadPoolExecutor
            def handler(event, context):
                main = threading.main_thread().native_id == threading.get_native_id()
                read, write = os.pipe()
                with ThreadPoolExecutor(2) as pool:
                    list(pool.map(str, range(2)))
                    logging._acquireLock() if hasattr(logging, "_acquireLock") else logging._lock.acquire()
                    drawn = random.getstate()
                    pid = os.fork()
                    if pid == 0:
                        logging.warning("from the child")  # would wait for a lock that is not mended
                        os.write(write, repr([threading.active_count(), random.getstate() == drawn]).encode())
                        os._exit(0)
                    logging._releaseLock() if hasattr(logging, "_releaseLock") else logging._lock.release()
                os.waitpid(pid, 0)
                return [main, os.read(read, 100).decode()]
            """
        )
        answer, _ = await workshop.invoke(sandbox)
        assert answer == [True, "[1, False]"]

    run(scenario)


def test_a_handler_may_take_away_what_the_runtime_waits_with(run: Run) -> None:
    """Libraries of green threads delete `select.poll`."""

    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            """
            import select
            del select.poll

            def handler(event, context):
                return event
            """
        )
        for number in range(3):
            answer, _ = await workshop.invoke(sandbox, number)
            assert answer == number

    run(scenario)


def test_the_trace_is_an_environment_variable_like_any_other(run: Run) -> None:
    async def scenario(workshop: Any) -> None:
        sandbox = await workshop.make(
            """
            import os
            import subprocess

            def handler(event, context):
                seen = os.environ["_X_AMZN_TRACE_ID"]
                child = subprocess.run(["sh", "-c", "printf %s $_X_AMZN_TRACE_ID"], capture_output=True, text=True)
                assert child.stdout == seen, child
                if event == "delete":
                    del os.environ["_X_AMZN_TRACE_ID"]
                elif event == "replace":
                    os.environ = dict(os.environ)
                return [seen, os.environ.get("_X_AMZN_TRACE_ID")]
            """
        )
        for event in ("", "delete", "", "replace", ""):
            (seen, left), _ = await workshop.invoke(sandbox, event)
            assert seen.startswith("Root=")
            assert left == (None if event == "delete" else seen)

    run(scenario)
