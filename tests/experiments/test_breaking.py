"""The faults of a run: how often each struck is told, also of those taken back; none is left however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.request import urlopen

import msgspec
import pytest

from kumoi.clock import Clock
from kumoi.doorway import Fault, Faults
from kumoi.experiments.application import Answer, Application
from kumoi.experiments.breaking import Breaker
from kumoi.experiments.model import ApiCall, Experiment, Step
from kumoi.experiments.passing import Passed, Time
from kumoi.experiments.running import Runner
from kumoi.experiments.users import Users


class Platform:
    """A platform of which nothing but its faults is asked; it is its only user, too."""

    account = "000000000000"

    def __init__(self) -> None:
        self.faults = Faults(Clock())
        self.budgets: dict[str, dict[str, Any]] = {}

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        if path == "budget":
            if method == "POST":
                self.budgets[body["account"]] = {**body, "refused": 0}
            elif method == "DELETE":
                del self.budgets[query["account"]]
            return {"budgets": list(self.budgets.values())}
        if method == "POST":
            self.faults.add(msgspec.convert(body, Fault))
        elif method == "DELETE":
            self.faults.remove(query["id"])
        elif path == "faults/log":
            page = self.faults.log.page(int(query["after"]), 1)
            return {"strikes": [strike._asdict() for strike in page], "noted": len(self.faults.log)}
        return {"faults": [{"id": fault.id, "struck": struck} for fault, struck in self.faults.list()]}


class User:
    def __init__(self, platform: Platform) -> None:
        self._faults = platform.faults

    def ask(self, *_: object) -> Answer:
        self._faults.choose(Platform.account, "client", "sqs", "SendMessage", "sqs:q")
        return Answer(200, None, "", 0.0)


FAULT = Step(fault={"id": "f", "action": "drop", "service": "sqs"})
CALL = Step(call=ApiCall(service="sqs", operation="SendMessage"))


def breaker(platform: Platform, **more: Any) -> Breaker:
    given = cast(Application, platform), cast(Users, User(platform)), cast(Time, None)
    return Breaker(*given, lambda _: None, Experiment(title="t", **more), None)


def test_what_a_step_takes_back_has_struck_all_the_same() -> None:
    platform = Platform()
    run = breaker(platform)
    run.take([FAULT, CALL, CALL, Step(clear="f"), CALL], {})
    assert platform.faults.list() == []
    assert (run.struck(), len(run.strikes())) == ({"f": 2}, 2)
    run.take([FAULT, CALL], {})
    assert run.struck() == {"f": 3}


def test_no_fault_of_a_run_is_left_when_it_breaks_off() -> None:
    platform = Platform()
    others = platform.faults.add(Fault(action="drop", id="other"))
    run = breaker(platform)
    with pytest.raises(KeyboardInterrupt), run.taken_back():
        run.take([FAULT], {})
        raise KeyboardInterrupt
    assert platform.faults.list() == [(others, 0)]


@pytest.mark.parametrize(("before", "after"), [({}, {}), ({"usd_per_hour": 9.0}, {"usd_per_hour": 9.0})])
def test_a_budget_holds_for_the_run_alone(before: dict[str, float], after: dict[str, float]) -> None:
    platform = Platform()
    if before:
        platform.ask("POST", "budget", {**before, "account": platform.account})
    run = breaker(platform, budget=0.5)
    with run.budgeted():
        assert platform.budgets[platform.account]["usd_per_hour"] == 0.5
        platform.budgets[platform.account]["refused"] = 3
    assert run.problems == ["the budget of $0.5 an hour was used up: 3 calls were refused"]
    left = [{"usd_per_hour": one["usd_per_hour"]} for one in platform.budgets.values()]
    assert left == ([after] if after else [])
    unbounded = breaker(platform)
    with unbounded.budgeted():
        assert list(platform.budgets) == ([platform.account] if after else [])
    assert unbounded.problems == []


def test_the_budget_holds_until_all_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What feeds itself goes on when the faults are taken back."""
    platform = Platform()
    experiment = Experiment(title="t", budget=0.5)
    runner = Runner(cast(Application, platform))
    runner.time = cast(Time, SimpleNamespace(speed=nullcontext, linger=lambda _: None, now=lambda: 0.0))
    monkeypatch.setattr(runner.watch, "dead_letters", dict)
    passed = cast(Passed, SimpleNamespace(close=lambda: None, hops=[], missed=0))

    def settle(*_: Any) -> Any:
        platform.budgets[platform.account]["refused"] = 2
        return [], None

    monkeypatch.setattr(runner, "settle", settle)
    report = runner._judged(experiment, {}, breaker(platform, budget=0.5), [], passed, 0.0)
    assert report.problems == ["the budget of $0.5 an hour was used up: 2 calls were refused"]
    assert platform.budgets == {}


HANGING = """
speed: 2
method: [{fault: {action: hang, service: sqs, operation: SendMessage}}]
load:
  call: {service: sqs, operation: SendMessage, parameters: {QueueUrl: "URL", MessageBody: x}}
  count: 1000
"""


@pytest.mark.kumoi_clock
def test_a_run_that_is_ended_takes_back_what_it_broke(kumoi: Any, tmp_path: Path) -> None:
    file = tmp_path / "hanging.yaml"
    file.write_text(HANGING.replace("URL", kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"]))
    command = [sys.executable, "-m", "kumoi", "break", str(file), "--account", kumoi.account]
    environment = {**os.environ, "KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path)}

    def asked(path: str) -> Any:
        with urlopen(f"{kumoi.url}/_kumoi/{path}", timeout=60) as answer:
            return json.load(answer)

    def struck() -> Iterator[int]:
        return (one["struck"] for one in asked("faults")["faults"] if one["account"] == kumoi.account)

    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        deadline = time.monotonic() + 60
        while not any(struck()):
            assert run.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 128 + signal.SIGTERM, said
    assert (list(struck()), asked("clock")["scale"]) == ([], 1.0)
