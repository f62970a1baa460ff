from __future__ import annotations

import pytest

from kumoi.doorway import Trace


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        ("Root=1-5759e988-bd862e3fe1be46a994272793", Trace("1-5759e988-bd862e3fe1be46a994272793", "")),
        ("Root=1-a-b;Parent=53995c3f42cd8ad8;Sampled=0", Trace("1-a-b", "53995c3f42cd8ad8", False)),
        ("Root=1-a-b;Parent=53995c3f42cd8ad8;Sampled=?", Trace("1-a-b", "53995c3f42cd8ad8")),
        ("Root=1-a-b;Parent=53995c3f42cd8ad8;Sampled=1", Trace("1-a-b", "53995c3f42cd8ad8", True, "53995c3f42cd8ad8")),
        (" Root = x ;Root=1-a-b;Sampled=1;Lineage=1:2:3", Trace("1-a-b", "", True)),
    ],
)
def test_a_trace_header_is_read(header: str, trace: Trace) -> None:
    assert Trace.parse(header, 0.0) == trace


@pytest.mark.parametrize("header", [None, "", "Parent=53995c3f42cd8ad8", "Root=;", "Root=2-x", "Root=1-" + "f" * 100])
def test_without_a_root_a_trace_begins(header: str | None) -> None:
    trace = Trace.parse(header, 1_500_000_000.0)
    assert trace.root.startswith("1-59682f00-")
    assert trace.parent == ""


@pytest.mark.parametrize(
    ("trace", "header"),
    [
        (Trace("1-a-b", "1234", False), "Root=1-a-b;Parent=5678;Sampled=0"),
        (Trace("1-a-b", "1234", None), "Root=1-a-b;Parent=5678"),
        (Trace("1-a-b", "1234", True), "Root=1-a-b;Sampled=1;Hop=5678"),
        (Trace("1-a-b", "1234", True, "9abc"), "Root=1-a-b;Parent=9abc;Sampled=1;Hop=5678"),
        (Trace("1-a-b", "1234", True, "", True), "Root=1-a-b;Parent=8000000000005678;Sampled=1;Hop=5678"),
    ],
)
def test_whoever_is_called_gets_the_span_as_parent_and_the_segment_upstream(trace: Trace, header: str) -> None:
    assert trace.header("5678") == header
    assert Trace.parse(header, 0.0).parent == "5678"
