"""What a sweep breaks and how it colours what it sees: tables; and a sweep of the careless orders."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, cast

import pytest

from kumoi.doorway import Fault
from kumoi.experiments.fingerprint import differ, stable
from kumoi.experiments.sweep import KINDS, Edge, Kind, Seen, Sweep, edges, fault, judged, unordered
from kumoi.experiments.verdict import Outcome
from kumoi.gateway.sweeps import Cell

ORDERS = Path(__file__).resolve().parent.parent.parent / "examples/orders"
EDGE = Edge("lambda:api", "sqs:orders[1]", "SendMessage", "sqs")


def hop(source: str, target: str, operation: str, service: str, parent: str = "p") -> dict[str, str]:
    return {"source": source, "target": target, "operation": operation, "service": service, "parent": parent}


def test_the_edges_are_those_of_the_application() -> None:
    found = edges(
        [
            hop("lambda:api", "sqs:orders[1]", "SendMessage", "sqs"),
            hop("client", "dynamodb:orders", "Scan", "dynamodb"),
            hop("client", "apigatewayv2:api", "execute-api", "apigatewayv2"),
            hop("lambda:api", "logs:/aws/lambda/api", "WriteFunctionLogs", "logs"),
            hop("lambda:api", "s3:code", "GetObject", "s3", parent=""),
            hop("client", "cloudformation:stack", "DescribeStacks", "cloudformation"),
        ]
    )
    assert found == {EDGE, Edge("client", "apigatewayv2:api", "execute-api", "apigatewayv2")}


def test_each_way_breaks_its_edge_and_no_other() -> None:
    for kind in KINDS:
        declared = Fault(**fault(EDGE, kind, 1))
        assert declared.matches("0", "lambda:api", "sqs", "SendMessage", "sqs:orders[1]")
        assert not declared.matches("0", "lambda:api", "sqs", "SendMessage", "sqs:orders1")
        assert not declared.matches("0", "lambda:other", "sqs", "SendMessage", "sqs:orders[1]")


@pytest.mark.parametrize(
    ("source", "target", "yes"),
    [
        ("sqs:q", "lambda:f", True),
        ("sns:t", "sqs:q", True),
        ("sqs:q.fifo", "lambda:f", False),
        ("sqs:q", "sqs:q", False),
        ("dynamodbstreams:t", "lambda:f", False),
        ("client", "sqs:q", False),
    ],
)
def test_deliveries_that_may_come_in_another_order(source: str, target: str, yes: bool) -> None:
    assert unordered(Edge(source, target, "Invoke", "lambda")) is yes


def test_the_worst_of_several_orders_is_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    colors: list[Any] = ["green", "black", "yellow"]
    sweep = Sweep(cast(Any, None), lambda: None)
    monkeypatch.setattr(sweep, "_cell", lambda *given: Cell(color=colors[given[-1] - 7], seen=f"seed {given[-1]}"))

    def worst(kind: Kind, source: str) -> tuple[str, str]:
        edge = Edge(source, "lambda:f", "Invoke", "lambda")
        cell = sweep._worst(cast(Any, None), edge, kind, cast(Any, None), frozenset(), 1.0, range(7, 10))
        return cell.color, cell.seen

    assert worst("reorder", "sqs:q") == ("black", "1 of 3 orders: seed 8")
    assert worst("reorder", "sqs:q.fifo") == ("none", "it keeps its order, or has none")
    assert worst("duplicate", "sqs:q") == ("green", "seed 7")


def seen(failed: int = 0, slow: bool = False, again: int = 0, seconds: float = 0.1, **more: Any) -> Seen:
    outcomes = [
        Outcome(id=str(number), accepted=number >= failed, slow=slow, retries=again, traces=[]) for number in range(4)
    ]
    given = {"lost": 0, "duplicated": 0, "dead": 0, "hops": [{"units": {"requests": 1}}] * 4, "struck": 1, "print": {}}
    return Seen(outcomes=outcomes, seconds=seconds, **(given | more))


@pytest.mark.parametrize(
    ("found", "color"),
    [
        (seen(), "green"),
        (seen(slow=True), "yellow"),
        (seen(again=1), "yellow"),
        (seen(seconds=9), "yellow"),
        (seen(failed=1), "red"),
        (seen(dead=1), "red"),
        (seen(dead=2, lost=2), "red"),
        (seen(dead=1, lost=2), "black"),
        (seen(lost=1), "black"),
        (seen(duplicated=1), "black"),
    ],
)
def test_a_cell_has_its_colour(found: Seen, color: str) -> None:
    cell = judged(found, seen(), frozenset(), exact=True)
    assert cell.color == color
    assert cell.amplification == 2.0


def test_a_hop_that_stands_for_many_calls_counts_as_many() -> None:
    many = [{"units": {"requests": 90}}, {"units": {}}]
    assert judged(seen(hops=many), seen(hops=many), frozenset(), exact=True).amplification == 2.0
    assert judged(seen(hops=many), seen(), frozenset(), exact=True).amplification == 45.5


def test_data_without_invariants_are_compared_by_what_they_amount_to() -> None:
    first = {"table a": 4.0, "sum a.n": 40.0, "sum a.time": 1.0, "queue dead": 0.0}
    steady = stable(first, first | {"sum a.time": 2.0})
    assert steady == {"table a", "sum a.n", "queue dead"}
    assert differ(first, first | {"sum a.time": 9.0}, steady, 0, 4) == (0, 0)
    assert differ(first, first | {"table a": 3.0}, steady, 0, 4) == (1, 0)
    assert differ(first, first | {"table a": 3.0, "sum a.n": 30.0}, steady, 1, 4) == (0, 0)
    assert differ(first, first | {"sum a.n": 60.0}, steady, 0, 4) == (0, 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_a_careless_consumer_is_seen_to_count_twice(
    killable: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    killable.start()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    wanted = {"ENDPOINT_URL": killable.url, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}
    for name, value in {**wanted, "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    outputs = runpy.run_path(str(ORDERS / "orders.py"))["deploy"]("careless")
    files = {kind: tmp_path / f"matrix.{kind}" for kind in ("json", "html", "junit")}
    command = [sys.executable, "-m", "kumoi", "break", str(ORDERS / "experiment.yaml"), "--all-edges"]
    command += ["--edge", "dynamodbstreams:* → lambda:* Invoke", "--requests", "2", "--way", "duplicate"]
    for kind, path in files.items():
        command += [f"--{kind}", str(path)]
    environment = {**os.environ, "KUMOI_URL": killable.url, "KUMOI_DATA": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    matrix = json.loads(files["json"].read_text())
    [row] = matrix["rows"]
    [cells] = row["cells"].values()
    assert cells["duplicate"]["color"] == "black" and cells["duplicate"]["duplicated"] >= 1
    assert any(one["rule"] == "not idempotent" and "Projection" in one["node"] for one in matrix["advice"])
    assert "What breaks when an edge does" in files["html"].read_text()
    assert '<failure message="black' in files["junit"].read_text()
    assert killable.client("dynamodb").scan(TableName=outputs["Orders"])["Count"] == 0, "it is as it was before"


USE = """
import boto3
sqs = boto3.client("sqs")
for number in range(2):
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="orders")["QueueUrl"], MessageBody=str(number))
"""


@pytest.mark.slow
def test_flows_are_recorded_while_a_command_uses_the_platform(killable: Any, tmp_path: Path) -> None:
    killable.start()
    url = killable.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    (tmp_path / "use.py").write_text(USE)
    command = [sys.executable, "-m", "kumoi", "break", "--all-edges", "--record"]
    command += [f"{sys.executable} {tmp_path / 'use.py'}", "--json", str(tmp_path / "matrix.json")]
    command += ["--way", "error", "--way", "duplicate"]
    environment = {**os.environ, "KUMOI_URL": killable.url, "KUMOI_DATA": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    matrix = json.loads((tmp_path / "matrix.json").read_text())
    assert matrix["flows"] == ["sqs SendMessage"]
    [row] = matrix["rows"]
    assert (row["source"], row["target"], row["operation"]) == ("client", "sqs:orders", "SendMessage")
    cells = row["cells"]["sqs SendMessage"]
    assert (cells["error"]["color"], cells["error"]["failed"]) == ("red", 2)
    assert (cells["duplicate"]["color"], cells["duplicate"]["duplicated"]) == ("black", 2)
    attributes = killable.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "0", "what was recorded is undone, too"
    with urllib.request.urlopen(f"{killable.url}/_kumoi/sweep", timeout=60) as answer:
        kept = json.load(answer)["sweep"]
    assert kept["rows"] == matrix["rows"] and kept["time"] > 0, "Studio shows it"
