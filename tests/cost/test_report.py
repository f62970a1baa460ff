"""A report out of what was observed: whose costs are whose, a month of it, levers, break-even and the page. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kumoi import prices
from kumoi.cost import alternatives
from kumoi.cost.applications import Applications
from kumoi.cost.bill import lines_of
from kumoi.cost.flows import shares
from kumoi.cost.hop_cost import cost_per_hour, hop_cost
from kumoi.cost.levers import levers
from kumoi.cost.observed import Amount, FlowKey, Observed, Row
from kumoi.cost.projection import Load, journey_of, month_cost
from kumoi.cost.report import Wish, composed
from kumoi.cost.rules import Edge
from kumoi.cost.sheet import between, bill_csv, markdown, rounded, table_csv
from kumoi.cost.split import split
from kumoi.cost.standing import Standing, standing_of
from kumoi.doorway import Held, Hop
from kumoi.prices import Range

A, R = "111111111111", "us-east-1"
GB_SECOND = 1024 * 1000


def flow(source: str, target: str, operation: str) -> FlowKey:
    return FlowKey(A, R, source, target, target.partition(":")[0], operation)


def row(of: FlowKey, source: str, target: str, operation: str, traces: int = 1, **units: float) -> Row:
    amounts = {
        name.replace("__", ":").replace("_ms_", "-millisecond-"): Amount(
            total, total, total / traces, total / traces, traces
        )
        for name, total in units.items()
    }
    return Row(of, A, R, Edge(source, target, target.partition(":")[0], operation), amounts)


API = flow("client", "apigatewayv2:api", "execute-api")
STREAM = flow("dynamodbstreams:orders", "lambda:projection", "Invoke")
DEPLOY = flow("client", "cloudformation:app", "CreateStack")
MAKING = flow("cloudformation:app", "lambda:api", "CreateFunction")
POLL = flow("client", "dynamodb:orders", "Scan")
NIGHTLY = flow("scheduler:nightly", "lambda:report", "Invoke")


def shop(journeys: int = 100, hours: float = 1.0) -> Observed:
    n = float(journeys)
    rows = (
        row(API, "client", "apigatewayv2:api", "execute-api", journeys, requests=n, out=n * 1024),
        row(
            API,
            "apigatewayv2:api",
            "lambda:api",
            "Invoke",
            journeys,
            requests=n,
            lambda__invocations=n,
            lambda__millisecond=n * 90,
            **{
                "lambda:MB-millisecond-x86": n * 100 * 1024,
                "lambda:billed-millisecond": n * 100,
                "lambda:used-MB": 60.0,
            },
        ),
        row(API, "lambda:api", "dynamodb:orders", "PutItem", journeys, requests=n, write_units=n),
        row(STREAM, "dynamodbstreams:orders", "lambda:projection", "Invoke", 10, requests=10, lambda__invocations=10),
        row(POLL, "client", "dynamodb:orders", "Scan", 5, requests=5, read_units=50),
        row(DEPLOY, "client", "cloudformation:app", "CreateStack", 1, requests=1),
        row(MAKING, "cloudformation:app", "sqs:jobs", "CreateQueue", 1, requests=1),
        row(NIGHTLY, "scheduler:nightly", "lambda:report", "Invoke", 2, requests=2, lambda__invocations=2),
    )
    traces = {API: journeys, STREAM: 10, POLL: 5, DEPLOY: 1, MAKING: 1, NIGHTLY: 2}
    return Observed(rows, traces, 0, int(hours * 3_600_000))


def test_a_stream_belongs_to_whoever_wrote_to_its_table() -> None:
    found = shares(shop())
    assert found.chosen == {API: 100}
    assert found.of == {API: {API: 1.0}, STREAM: {API: 1.0}}
    assert found.beside == {DEPLOY, POLL, MAKING}  # NIGHTLY went by the clock


def test_journeys_may_be_named() -> None:
    assert shares(shop(), ["Scan *"]).chosen == {POLL: 5}
    assert shares(shop(), ["nothing"]).chosen == {}


def test_two_flows_share_what_both_caused() -> None:
    other = flow("client", "apigatewayv2:admin", "execute-api")
    rows = (
        row(API, "lambda:api", "sqs:jobs", "SendMessage", requests=30),
        row(other, "lambda:admin", "sqs:jobs", "SendMessage", requests=10),
        row(flow("sqs:jobs", "sqs:jobs", "ReceiveMessages"), "sqs:jobs", "sqs:jobs", "ReceiveMessages", requests=40),
    )
    polls = rows[2].flow
    found = shares(Observed(rows, {API: 30, other: 10, polls: 40}))
    assert found.of[polls] == {API: 0.75, other: 0.25}


@pytest.mark.parametrize(
    ("begins", "row_of"),
    [
        (flow("pipes:p", "pipes:p", "Batch"), ("pipes:p", "sqs:jobs", "ReceiveMessages")),
        (flow("stepfunctions", "logs:/states", "WriteFunctionLogs"), None),
        (flow("client", "apigatewayv2:api", "ServeWebSocketMessage"), None),
        (flow("events:rule", "lambda:f", "Invoke"), None),
    ],
    ids=["a pipe that polls", "a service's own log", "messages of a connection", "a rule"],
)
def test_what_follows_from_a_journey(begins: FlowKey, row_of: tuple[str, str, str] | None) -> None:
    rows = [
        row(API, "client", "apigatewayv2:api", "execute-api", requests=1),
        row(API, "lambda:api", "sqs:jobs", "SendMessage", requests=1),
        row(API, "lambda:api", "stepfunctions:m", "StartExecution", requests=1),
        row(API, "lambda:api", "events", "PutEvents", requests=1),
        row(begins, begins.source, begins.target, begins.operation, requests=1),
    ]
    traces = {API: 1, begins: 1}
    if row_of is not None:
        polls = flow(row_of[0], row_of[1], row_of[2])
        rows.append(row(polls, *row_of, requests=1))
        traces[polls] = 1
    assert shares(Observed(tuple(rows), traces)).of[begins] == {API: 1.0}


def test_a_month_by_hand() -> None:
    observed, load = shop(), Load(users=1_000, journeys_per_user=100, free_tier="none")
    lines = lines_of(observed, {}, prices.aws())
    belonging = shares(observed)
    journey = journey_of(lines, belonging, [Standing(A, R, "secretsmanager:s", "secretsmanager.secret-months", 1)], 1.0)
    per_journey = (
        1.00e-6 + (1 + 0.1) * 0.20e-6 + 0.1 * 0.0000166667 + 0.625e-6 + 1024 / 2**30 * 0.09  # API, Lambda, table, bytes
    )
    by_the_clock = 2 * 730 * (0.20e-6 + 1.00e-6)  # a function started by a schedule, twice an hour
    assert month_cost(journey, load, prices.aws()).middle == pytest.approx(100_000 * per_journey + by_the_clock + 0.40)


def test_data_grow_with_journeys_and_are_kept() -> None:
    observed = shop()
    lines, belonging = lines_of(observed, {}, prices.aws()), shares(observed)
    standing = standing_of(A, R, [Held("dynamodb:orders", "bytes", 2**30), Held("dynamodb:other", "bytes", 2**30)])
    journey = journey_of(lines, belonging, standing, 1.0)
    assert journey.grown == {(R, "dynamodb.gb-months"): 0.01}
    assert journey.standing == {(R, "dynamodb.gb-months"): 1.0}


def test_levers_are_computed_from_what_was_seen() -> None:
    observed, load = shop(), Load(users=10_000, journeys_per_user=100)
    found = {
        one.name: one for one in levers(lines_of(observed, {}, prices.aws()), shares(observed), load, prices.aws())
    }
    gb_seconds = 1e6 * 0.1
    assert found["arm64"].usd.middle == pytest.approx(gb_seconds * (0.0000166667 - 0.0000133334))
    memory = found["less memory"]
    assert memory.where == "lambda:api"
    assert memory.usd.high == pytest.approx(gb_seconds * 0.0000166667 * (1 - 128 / 1024))
    assert memory.usd.low == 0
    assert "HTTP API instead of REST API" not in found


def test_levers_of_apis_workflows_and_batches() -> None:
    rest = flow("client", "apigateway:api", "execute-api")
    rows = (
        row(rest, "client", "apigateway:api", "execute-api", 10, requests=10),
        row(rest, "lambda:api", "sqs:jobs", "SendMessage", 10, requests=10),
        row(rest, "sqs:jobs", "lambda:worker", "Invoke", 10, requests=10, lambda__invocations=10),
        row(
            rest,
            "stepfunctions:m",
            "stepfunctions:m",
            "Execution",
            10,
            transitions=60,
            standard_executions=10,
            standard_milliseconds=20_000,
        ),
    )
    observed = Observed(rows, {rest: 10})
    found = levers(lines_of(observed, {}, prices.aws()), shares(observed), Load(1_000, 1_000), prices.aws())
    assert [one.name for one in found] == [
        "Express instead of Standard",
        "HTTP API instead of REST API",
        "larger batches",
    ]
    express, http, batches = found
    assert express.usd.middle == pytest.approx(1e6 * (6 * 0.025e-3 - 1.00e-6 - 2 * 64 / 1024 * 0.00001667))
    assert http.usd.middle == pytest.approx(2.50)
    assert batches.usd.high == pytest.approx(1e6 * 0.20e-6 * 0.9)


def comparison(observed: Observed) -> alternatives.Comparison:
    lines, belonging = lines_of(observed, {}, prices.aws()), shares(observed)
    journey = journey_of(lines, belonging, [], 1.0)
    work = alternatives.work_of(lines, belonging)
    return alternatives.Comparison(journey, work, prices.aws(), prices.alternatives(), R)


def test_containers_cost_the_same_until_they_are_too_few() -> None:
    found, load = comparison(shop()), Load(users=1)
    two_tasks = 730 * (2 * (0.5 * 0.04048 + 0.004445) + 0.0225)
    assert found.containers(load).middle == pytest.approx(two_tasks, rel=0.001)
    curve = alternatives.curve(found, load)
    assert [one["users"] for one in curve] == list(alternatives.USERS)
    middles = [one["serverless"]["middle"] for one in curve]
    assert middles == sorted(middles)
    assert curve[-1]["containers"]["middle"] > two_tasks * 2


def test_break_even_lies_where_the_curves_cross() -> None:
    found, load = comparison(shop()), Load(journeys_per_user=100)
    users = alternatives.break_even(found, load)["machines"]
    assert users is not None
    below, above = (Load(users=users * factor, journeys_per_user=100) for factor in (0.98, 1.02))
    assert found.serverless(below).middle - found.machines(below).middle < alternatives.WORTH_IT
    assert found.serverless(above).middle - found.machines(above).middle > alternatives.WORTH_IT


def test_a_higher_peak_takes_more_machines() -> None:
    found = comparison(shop())
    flat, peaked = (found.containers(Load(users=1e6, peak=peak)).middle for peak in (1, 10))
    assert peaked > 4 * flat > 0
    assert found.serverless(Load(peak=1)) == found.serverless(Load(peak=10))


def test_larger_files_take_more_room_and_transfer() -> None:
    upload = flow("client", "apigatewayv2:api", "execute-api")
    megabyte = 2.0**20
    rows = (
        row(upload, "client", "apigatewayv2:api", "execute-api", 10, requests=10, out=10 * 2**30),
        row(upload, "lambda:api", "s3:files", "PutObject", 10, requests=10, **{"in": 10 * megabyte}),
        row(upload, "client", "s3:files", "GetObject", 10, requests=10, out=10 * megabyte),
    )
    observed = Observed(rows, {upload: 10})
    held = standing_of(A, R, [Held("s3:files", "bytes", int(10 * megabyte))])

    def month(**wish: Any) -> tuple[dict[str, float], Mapping[str, Any]]:
        found = composed(observed, {}, held, Applications(), prices.aws(), Wish(users=1, journeys_per_user=1, **wish))
        return {one["item"]: one["quantity"] for one in found["month"]["items"]}, found

    seen, _ = month()
    larger, report = month(file_bytes=4 * megabyte)
    assert larger["s3.gb-months"] == pytest.approx(4 * seen["s3.gb-months"])
    assert larger["transfer.out-gb"] - seen["transfer.out-gb"] == pytest.approx(3 / 1024), "what the API answers stays"
    assert larger["s3.class-a"] == seen["s3.class-a"]
    assert (report["month"]["file_bytes"], report["notes"][-1][:40]) == (
        4 * megabyte,
        "files are taken to be 4,194,304 bytes, 4",
    )


def test_a_file_in_parts_is_as_large_as_they_are() -> None:
    upload, megabyte = flow("client", "apigatewayv2:api", "execute-api"), 2.0**20
    rows = (
        row(upload, "client", "apigatewayv2:api", "execute-api", 10, requests=10),
        row(upload, "lambda:api", "s3:files", "UploadPart", 40, requests=40, **{"in": 320 * megabyte}),
        row(upload, "lambda:api", "s3:files", "CompleteMultipartUpload", 10, requests=10, **{"in": 5_000.0}),
    )
    wish = Wish(users=1, journeys_per_user=1, file_bytes=64 * megabyte)
    found = composed(Observed(rows, {upload: 10}), {}, [], Applications(), prices.aws(), wish)
    assert found["notes"][-1] == "files are taken to be 67,108,864 bytes, 2 times as large as in the run"


def test_a_functions_logs_and_a_tables_stream_belong_to_its_stack() -> None:
    owners = Applications({(A, R, "lambda:api"): "app", (A, R, "dynamodb:orders"): "app", (A, R, "sqs:q"): "other"}, {})
    nodes = owners.nodes_of("app")
    assert {"lambda:api", "dynamodb:orders", "dynamodbstreams:orders"} <= nodes
    assert sorted(node for node in nodes if node.startswith("logs:")) == [
        "logs:/aws/lambda-url/api",
        "logs:/aws/lambda/api",
    ]
    assert "sqs:q" not in nodes and owners.nodes_of("nothing") == frozenset()


def test_the_size_of_files_needs_files() -> None:
    assert "no journey put a file" in " ".join(report(file_bytes=1)["notes"])


def report(**wish: Any) -> Mapping[str, Any]:
    owners = Applications(
        {(A, R, "lambda:api"): "app", (A, R, "dynamodb:orders"): "app"}, {(A, R, "app"): {"team": "red"}}
    )
    return composed(shop(), {}, [], owners, prices.aws(), Wish(**wish))


def test_groups_by_application_and_tag() -> None:
    found = report(tag="team")
    applications = {one["name"]: one["calls"] for one in found["by"]["application"]}
    assert applications == {"app": 100 + 100 + 10 + 5, "(no stack)": 100 + 1 + 1 + 2}
    assert {one["name"] for one in found["by"]["tag"]} == {"red", "(no tag team)"}
    assert {one["name"] for one in found["by"]["flow"]} >= {"execute-api apigatewayv2:api", "Scan dynamodb:orders"}
    assert sum(one["usd"]["middle"] for one in found["by"]["edge"]) == pytest.approx(found["run"]["usd"]["middle"])


def test_another_region_is_priced_as_such() -> None:
    tokyo = report(region="ap-northeast-1")
    assert {one["region"] for one in tokyo["items"]} == {"ap-northeast-1"}
    assert tokyo["run"]["usd"]["middle"] > report()["run"]["usd"]["middle"]


def test_the_number_of_journeys_may_be_said() -> None:
    assert report(journeys=50)["per_1000_journeys"]["middle"] == pytest.approx(
        2 * report()["per_1000_journeys"]["middle"]
    )


def test_a_list_laid_over_changes_the_bill() -> None:
    over = {"items": {"dynamodb.write-units": {"us-east-1": {"price": 1.0}}}}
    known = prices.PriceList.parse(over).over(prices.aws())
    found = composed(shop(), {}, [], Applications(), known, Wish())
    assert found["items"][0]["item"] == "dynamodb.write-units"
    assert found["items"][0]["usd"]["middle"] == pytest.approx(100)
    assert "dynamodb.write-units" in " ".join(found["notes"])  # nobody verified it


def test_costs_are_shared_out_by_weights() -> None:
    found = split({"north": 3, "south": 1}, Range(1, 2, 3), Range(10, 20, 30))
    assert [(one["name"], one["share"], one["run"]["middle"], one["month"]["high"]) for one in found] == [
        ("north", 0.75, 1.5, 22.5),
        ("south", 0.25, 0.5, 7.5),
    ]


@pytest.mark.parametrize(
    "wish",
    [
        {"users": -1},
        {"users": 1e10},
        {"free_tier": "all"},
        {"journeys": 0},
        {"split": {"a": 0}},
        {"split": {"a": -1}},
        {"peak": 0.5},
        {"file_bytes": 0},
    ],
)
def test_wishes_that_mean_nothing_are_refused(wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="users|free_tier|journeys|split|peak|file_bytes"):
        Wish(**wish)


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0"),
        (0.0000123456, "$0.000012"),
        (0.0456, "$0.046"),
        (0.5, "$0.50"),
        (1.234, "$1.20"),
        (12.7, "$13"),
        (12_345, "$12,000"),
    ],
)
def test_two_digits(usd: float, text: str) -> None:
    assert rounded(usd) == text


def test_a_range_is_one_figure_where_its_ends_look_the_same() -> None:
    assert between({"low": 1.01, "middle": 1.02, "high": 1.03}) == "$1.00"
    assert between({"low": 1, "middle": 2, "high": 3}) == "$1.00 to $3.00"


def test_the_page_and_the_tables() -> None:
    found = report(split={"north": 1, "south": 1}, users=5_000)
    page = markdown(found)
    for text in ("5,000 users", "cost.png", "## What would make it cheaper", "north", "50.0%", "containers (Fargate)"):
        assert text in page
    rows: Sequence[dict[str, str]] = list(csv.DictReader(io.StringIO(table_csv(found))))
    assert [int(one["users"]) for one in rows] == list(alternatives.USERS)
    assert float(rows[0]["containers_middle"]) > float(rows[0]["serverless_middle"])
    kinds = {one["kind"] for one in csv.DictReader(io.StringIO(bill_csv(found)))}
    assert kinds == {"application", "flow", "edge", "item", "month", "split"}


def test_nothing_observed_is_a_report_too() -> None:
    found = composed(Observed((), {}), {}, [], Applications(), prices.aws(), Wish())
    assert found["run"]["usd"] == {"low": 0, "middle": 0, "high": 0}
    assert "no flow is a journey" in found["notes"][0]
    assert "0 journeys" in markdown(found)


def hop(second: int, units: dict[str, float]) -> Hop:
    return Hop(
        second * 1000, A, R, "t", "s", "", "client", "sqs:q", "sqs", "SendMessage", "ok", 1, 0, 0, "r", "", units
    )


def test_what_an_edge_costs_by_the_hour() -> None:
    hops = [hop(second, {"requests": 1}) for second in range(120)]
    assert hop_cost(hops[0]) == pytest.approx(0.4e-6)
    assert cost_per_hour(hops, now=120.0) == {("client", "sqs:q", "SendMessage"): pytest.approx(0.4e-6 * 3600)}
    assert cost_per_hour(hops[:1], now=0.0) == {("client", "sqs:q", "SendMessage"): pytest.approx(0.4e-6 * 60)}
