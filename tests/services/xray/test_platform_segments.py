"""What hops of traced calls become: tables."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from kumoi.clock import Clock
from kumoi.doorway import Hop, Hops, Traced
from kumoi.lake import Lake
from kumoi.services.xray.intake import Intake
from kumoi.services.xray.platform_segments import functions
from kumoi.services.xray.platform_segments.emitter import Emitter
from kumoi.services.xray.platform_segments.parts import call_made
from kumoi.services.xray.storage import Place, find_trace
from kumoi.services.xray.traces import assemble, parse
from kumoi.services.xray.traces.rendering import answer

ROOT = "1-581cf771-a006649127e371903a2de979"
RAN = {"requests": 1.0, "lambda:millisecond": 100.0}


def a_hop(outcome: str = "ok", service: str = "lambda", target: str = "lambda:f", **more: Any) -> Hop:
    hop = Hop(
        10_000, "1", "r", ROOT, "00000000000000aa", "", "c", target, service, "Op", outcome, 900_000, 0, 7, "q", "", {}
    )
    return replace(hop, **more)


def ran(**more: Any) -> dict[str, Any]:
    facts = {"name": "f", "arn": "arn:f", "arrived": 10.0, "began": 10.2, "ended": 10.8, "init": None, "duration": 0.1}
    return {**facts, "status": "success", "error_type": None, "error": b"", **more}


def times(document: dict[str, Any]) -> list[tuple[str, float, float]]:
    return [(one["name"], round(one["start_time"], 3), round(one["end_time"], 3)) for one in document["subsegments"]]


def test_a_warm_invocation_and_a_cold_one() -> None:
    service, own = functions.render(a_hop(units=RAN), Traced("lambda", "00000000000000bb", ran()), ())
    assert (service["start_time"], service["end_time"], service["parent_id"]) == (10.0, 10.9, "00000000000000bb")
    assert times(own) == [("Invocation", 10.7, 10.8), ("Overhead", 10.8, 10.9)]
    assert own["subsegments"][0]["id"] == "00000000000000aa"
    _, own = functions.render(a_hop(units=RAN), Traced("lambda", "", ran(init=0.3)), ())
    assert times(own) == [("Initialization", 10.4, 10.7), ("Invocation", 10.7, 10.8), ("Overhead", 10.8, 10.9)]


@pytest.mark.parametrize(
    ("outcome", "status", "marks"),
    [
        ("TooManyRequestsException", 429, {"error": True, "throttle": True}),
        ("InvalidRuntimeException", 400, {"error": True}),
        ("InternalFailure", 500, {"fault": True}),
    ],
)
def test_an_invocation_that_did_not_run_has_the_services_segment_alone(
    outcome: str, status: int, marks: dict[str, bool]
) -> None:
    (service,) = functions.render(
        a_hop(outcome), Traced("lambda", "", {"name": "f", "arn": "arn:f", "arrived": 10.0}), ()
    )
    assert service["http"]["response"]["status"] == status
    assert {mark: service[mark] for mark in ("error", "throttle", "fault") if mark in service} == marks


def test_a_failure_names_its_exception_even_where_it_is_no_json() -> None:
    error = b'{"errorMessage": "no stock", "errorType": "KeyError", "stackTrace": ["  line 1\\n"]}'
    hop = a_hop("KeyError", units=RAN)
    service, own = functions.render(hop, Traced("lambda", "", ran(error_type="KeyError", error=error)), ())
    assert (service["fault"], own["fault"]) == (True, True)
    (exception,) = own["cause"]["exceptions"]
    assert (exception["type"], exception["message"], exception["stack"]) == (
        "KeyError",
        "no stock",
        [{"label": "line 1"}],
    )
    _, own = functions.render(hop, Traced("lambda", "", ran(error_type="Runtime.ExitError", error=b"")), ())
    assert own["cause"]["exceptions"][0]["type"] == "Runtime.ExitError"


def test_attempts_of_an_event_gather_in_one_segment() -> None:
    documents = []
    for attempt, time in ((1, 10_000), (2, 70_000)):
        facts = ran(
            arrived=time / 1000, began=time / 1000, ended=time / 1000 + 0.5, accepted="8.0", attempt=str(attempt)
        )
        hop = a_hop(time=time, span=f"{attempt:016x}", units=RAN)
        documents += functions.render(hop, Traced("lambda", "", facts), ())
    trace = assemble(ROOT, documents)
    service, first, second = trace.segments
    assert [(one["name"], one["start_time"]) for one in service.document["subsegments"]] == [
        ("Dwell Time", 8.0),
        ("Attempt #1", 10.0),
        ("Attempt #2", 70.0),
    ]
    assert service.document["start_time"] == 8.0
    assert first.parent is second.parent is service
    assert len(answer(trace)["Segments"]) == 3


@pytest.mark.parametrize(
    ("hop", "name", "status", "marks"),
    [
        (a_hop(units=RAN), "Lambda", 200, ()),
        (a_hop("KeyError", units=RAN), "Lambda", 200, ("fault",)),
        (a_hop("ResourceNotFoundException"), "Lambda", 400, ("error",)),
        (a_hop("TooManyRequestsException"), "Lambda", 429, ("error", "throttle")),
        (a_hop(service="dynamodb", target="dynamodb:orders"), "DynamoDB", 200, ()),
        (a_hop("ServiceUnavailable", service="iot", target="iot"), "IOT", 500, ("fault",)),
    ],
)
def test_a_call_is_a_subsegment_of_its_caller(hop: Hop, name: str, status: int, marks: tuple[str, ...]) -> None:
    found = call_made(hop)
    assert (found["name"], found["namespace"], found["http"]["response"]["status"]) == (name, "aws", status)
    assert tuple(mark for mark in ("error", "throttle", "fault") if found.get(mark)) == marks
    assert found["id"] == "80000000000000aa"


def test_what_is_made_is_valid() -> None:
    for document in functions.render(a_hop(units=RAN), Traced("lambda", "", ran(init=0.1)), ()):
        assert parse(json.dumps(document)) == document


def test_many_calls_are_all_within_their_callers_segment(caplog: pytest.LogCaptureFixture) -> None:
    facts = dict.fromkeys(("name", "url", "method", "user_agent", "client_ip", "forwarded", "api", "stage", "arn"), "x")

    async def main() -> list[int]:
        lake = await Lake.open(None)
        hops = Hops(lake)
        emitter = Emitter(hops, Intake(lake, Clock()))
        for number in range(250):
            hops.record(a_hop(span=f"{number + 1:016x}", parent="00000000000000ff", within=True, units=RAN))
        hops.record(a_hop(span="00000000000000ff", target="apigateway:x", traced=Traced("apigateway", "", facts)))
        hops.record(a_hop(span="00000000000000fe", traced=Traced("apigateway", "", {})))
        trace = await find_trace(lake, Place("1", "r"), ROOT)
        emitter.stop()
        hops.flush()
        await lake.close()
        assert trace is not None
        return [len(one.document["subsegments"]) for one in trace.segments if not one.inferred]

    assert asyncio.run(main()) == [250]
    assert "no segments could be made of lambda:f Op" in caplog.text
