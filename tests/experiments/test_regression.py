"""What a sweep finds that an earlier one did not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kumoi.experiments.model import BadExperiment
from kumoi.experiments.regression import read_matrix, regressions
from kumoi.experiments.sweep import Matrix


def matrix(token: str = "a1b2c3d4e5f6", source: str = "lambda:shop-Api", **colors: str) -> Matrix:
    cells = {way: {"color": color} for way, color in colors.items()}
    row = {
        "source": f"{source}-{token}",
        "target": f"sqs:shop-Orders-{token}.fifo",
        "operation": "SendMessage",
        "cells": {"buy": cells},
    }
    given: dict[str, Any] = {"flows": ["buy"], "kinds": list(colors), "rows": [row], "advice": [], "counts": {}}
    return msgspec.convert({**given, "seed": 1, "seconds": 1.0}, Matrix)


EDGE = "buy: lambda:shop-Api-* → sqs:shop-Orders-*.fifo SendMessage"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (matrix(error="green"), matrix(error="green"), []),
        (matrix(error="green"), matrix(error="yellow"), []),
        (matrix(error="red"), matrix(error="red", token="f6e5d4c3b2a1"), []),
        (matrix(error="black"), matrix(error="red"), []),
        (matrix(error="yellow"), matrix(error="red"), [f"{EDGE}: error is red, was yellow"]),
        (matrix(error="red"), matrix(error="black"), [f"{EDGE}: error is black, was red"]),
        (matrix(error="green"), matrix(error="green", lost="red"), [f"{EDGE}: lost is red, was not there"]),
        (matrix(lost="none"), matrix(lost="black"), [f"{EDGE}: lost is black, was none"]),
        (
            matrix(error="red", source="lambda:shop-Other"),
            matrix(error="red"),
            [f"{EDGE}: error is red, was not there"],
        ),
    ],
)
def test_a_new_red_cell_is_a_regression(before: Matrix, after: Matrix, told: list[str]) -> None:
    assert regressions(before, after) == told


def test_a_report_is_read_back_and_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "matrix.json"
    path.write_bytes(msgspec.json.encode(matrix(error="red")))
    assert regressions(read_matrix(path), matrix(error="red")) == []
    for content in (b"", b"[]", b"[" * 100_000, b'{"title": "a run"}', b'{"flows": []}'):
        path.write_bytes(content)
        with pytest.raises(BadExperiment, match="no report of a sweep"):
            read_matrix(path)
