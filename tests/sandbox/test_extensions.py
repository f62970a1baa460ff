"""Extensions register, get their events, subscribe to telemetry, and are told to shut down."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.sandbox import kept_sandbox

Run = Callable[[Callable[[Any], Any]], Any]
PYTHON = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]

API = """
#!{python}
import http.server, json, os, sys, threading, urllib.request
BASE = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}"
NAME = os.path.basename(sys.argv[0])
def call(method, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null"), answer.headers
def register(*events):
    me = {"Lambda-Extension-Name": NAME}
    body, headers = call("POST", "/2020-01-01/extension/register", {"events": events}, **me)
    return body, headers["Lambda-Extension-Identifier"]
def next_event(identifier):
    return call("GET", "/2020-01-01/extension/event/next", None, **{"Lambda-Extension-Identifier": identifier})[0]
def say(*words):
    print(NAME, *words, flush=True)
""".replace("{python}", str(PYTHON))

WATCHER = """
body, me = register("INVOKE", "SHUTDOWN")
say("registered", json.dumps(body))
while True:
    event = next_event(me)
    say(event["eventType"], event.get("requestId", event.get("shutdownReason")))
    if event["eventType"] == "SHUTDOWN":
        break
"""

HANDLER = """
import os
def handler(event, context):
    print("handling", event)
    return os.path.exists("/opt/extensions") or "process level"
"""

NAMES = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "7"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Extensions get more time to end than Lambda's two seconds: on a busy machine those are few."""
    monkeypatch.setattr(kept_sandbox, "SHUTDOWN_SECONDS", 60.0)


def layer(**programs: str) -> dict[str, str]:
    return {f"extensions/{name}": API + source for name, source in programs.items()}


def test_an_extension_sees_the_whole_life_of_a_sandbox(run: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"app.py": HANDLER}, layer(watcher=WATCHER), NAMES)
        for n in (1, 2):
            value, outcome = await shop.invoke(sandbox, n, request_id=f"request-{n}")
            assert value and outcome.status == "success"
            await sandbox.settle()
        await sandbox.stop()
        said = [line for line in shop.log.splitlines() if line.startswith("watcher")]
        registered = {"functionName": "f", "functionVersion": "7", "handler": "app.handler"}
        assert json.loads(said[0].removeprefix("watcher registered ")) == registered
        assert said[1:] == ["watcher INVOKE request-1", "watcher INVOKE request-2", "watcher SHUTDOWN spindown"]

    run(scenario)


def test_the_runtime_starts_when_every_extension_has_registered(run_isolated: Run) -> None:
    source = API + "import time\ntime.sleep(0.2)\nsay('late')\n_, me = register('INVOKE')\nwhile True: next_event(me)\n"

    async def scenario(shop: Any) -> None:
        sandbox = await shop.of(
            {"app.py": "print('imported')\ndef handler(event, context): return 1"}, {"extensions/slow": source}
        )
        assert (await shop.invoke(sandbox))[0] == 1
        assert shop.lines[:2] == ["slow late\n", "imported\n"]

    run_isolated(scenario)


def test_an_extension_that_ends_fails_the_invocation(run_isolated: Run) -> None:
    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"app.py": HANDLER}, layer(broken="sys.exit(3)"), NAMES)
        for _ in range(2):
            error, outcome = await shop.invoke(sandbox)
            assert (error["errorType"], outcome.status) == ("Extension.Crash", "failure")

    run_isolated(scenario)


def test_an_invocation_is_over_when_the_extensions_are(run_isolated: Run) -> None:
    slow = """
_, me = register("INVOKE")
next_event(me)
import time
while not os.path.exists(os.environ.get("LAMBDA_TASK_ROOT", "/var/task") + "/go"):
    time.sleep(0.01)
say("done")
next_event(me)
"""

    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"app.py": HANDLER}, layer(slow=slow), NAMES)
        await shop.invoke(sandbox, 1)
        assert not sandbox.settled
        (shop.sources / "code-0" / "go").touch()
        await sandbox.settle()
        assert sandbox.settled
        while "slow done" not in shop.log:
            await asyncio.sleep(0.01)

    run_isolated(scenario)


