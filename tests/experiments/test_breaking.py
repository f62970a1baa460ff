"""The faults of a run: how often each struck is told also of those that a step took back, and none is left."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from kumoi.clock import Clock
from kumoi.doorway import Fault, Faults
from kumoi.experiments.application import Answer, Application
from kumoi.experiments.breaking import Breaker
from kumoi.experiments.model import ApiCall, Experiment, Step
from kumoi.experiments.passing import Time
from kumoi.experiments.users import Users


class Platform:
    """A platform of which nothing but its faults is asked; it is its only user, too."""

    account = "000000000000"

    def __init__(self) -> None:
        self.faults = Faults(Clock())

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        if method == "POST":
            self.faults.add(msgspec.convert(body, Fault))
        elif method == "DELETE":
            self.faults.remove(query["id"])
        elif path == "faults/log":
            return {"strikes": [strike._asdict() for strike in self.faults.log()]}
        return {"faults": [{"id": fault.id, "struck": struck} for fault, struck in self.faults.list()]}


class User:
    def __init__(self, platform: Platform) -> None:
        self._faults = platform.faults

    def ask(self, *_: object) -> Answer:
        self._faults.choose(Platform.account, "client", "sqs", "SendMessage", "sqs:q")
        return Answer(200, None, "", 0.0)


FAULT = Step(fault={"id": "f", "action": "drop", "service": "sqs"})
CALL = Step(call=ApiCall(service="sqs", operation="SendMessage"))


def breaker(platform: Platform) -> Breaker:
    given = cast(Application, platform), cast(Users, User(platform)), cast(Time, None)
    return Breaker(*given, lambda _: None, Experiment(title="t"), None)


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
