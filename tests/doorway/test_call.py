from __future__ import annotations

import pytest

from kumoi.doorway import Trace

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (f"Root={ROOT}", Trace(ROOT, "")),
        (f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0", Trace(ROOT, "53995c3f42cd8ad8", False)),
        (f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=?", Trace(ROOT, "53995c3f42cd8ad8")),
        (f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1", Trace(ROOT, "53995c3f42cd8ad8", True, "53995c3f42cd8ad8")),
        (f" Root = x ;Root={ROOT};Sampled=1;Lineage=1:2:3", Trace(ROOT, "", True)),
    ],
)
def test_a_trace_header_is_read(header: str, trace: Trace) -> None:
    assert Trace.parse(header, 0.0) == trace


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "Parent=53995c3f42cd8ad8", "Root=;", "Root=2-x", "Root=1-" + "f" * 100, "Root=1-a-b"),
        f"Root={ROOT}\r\nX-Forged: 1",
    ],
)
def test_without_a_root_a_trace_begins(header: str | None) -> None:
    trace = Trace.parse(header, 1_500_000_000.0)
    assert trace.root.startswith("1-59682f00-")
    assert trace.parent == ""


@pytest.mark.parametrize("name", ["Parent", "Hop"])
@pytest.mark.parametrize("span", ["x", "a/b", "53995C3F42CD8AD8", "53995c3f42cd8ad8\r\nX-Forged: 1"])
def test_whoever_calls_is_an_id_or_nobody(name: str, span: str) -> None:
    assert Trace.parse(f"Root={ROOT};{name}={span};Sampled=1", 0.0) == Trace(ROOT, "", True)


@pytest.mark.parametrize(
    ("trace", "header"),
    [
        (Trace(ROOT, "1234123412341234", False), f"Root={ROOT};Parent=5678567856785678;Sampled=0"),
        (Trace(ROOT, "1234123412341234", None), f"Root={ROOT};Parent=5678567856785678"),
        (Trace(ROOT, "1234123412341234", True), f"Root={ROOT};Sampled=1;Hop=5678567856785678"),
        (
            Trace(ROOT, "1234123412341234", True, "9abc9abc9abc9abc"),
            f"Root={ROOT};Parent=9abc9abc9abc9abc;Sampled=1;Hop=5678567856785678",
        ),
        (
            Trace(ROOT, "1234123412341234", True, "", True),
            f"Root={ROOT};Parent=d678567856785678;Sampled=1;Hop=5678567856785678",
        ),
    ],
)
def test_whoever_is_called_gets_the_span_as_parent_and_the_segment_upstream(trace: Trace, header: str) -> None:
    assert trace.header("5678567856785678") == header
    assert Trace.parse(header, 0.0).parent == "5678567856785678"