def test_telemetry_is_delivered_in_batches(run: Run) -> None:
    subscriber = """
class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for event in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            say("got", json.dumps(event))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Taker)
threading.Thread(target=server.serve_forever, daemon=True).start()
_, me = register("INVOKE", "SHUTDOWN")
wish = {
    "schemaVersion": "2022-12-13", "types": ["platform", "function"],
    "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25},
    "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{server.server_port}/logs"},
}
assert call("PUT", "/2022-07-01/telemetry", wish, **{"Lambda-Extension-Identifier": me})[0] == "OK"
while next_event(me)["eventType"] != "SHUTDOWN":
    pass
"""

    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"app.py": HANDLER}, layer(taker=subscriber), NAMES)
        await shop.invoke(sandbox, 1)
        assert sandbox.observed
        sandbox.tell({"time": "2026-01-01T00:00:00.000Z", "type": "platform.report", "record": {"requestId": "r"}})
        while "platform.report" not in shop.log or "handling 1" not in shop.log.partition("taker got")[2]:
            await asyncio.sleep(0.01)
        got = [json.loads(line.partition("got ")[2]) for line in shop.log.splitlines() if line.startswith("taker got")]
        assert [event["type"] for event in got] == ["platform.telemetrySubscription", "function", "platform.report"]
        assert got[1]["record"] == "handling 1"

    run(scenario)


def test_an_extension_that_asks_for_too_much_is_refused(run_isolated: Run) -> None:
    asking = """
import urllib.error
def refused(method, path, body, **headers):
    try:
        call(method, path, body, **headers)
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["errorType"]
say(refused("POST", "/2020-01-01/extension/register", {"events": ["LUNCH"]}, **{"Lambda-Extension-Name": NAME}))
say(refused("POST", "/2020-01-01/extension/register", {"events": []}))
say(refused("POST", "/2020-01-01/extension/register", {"events": ["SHUTDOWN"]}, **{"Lambda-Extension-Name": "inner"}))
say(refused("GET", "/2020-01-01/extension/event/next", None))
say(refused("GET", "/2020-01-01/extension/event/next", None, **{"Lambda-Extension-Identifier": "who"}))
_, me = register()
far = {"types": ["platform"], "destination": {"protocol": "HTTP", "URI": "http://example.com/"}}
say(refused("PUT", "/2022-07-01/telemetry", far, **{"Lambda-Extension-Identifier": me}))
next_event(me)
"""

    async def scenario(shop: Any) -> None:
        sandbox = await shop.of({"app.py": HANDLER}, layer(asking=asking), NAMES)
        await shop.invoke(sandbox, 1)
        assert [line.split()[1] for line in shop.log.splitlines() if line.startswith("asking")] == [
            "InvalidEventType",
            "Extension.InvalidExtensionName",
            "ShutdownEventNotSupportedForInternalExtension",
            "Extension.MissingExtensionIdentifier",
            "Extension.UnknownExtensionIdentifier",
            "ValidationError",
        ]

    run_isolated(scenario)


def test_a_wrapper_script_starts_the_runtime(run: Run) -> None:
    wrapper = '#!/bin/sh\nexport WRAPPED=yes\necho wrapping "$(basename "$2")"\nexec "$@"\n'
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    python = "import os\ndef handler(event, context):\n    print('hello')\n    return os.environ['WRAPPED']\n"
    node = "exports.handler = async () => { console.log('hello'); return process.env.WRAPPED; };"

    async def scenario(shop: Any) -> None:
        for files, options, name in (
            ({"app.py": python}, {}, "bootstrap.py"),
            ({"index.js": node}, {"runtime": "nodejs20.x", "handler": "index.handler"}, "bootstrap.js"),
        ):
            shop.lines.clear()
            sandbox = await shop.of(files, {"wrapper": wrapper}, variables, **options)
            assert (await shop.invoke(sandbox))[0] == "yes", shop.log
            assert f"wrapping {name}\n" in shop.log
            assert "hello\n" in shop.log
        missing = await shop.of({"app.py": python}, {"other": ""}, variables)
        error, _ = await shop.invoke(missing)
        assert error["errorMessage"].endswith("Runtime exited with error: exit status 127")

    run(scenario)
