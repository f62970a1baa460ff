from __future__ import annotations

import pytest

from kumoi.doorway import Trace


@pytest.mark.parametrize(
    ("header", "root", "parent", "sampled"),
    [
        ("Root=1-5759e988-bd862e3fe1be46a994272793", "1-5759e988-bd862e3fe1be46a994272793", "", True),
        ("Root=1-a-b;Parent=53995c3f42cd8ad8;Sampled=0", "1-a-b", "53995c3f42cd8ad8", False),
        (" Root = x ;Root=1-a-b;Sampled=1;Lineage=1:2:3", "1-a-b", "", True),
    ],
)
def test_a_trace_header_is_read(header: str, root: str, parent: str, sampled: bool) -> None:
    assert Trace.parse(header, 0.0) == Trace(root, parent, sampled)


@pytest.mark.parametrize("header", [None, "", "Parent=53995c3f42cd8ad8", "Root=;", "Root=2-x", "Root=1-" + "f" * 100])
def test_without_a_root_a_trace_begins(header: str | None) -> None:
    trace = Trace.parse(header, 1_500_000_000.0)
    assert trace.root.startswith("1-59682f00-")
    assert trace.parent == ""


def test_whoever_is_called_gets_the_span_as_parent() -> None:
    assert Trace("1-a-b", "1234", False).header("5678") == "Root=1-a-b;Parent=5678;Sampled=0"
