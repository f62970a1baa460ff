from __future__ import annotations

import pytest

from kumoi.doorway import Trace
from kumoi.services.lambda_.lineage import MOST_FUNCTIONS, entered, mark_of, times

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
A, B = "0a1b2c3d", "ffffffff"


@pytest.mark.parametrize(
    ("lineage", "mark", "after"),
    [
        ("", A, f"1:{A}:0"),
        (f"1:{A}:0", A, f"1:{A}:1"),
        (f"1:{A}:9", A, f"1:{A}:10"),
        (f"1:{A}:3", B, f"1:{A}:3+2:{B}:0"),
        (f"1:{A}:3+2:{B}:0", A, f"1:{A}:4+2:{B}:0"),
        (f"1:{A}:3+2:{B}:0", B, f"1:{A}:3+2:{B}:1"),
    ],
)
def test_a_function_that_runs_is_counted_in_its_chain(lineage: str, mark: str, after: str) -> None:
    assert entered(lineage, mark) == after
    assert times(after, mark) == times(lineage, mark) + 1


def test_a_chain_knows_its_latest_functions_and_fits_a_header() -> None:
    lineage = ""
    for number in range(100):
        lineage = entered(lineage, mark_of("000000000000", "us-east-1", f"f{number}"))
    assert lineage.count("+") == MOST_FUNCTIONS - 1
    assert lineage.startswith("69:")
    assert times(lineage, mark_of("000000000000", "us-east-1", "f99")) == 1
    assert times(lineage, mark_of("000000000000", "us-east-1", "f0")) == 0
    assert Trace.parse(f"Root={ROOT};Lineage={lineage}", 0.0).lineage == lineage
