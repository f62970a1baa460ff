"""What a document must hold, and how documents become a trace: tables."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.xray.traces import Refused, assemble, parse
from kumoi.services.xray.traces.document import MAX_BYTES
from kumoi.services.xray.traces.summary import summary

ID, TRACE = "70de5b6f19ff9a0a", "1-581cf771-a006649127e371903a2de979"
GOOD = {"id": ID, "trace_id": TRACE, "name": "shop", "start_time": 1.5, "end_time": 2.5}


def part(number: int, **members: Any) -> dict[str, Any]:
    return {"id": f"{number:016x}", "trace_id": TRACE, "name": f"n{number}", "start_time": 10.0 + number, **members}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"end_time": None, "in_progress": True}, None),
        ({"trace_id": TRACE[2:].replace("-", "")}, None),
        ({"name": "a-b_c.d:e/f%g&h#i+j\\k@l=雲"}, None),
        ({"annotations": "none", "aws": 1, "http": {"response": {"status": "200"}}, "fault": "yes"}, None),
        ({"id": None}, "MissingId"),
        ({"id": "70DE5B6F19FF9A0A"}, "InvalidId"),
        ({"id": 7}, "InvalidId"),
        ({"trace_id": None}, "MissingTraceId"),
        ({"trace_id": "1-581cf771"}, "InvalidTraceId"),
        ({"parent_id": "x"}, "InvalidParentId"),
        ({"type": "subsegment"}, "MissingParentId"),
        ({"name": None}, "MissingName"),
        ({"name": "what?"}, "InvalidName"),
        ({"name": "x" * 201}, "InvalidName"),
        ({"start_time": None}, "MissingStartTime"),
        ({"start_time": "now"}, "InvalidStartTime"),
        ({"start_time": True}, "InvalidStartTime"),
        ({"start_time": 1e300}, "InvalidStartTime"),
        ({"end_time": None}, "MissingEndTime"),
        ({"end_time": -1}, "InvalidEndTime"),
        ({"subsegments": {}}, "ParseError"),
        ({"subsegments": [{"id": ID}]}, "MissingName"),
        ({"metadata": {"default": "x" * MAX_BYTES}}, "SegmentTooLarge"),
    ],
)
def test_what_a_document_must_hold(changes: dict[str, Any], code: str | None) -> None:
    document = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    if code is None:
        assert parse(json.dumps(document))["trace_id"] == TRACE
        return
    with pytest.raises(Refused) as refused:
        parse(json.dumps(document))
    assert refused.value.code == code
    assert str(refused.value) == f"Invalid segment. ErrorCode: {code}"


@pytest.mark.parametrize(
    ("text", "code"), [("", "ParseError"), ("7", "ParseError"), ("[]", "MissingId"), ("{", "ParseError")]
)
def test_what_is_no_document(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert refused.value.code == code


def test_nesting_has_an_end() -> None:
    deep: dict[str, Any] = dict(GOOD)
    for _ in range(200):
        deep = {**GOOD, "subsegments": [deep]}
    with pytest.raises(Refused):
        parse(json.dumps(deep))


def test_a_complete_document_replaces_one_in_progress_in_whichever_order_they_come() -> None:
    begun, ended = part(1, in_progress=True), part(1, end_time=12.0)
    for documents in ([begun, ended], [ended, begun]):
        trace = assemble(TRACE, [dict(one) for one in documents])
        assert [one.document["end_time"] for one in trace.segments] == [12.0]
        assert not trace.partial
    assert assemble(TRACE, [begun]).partial


def test_subsegments_that_come_alone_find_their_place_at_any_depth() -> None:
    inner = part(3, end_time=14.0, type="subsegment", parent_id=f"{2:016x}")
    outer = part(2, end_time=15.0, type="subsegment", parent_id=f"{1:016x}")
    top = part(1, end_time=16.0)
    trace = assemble(TRACE, [inner, outer, top])
    (segment,) = trace.segments
    assert segment.document["subsegments"][0]["subsegments"][0]["id"] == inner["id"]
    assert trace.orphans == []


def test_a_trace_of_ten_thousand_calls_is_put_together_in_one_pass() -> None:
    calls = [
        part(number, type="subsegment", parent_id=f"{1:016x}", start_time=30_000.0 - number, end_time=30_001.0 - number)
        for number in range(2, 10_002)
    ]
    for call in calls:
        call |= {"name": "DynamoDB", "namespace": "aws"}
    used = time.thread_time()
    (root, *_) = assemble("t", [part(1), *calls]).roots
    assert time.thread_time() - used < 2, "the time grows with the calls, not with their square"
    begun = [one["start_time"] for one in root.document["subsegments"]]
    assert begun == sorted(begun) and len(begun) == len(root.children) == 10_000


def test_what_a_segment_holds_already_is_not_added_again() -> None:
    alone = part(2, end_time=12.5, type="subsegment", parent_id=f"{1:016x}")
    held = {name: alone[name] for name in ("id", "name", "start_time", "end_time")}
    trace = assemble(TRACE, [part(1, end_time=16.0, subsegments=[held]), alone])
    assert len(trace.segments[0].document["subsegments"]) == 1


@pytest.mark.parametrize(
    "parents", [{2: 2}, {2: 3, 3: 2}, {2: 3, 3: 4, 4: 2}, {2: 9}], ids=["itself", "two", "three", "missing"]
)
def test_circles_and_strays_are_left_aside(parents: dict[int, int]) -> None:
    alone = [
        part(child, end_time=20.0, type="subsegment", parent_id=f"{parent:016x}") for child, parent in parents.items()
    ]
    trace = assemble(TRACE, [part(1, end_time=16.0), *alone])
    assert len(trace.segments) == 1
    assert trace.orphans
    assert trace.partial
    assert summary(trace)["IsPartial"]


def test_a_circle_of_segments_ends() -> None:
    trace = assemble(
        TRACE, [part(1, end_time=20.0, parent_id=f"{2:016x}"), part(2, end_time=20.0, parent_id=f"{1:016x}")]
    )
    assert len(trace.roots) == 1


def test_nobody_stands_before_its_caller_whatever_the_clocks_say_and_in_whichever_order_they_arrive() -> None:
    own = part(4, parent_id=f"{3:016x}", start_time=11.0, end_time=12.0)
    service = part(3, parent_id=f"{2:016x}", start_time=11.0, end_time=12.0)
    call = part(2, start_time=11.0, end_time=12.0)
    stage = part(1, end_time=13.0, subsegments=[call])
    earlier = part(5, start_time=10.5, parent_id=f"{4:016x}", end_time=12.0)
    for documents in permutations([own, service, stage, earlier]):
        trace = assemble(TRACE, [parse(json.dumps(one)) for one in documents])
        assert [one.service.name for one in trace.segments] == ["n1", "n3", "n4", "n5"]


@pytest.mark.parametrize(
    ("members", "service"),
    [
        ({"name": "dynamodb", "namespace": "aws", "aws": {"table_name": "orders"}}, ("orders", "AWS::DynamoDB::Table")),
        (
            {"name": "SQS", "namespace": "aws", "aws": {"queue_url": "http://x/1/jobs"}},
            ("jobs", "AWS::SQS::Queue"),
        ),
        ({"name": "Rekognition", "namespace": "aws"}, ("Rekognition", "AWS::Rekognition")),
        ({"name": "example.com", "namespace": "remote"}, ("example.com", "remote")),
        ({"name": "db@host", "namespace": "remote", "sql": {"user": "me"}}, ("db@host", "Database::SQL")),
        ({"name": "local"}, None),
    ],
)
def test_services_that_tell_nothing_are_inferred(members: dict[str, Any], service: tuple[str, str] | None) -> None:
    trace = assemble(TRACE, [part(1, end_time=16.0, subsegments=[{**part(2, end_time=13.0), **members}])])
    inferred = [(one.service.name, one.service.type) for one in trace.segments if one.inferred]
    assert inferred == ([] if service is None else [service])


def test_a_service_that_tells_of_itself_is_not_inferred() -> None:
    call = {**part(2, end_time=13.0), "namespace": "remote"}
    trace = assemble(TRACE, [part(1, end_time=16.0, subsegments=[call]), part(3, end_time=14.0, parent_id=call["id"])])
    assert [one.service.name for one in trace.segments] == ["n1", "n3"]
    assert trace.segments[1].call is not None


def test_a_summary_tells_of_the_entry_point_and_of_what_is_indexed() -> None:
    failed = part(
        2,
        end_time=13.0,
        parent_id=f"{1:016x}",
        fault=True,
        user="ada",
        annotations={"a": 1, "b": True, "c": "x", "d": [1]},
        cause={"exceptions": [{"id": ID, "type": "KeyError", "message": "no stock"}]},
    )
    top = part(1, end_time=14.5, http={"request": {"url": "http://x/", "method": "GET"}, "response": {"status": 502}})
    found = summary(assemble(TRACE, [top, failed]))
    assert (found["Duration"], found["ResponseTime"]) == (3.5, 3.5)
    assert (found["HasFault"], found["HasError"], found["HasThrottle"]) == (True, False, False)
    assert found["Http"] == {"HttpURL": "http://x/", "HttpMethod": "GET", "HttpStatus": 502}
    service = {"Name": "n2", "Names": ["n2"]}
    assert {name: values[0]["AnnotationValue"] for name, values in found["Annotations"].items()} == {
        "a": {"NumberValue": 1.0},
        "b": {"BooleanValue": True},
        "c": {"StringValue": "x"},
    }
    assert found["Users"] == [{"UserName": "ada", "ServiceIds": [service]}]
    (cause,) = found["FaultRootCauses"]
    assert cause["ClientImpacting"]
    assert [one["Name"] for one in cause["Services"]] == ["n1", "n2"]
    assert cause["Services"][1]["EntityPath"][0]["Exceptions"] == [{"Name": "KeyError", "Message": "no stock"}]
    (slow,) = found["ResponseTimeRootCauses"]
    assert [one["Name"] for one in slow["Services"]] == ["n1", "n2"]


ids = st.integers(1, 6)
parts = st.lists(
    st.builds(
        lambda number, parent, alone, inside: part(
            number,
            end_time=20.0,
            parent_id=f"{parent:016x}",
            **({"type": "subsegment"} if alone else {}),
            subsegments=[{**part(one, end_time=20.0), "namespace": "aws"} for one in inside],
        ),
        ids,
        ids,
        st.booleans(),
        st.lists(ids, max_size=2),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=100)
@given(parts)
def test_any_documents_make_a_trace(documents: list[dict[str, Any]]) -> None:
    trace = assemble(TRACE, [parse(json.dumps(one)) for one in documents])
    assert trace.segments or trace.orphans
    json.dumps(summary(trace))
    assert all(one.parent is None or one in one.parent.children for one in trace.segments)
    assert len({id(one) for one in trace.segments}) == len(trace.segments)
    places = {id(one): at for at, one in enumerate(trace.segments)}
    assert all(one.parent is None or places[id(one.parent)] < places[id(one)] for one in trace.segments)
    last = {one["id"]: one.get("type") for one in documents}
    assert {one.document["id"] for one in trace.segments if not one.inferred} == {
        number for number, type in last.items() if type is None
    }


def test_a_call_that_has_the_id_of_another_closes_no_circle() -> None:
    call = {**part(1, end_time=20.0), "namespace": "aws"}
    five = part(5, end_time=20.0, parent_id=f"{1:016x}", subsegments=[call])
    three = part(3, end_time=20.0, subsegments=[call])
    trace = assemble(TRACE, [parse(json.dumps(one)) for one in (five, three)])
    (slow,) = summary(trace)["ResponseTimeRootCauses"]
    assert [one["Name"] for one in slow["Services"]][:1] == ["n3"]


def test_subsegments_that_hold_one_anothers_ids_do_not_vanish() -> None:
    first = part(1, end_time=20.0, type="subsegment", parent_id=f"{3:016x}", subsegments=[part(2, end_time=20.0)])
    second = part(2, end_time=20.0, type="subsegment", parent_id=f"{6:016x}", subsegments=[part(3, end_time=20.0)])
    trace = assemble(TRACE, [parse(json.dumps(one)) for one in (first, second)])
    assert [one["id"] for one in trace.orphans] == [f"{1:016x}"]


def test_fixture_documents_are_valid(a_segment: Callable[..., dict[str, Any]]) -> None:
    assert parse(json.dumps(a_segment()))["name"] == "shop"


def test_a_queue_stands_between_whoever_sends_and_whoever_goes_on() -> None:
    send = {**part(2, end_time=13.0), "name": "SQS", "namespace": "aws", "aws": {"queue_url": "http://x/1/jobs"}}
    invoke = {**part(3, end_time=13.0), "name": "Lambda", "namespace": "aws"}
    trace = assemble(
        TRACE,
        [
            part(1, end_time=16.0, subsegments=[send, invoke]),
            part(4, end_time=15.0, parent_id=send["id"], origin="AWS::Lambda"),
            part(5, end_time=15.0, parent_id=invoke["id"], origin="AWS::Lambda"),
        ],
    )
    above = {one.service.name: one.parent.service.name for one in trace.segments if one.parent is not None}
    assert above == {"jobs": "n1", "n4": "jobs", "n5": "n1"}
