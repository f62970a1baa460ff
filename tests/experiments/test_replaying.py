"""A run is replayed from its report: the same calls are struck, whatever the seed, the time and the order of things."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kumoi.clock import Clock
from kumoi.doorway import Fault, Faults
from kumoi.experiments.model import BadExperiment
from kumoi.experiments.replaying import Recorded, experiment_of, read_run


def a_run(fault: Fault, order: int) -> list[dict[str, Any]]:
    """What a fault strikes while three callers make a hundred calls each, in some order; its log."""
    faults = Faults(Clock())
    faults.add(fault)
    callers = ["a", "b", "c"] * 100
    random.Random(order).shuffle(callers)
    for caller in callers:
        faults.choose("1", f"lambda:{caller}", "sqs", "SendMessage", "sqs:q")
    return [strike._asdict() for strike in faults.log]


def test_the_same_calls_are_struck_again_whatever_else_is_said() -> None:
    first = Fault(
        id="f", action="delay", probability=0.3, seed=7, times=40, delay_ms=5, distribution="lognormal", spread_ms=9
    )
    log = a_run(first, order=1)
    assert len(log) == 40
    assert log != a_run(first, order=2), "how often it may strike in all is used up by whoever comes first"
    recorded = Recorded(log).strikes_at("f")
    for changed in (first, msgspec.structs.replace(first, probability=1.0, times=1, ends=0.0, every=3)):
        again = msgspec.convert({**msgspec.to_builtins(changed), "strikes_at": recorded}, Fault)
        assert [a_run(again, order) for order in (2, 3)] == [log, log]
    assert a_run(msgspec.structs.replace(first, strikes_at={}), order=1) == []


EXPERIMENT = """
title: What is sent is taken
seed: 7
settle: 10s
load:
  call: {service: sqs, operation: SendMessage, parameters: {QueueUrl: "${url}", MessageBody: '{"id": "${id}"}'}}
  count: 20
  retries: 1
  parallel: 4
method:
  - fault: {action: fail, error: throttle, service: sqs, operation: SendMessage, probability: 0.4, times: 8}
tolerate: {failed: 20}
"""


@pytest.mark.kumoi_clock
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_kumoi_break_replays_a_run_exactly(kumoi: Any, tmp_path: Path) -> None:
    url = kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    file = tmp_path / "experiment.yaml"
    file.write_text(EXPERIMENT.replace("${url}", url))
    environment = {**os.environ, "KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path)}

    def run(*given: str) -> tuple[int, dict[str, Any], str]:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "kumoi", "break", *given, "--account", kumoi.account, "--json", str(report)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert report.exists(), done.stderr
        return done.returncode, json.loads(report.read_text()), done.stdout

    code, first, said = run(str(file))
    assert len(first["strikes"]) == 8, said
    recorded = tmp_path / "run.json"
    changed = json.loads(json.dumps(first))
    changed["experiment"]["seed"] = 8
    recorded.write_text(json.dumps(changed))
    code_then, again, said = run("--replay", str(recorded))
    assert again["strikes"] == first["strikes"]
    assert again["replay"]["identical"] and "the same strikes as in the recorded run (8)" in said
    assert (code, code_then, again["verdict"]) == (0, 0, "passed")

    changed["strikes"].append({**changed["strikes"][-1], "number": 999})
    changed["faults"][0]["struck"] += 1
    recorded.write_text(json.dumps(changed))
    code, other, said = run("--replay", str(recorded))
    assert code == 1 and not other["replay"]["identical"]
    assert "did not come" in said and "call 999 of client>sqs:q#SendMessage" in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "no report"),
        ("{", "no report"),
        ("[" * 100_000, "no report"),
        ('{"rows": []}', "a sweep"),
        ('{"title": "t", "verdict": "passed", "seed": 1, "seconds": 1}', "holds no run"),
        ('{"title": "t", "verdict": "not started", "seed": 1, "seconds": 1, "experiment": {}}', "not started"),
        (
            '{"title": "t", "verdict": "passed", "seed": 1, "seconds": 1, "experiment": {"title": "t"},'
            ' "faults": [{"id": "f", "title": "t", "struck": 3}]}',
            "0 strikes of 3",
        ),
        (
            '{"title": "t", "verdict": "passed", "seed": 1, "seconds": 1, "experiment": {"title": "t"},'
            ' "faults": [], "strikes": [{"fault": "f"}]}',
            "no report.*`edge`",
        ),
    ],
)
def test_what_cannot_be_replayed_says_why(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(BadExperiment, match=reason):
        read_run(path)


def test_the_experiment_of_a_report_is_checked_as_a_file_is(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    given = {"title": "t", "verdict": "passed", "seed": 1, "seconds": 1}
    for experiment, reason in (
        ({"title": "t", "speed": 1e9}, "speed lies between"),
        ({"title": "t", "method": [{"http": {"path": "//elsewhere"}}]}, "path of the platform"),
        ({"title": "t", "no": "such"}, "report's experiment"),
    ):
        path.write_text(json.dumps({**given, "experiment": experiment}))
        with pytest.raises(BadExperiment, match=reason):
            experiment_of(read_run(path))
