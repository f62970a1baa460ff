"""What passes the doorway during a run is gathered while it goes on, and what was missed is told."""

from __future__ import annotations

from typing import Any, cast

from kumoi.doorway import Hop
from kumoi.doorway.hops import Hops
from kumoi.experiments.application import Application
from kumoi.experiments.passing import Passed
from kumoi.lake import Lake


class Silent:
    """Stands for the lake: nothing is written there."""

    def define(self, *_: object) -> None:
        return None

    def write(self, *_: object) -> None:
        return None


class Ring:
    """A platform of which nothing but its hops is asked."""

    account = "1"

    def __init__(self, keep: int) -> None:
        self.hops = Hops(cast(Lake, Silent()), keep=keep, flush_seconds=3600)
        self.hops._flush_handle = cast(Any, object())  # there is no loop here: nothing is flushed

    def pass_by(self, *times: int, account: str = "1") -> None:
        for time in times:
            given = (time, account, "us-east-1", "t", f"span{time}", "", "a", "b", "sqs", "SendMessage", "ok")
            self.hops.record(Hop(*given, 1, 1, 1, "r", "", {}))

    def ask(self, _method: str, _path: str, **query: str) -> Any:
        if "after" not in query:
            return {"hops": [], "recorded": self.hops.recorded}
        found = self.hops.after(int(query["after"]), limit=2)
        shown = [hop.shown() for hop in found.hops if hop.account == query["account"]]
        return {"hops": shown, "recorded": self.hops.recorded, "missed": found.missed, "through": found.through}


def gathered(ring: Ring, *rounds: tuple[int, ...]) -> tuple[list[int], int]:
    passed = Passed(cast(Application, ring), 1.0, ring.hops.recorded)
    for times in rounds:
        ring.pass_by(*times)
        passed.look()
    return [hop["time"] for hop in passed.hops], passed.missed


def test_more_passes_than_the_platform_remembers() -> None:
    ring = Ring(keep=3)
    ring.pass_by(1, 2)
    assert gathered(ring, (2000, 2001, 2002), (2003, 999), (2004, 2005)) == (
        [2000, 2001, 2002, 2003, 2004, 2005],
        0,
    ), "those of before are none of the run's"
    assert gathered(ring, (3000, 3001, 3002, 3003, 3004)) == ([3002, 3003, 3004], 2)


def test_others_calls_are_not_the_runs() -> None:
    ring = Ring(keep=10)
    passed = Passed(cast(Application, ring), 1.0, ring.hops.recorded)
    ring.pass_by(2000, account="2")
    ring.pass_by(2001)
    passed.look()
    assert ([hop["time"] for hop in passed.hops], passed.missed) == ([2001], 0)
    ring.hops.clear("1")
    assert [hop.time for hop in ring.hops.after(0, 9).hops] == [2000]
    assert [hop.time for hop in ring.hops.after(99, 9).hops] == [2000], "a platform that began anew"
