"""Segments in; traces, summaries and graphs out, through boto3."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.pytest_plugin import KumoiAccount

Make = Callable[..., dict[str, Any]]


def hour() -> dict[str, Any]:
    now = time.time()
    return {"StartTime": now - 3600, "EndTime": now + 3600}


def test_a_trace_is_put_and_read(xray: Any, a_segment: Make) -> None:
    top = a_segment(http={"request": {"url": "http://shop/", "method": "GET"}, "response": {"status": 200}})
    call = a_segment(
        "DynamoDB",
        top["trace_id"],
        type="subsegment",
        parent_id=top["id"],
        namespace="aws",
        aws={"table_name": "orders", "operation": "PutItem"},
    )
    assert xray.put(call, top) == []
    shop, table = xray.documents(top["trace_id"])
    assert [one["id"] for one in shop["subsegments"]] == [call["id"]]
    assert (table["origin"], table["resource_names"]) == ("AWS::DynamoDB::Table", ["orders"])
    (summary,) = xray.find('service("orders")')
    assert (summary["Id"], summary["EntryPoint"]["Name"]) == (top["trace_id"], "shop")
    assert summary["Http"] == {"HttpURL": "http://shop/", "HttpStatus": 200, "HttpMethod": "GET"}


def test_those_that_are_not_valid_are_named_and_the_others_kept(xray: Any, a_segment: Make) -> None:
    good, nameless = a_segment(), a_segment(name=None)
    answer = xray.client.put_trace_segments(TraceSegmentDocuments=["[]", json.dumps(nameless), json.dumps(good)])
    assert answer["UnprocessedTraceSegments"] == [
        {"ErrorCode": "MissingId", "Message": "Invalid segment. ErrorCode: MissingId"},
        {"Id": nameless["id"], "ErrorCode": "MissingName", "Message": "Invalid segment. ErrorCode: MissingName"},
    ]
    assert [one["id"] for one in xray.documents(good["trace_id"])] == [good["id"]]


def test_a_segment_in_progress_is_completed_later(xray: Any, a_segment: Make) -> None:
    whole = a_segment()
    begun = {name: value for name, value in whole.items() if name != "end_time"} | {"in_progress": True}
    xray.put(begun)
    assert [one["IsPartial"] for one in xray.find()] == [True]
    assert xray.find("!partial") == []
    xray.put(whole)
    assert [one["IsPartial"] for one in xray.find()] == [False]
    assert xray.documents(whole["trace_id"]) == [whole]


def test_a_trace_of_w3c_whose_id_tells_no_time_is_found_by_when_it_began(xray: Any, a_segment: Make) -> None:
    one = a_segment(trace="4bf92f3577b34da6a3ce929d0e0e4736")
    xray.put(one)
    assert [found["Id"] for found in xray.find()] == ["1-4bf92f35-77b34da6a3ce929d0e0e4736"]
    assert len(xray.documents("4bf92f3577b34da6a3ce929d0e0e4736")) == 1


def test_such_a_trace_is_whole_though_its_documents_lie_apart(xray: Any, a_segment: Make) -> None:
    now = time.time()
    made = [a_segment(f"n{number}", trace="5" * 32, start_time=now - 600 + number, end_time=now) for number in range(5)]
    others = [a_segment("other", trace=f"1-{int(now) - 600 + number % 5:08x}-{number:024x}") for number in range(2_200)]
    for at in range(0, len(others), 1_100):
        xray.put(*others[at : at + 1_100])
    xray.put(*made)
    (summary,) = xray.find('!service("other")')
    assert {one["Name"] for one in summary["ServiceIds"]} == {f"n{number}" for number in range(5)}
    services = xray.client.get_service_graph(**hour())["Services"]
    counts = {one["Name"]: one["SummaryStatistics"]["TotalCount"] for one in services if "SummaryStatistics" in one}
    assert counts == {**{f"n{number}": 1 for number in range(5)}, "other": 2_200}


def test_ids_of_nothing_are_unprocessed(xray: Any) -> None:
    nothing = "1-581cf771-a006649127e371903a2de979"
    assert xray.client.batch_get_traces(TraceIds=[nothing])["UnprocessedTraceIds"] == [nothing]
    for ids, text in (([nothing] * 6, "cannot exceed 5"), (["x"], "Invalid trace ID: x")):
        with pytest.raises(ClientError, match=text):
            xray.client.batch_get_traces(TraceIds=ids)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"StartTime": 10, "EndTime": 10}, "StartTime must be before EndTime"),
        ({"StartTime": 0, "EndTime": 21_601}, "Time range cannot exceed 6 hours"),
        (
            {"StartTime": 0, "EndTime": 1, "FilterExpression": "bogus"},
            "Invalid filter expression: bogus is not a keyword",
        ),
        ({"StartTime": 0, "EndTime": 1, "NextToken": "?"}, "Invalid NextToken"),
    ],
)
def test_what_summaries_refuse(xray: Any, given: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError, match=text) as error:
        xray.client.get_trace_summaries(**given)
    assert error.value.response["Error"]["Code"] == "InvalidRequestException"


def test_summaries_by_when_something_happened(xray: Any, a_segment: Make) -> None:
    now = time.time()
    old = a_segment(trace=f"1-{int(now) - 7200:08x}-a006649127e371903a2de979", start_time=now - 7200, end_time=now - 60)
    xray.put(old)
    last = {"StartTime": now - 600, "EndTime": now}
    assert xray.client.get_trace_summaries(**last)["TraceSummaries"] == []
    for kind in ("Event", "Service"):
        found = xray.client.get_trace_summaries(**last, TimeRangeType=kind)
        assert [one["Id"] for one in found["TraceSummaries"]] == [old["trace_id"]]
    assert found["TracesProcessedCount"] == 1


def test_pages_of_summaries_hold_each_trace_once(xray: Any, a_segment: Make) -> None:
    now = int(time.time())
    made = [
        a_segment(trace=f"1-{now - number % 50:08x}-{number:024x}", name=f"n{number % 3}") for number in range(2_400)
    ]
    for at in range(0, len(made), 1_200):
        assert xray.put(*made[at : at + 1_200]) == []
    first = xray.client.get_trace_summaries(**hour())
    assert first["NextToken"]
    found = [one["Id"] for one in xray.find('service("n1")')]
    assert sorted(found) == sorted(one["trace_id"] for one in made if one["name"] == "n1")
    few = xray.find(SamplingStrategy={"Name": "FixedRate", "Value": 0.1})
    assert 120 < len(few) < 380


def test_the_service_graph_counts_services_and_edges(xray: Any, a_segment: Make) -> None:
    for fault in (False, True):
        top = a_segment("shop", start_time=time.time() - 4)
        call = {
            "id": a_segment()["id"],
            "name": "stock",
            "namespace": "remote",
            "start_time": top["start_time"] + 1,
            "end_time": top["start_time"] + 3,
        }
        top["subsegments"] = [call]
        stock = a_segment(
            "stock", top["trace_id"], parent_id=call["id"], fault=fault or None, origin="AWS::EC2::Instance"
        )
        xray.put(top, stock)
    answer = xray.client.get_service_graph(**hour())
    services = {(one["Name"], one.get("Type")): one for one in answer["Services"]}
    assert services.keys() == {("shop", None), ("stock", "AWS::EC2::Instance"), ("shop", "client")}
    shop, stock, client = services.values()
    assert (shop["Root"], shop["State"], client["State"]) == (True, "active", "unknown")
    assert [edge["ReferenceId"] for edge in client["Edges"]] == [shop["ReferenceId"]]
    (edge,) = shop["Edges"]
    assert edge["ReferenceId"] == stock["ReferenceId"]
    assert edge["SummaryStatistics"]["TotalResponseTime"] == pytest.approx(4.0, abs=0.01)
    assert edge["ResponseTimeHistogram"] == [{"Value": 2.0, "Count": 2}]
    assert stock["SummaryStatistics"]["OkCount"] == stock["SummaryStatistics"]["FaultStatistics"]["TotalCount"] == 1
    graph = xray.client.get_trace_graph(TraceIds=[top["trace_id"]])["Services"]
    assert [one["SummaryStatistics"]["TotalCount"] for one in graph if "SummaryStatistics" in one] == [1, 1]


def test_graphs_and_statistics_of_a_group(xray: Any, a_segment: Make) -> None:
    xray.put(a_segment("shop"), a_segment("shop", fault=True), a_segment("other"))
    arn = xray.client.create_group(GroupName="failed", FilterExpression="fault")["Group"]["GroupARN"]
    for group in ({"GroupName": "failed"}, {"GroupARN": arn}):
        services = xray.client.get_service_graph(**hour(), **group)["Services"]
        assert [one["Name"] for one in services] == ["shop", "shop"]
    assert len(xray.find('group.name = "failed"')) == len(xray.find(f'group.arn = "{arn}"')) == 1
    now = time.time()
    wide = {"StartTime": now - 3600, "EndTime": now + 60}
    (minute,) = xray.client.get_time_series_service_statistics(
        **wide, EntitySelectorExpression='service(id(name: "shop"))', Period=300
    )["TimeSeriesServiceStatistics"][-1:]
    assert minute["ServiceSummaryStatistics"]["TotalCount"] == 2
    edges = xray.client.get_time_series_service_statistics(
        **wide, EntitySelectorExpression='edge(id(type: "client"), "other")', GroupName="failed"
    )
    assert edges["TimeSeriesServiceStatistics"] == []
    for wrong in ({"Period": 7}, {"EntitySelectorExpression": "ok"}, {"GroupName": "none"}):
        with pytest.raises(ClientError) as error:
            xray.client.get_time_series_service_statistics(**wide, **wrong)
        assert error.value.response["Error"]["Code"] == "InvalidRequestException"


def test_traces_are_retrieved(xray: Any, a_segment: Make) -> None:
    made = [a_segment() for _ in range(7)]
    xray.put(*made)
    ids = [one["trace_id"] for one in made]
    token = xray.client.start_trace_retrieval(TraceIds=ids, **hour())["RetrievalToken"]
    first = xray.client.list_retrieved_traces(RetrievalToken=token)
    assert (first["RetrievalStatus"], len(first["Traces"])) == ("COMPLETE", 5)
    rest = xray.client.list_retrieved_traces(RetrievalToken=token, NextToken=first["NextToken"])
    assert sorted(one["Id"] for one in first["Traces"] + rest["Traces"]) == sorted(ids)
    xray.put(a_segment("inner", ids[0], type="subsegment", parent_id=made[0]["id"], namespace="remote", fault=True))
    token = xray.client.start_trace_retrieval(TraceIds=ids[:1], **hour())["RetrievalToken"]
    (trace,) = xray.client.list_retrieved_traces(RetrievalToken=token, TraceFormat="OTEL")["Traces"]
    shop, inner = (json.loads(span["Document"]) for span in trace["Spans"])
    assert (shop["kind"], shop["resource"]["attributes"], shop["status"]) == (
        "SERVER",
        {"service.name": "shop"},
        {"code": "UNSET"},
    )
    assert (inner["kind"], inner["parentSpanId"], inner["status"]) == ("CLIENT", made[0]["id"], {"code": "ERROR"})
    (service, *_others) = xray.client.get_retrieved_traces_graph(RetrievalToken=token)["Services"]
    assert service["Service"]["SummaryStatistics"]["TotalCount"] == 1
    xray.client.cancel_trace_retrieval(RetrievalToken=token)
    assert xray.client.list_retrieved_traces(RetrievalToken=token)["RetrievalStatus"] == "CANCELLED"
    with pytest.raises(xray.client.exceptions.ResourceNotFoundException):
        xray.client.list_retrieved_traces(RetrievalToken="none")


def test_accounts_see_their_own_traces_alone(xray: Any, a_segment: Make, kumoi: KumoiAccount) -> None:
    one = a_segment()
    xray.put(one)
    other = KumoiAccount(kumoi._connection, "999999999999")
    assert other.client("xray").batch_get_traces(TraceIds=[one["trace_id"]])["Traces"] == []
    other.close()


def test_what_was_acknowledged_survives(killable: Any, a_segment: Make) -> None:
    killable.start()
    one = a_segment()
    killable.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(one)])
    killable.client("xray").create_group(GroupName="kept", FilterExpression="ok")
    killable.kill()
    killable.start()
    client = killable.client("xray")
    (trace,) = client.batch_get_traces(TraceIds=[one["trace_id"]])["Traces"]
    assert json.loads(trace["Segments"][0]["Document"]) == one
    assert [group["GroupName"] for group in client.get_groups()["Groups"]] == ["Default", "kept"]
