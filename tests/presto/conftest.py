from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kumoi.presto.column_types import MAP
from kumoi.presto.engine import Run
from kumoi.presto.outputs import Output
from kumoi.presto.tables import Part, Relation

COLUMNS: dict[str, Any] = {
    "n": "BIGINT",
    "x": "DOUBLE",
    "s": "VARCHAR",
    "d": "DATE",
    "t": "TIMESTAMP",
    "a": ["BIGINT"],
    "m": {MAP: ["VARCHAR", "BIGINT"]},
    "o": {"p": "BIGINT", "q": "VARCHAR"},
    "rows": [{"p": "BIGINT", "q": "VARCHAR"}],
}
ROW = (
    "7 AS n, 2.5::DOUBLE AS x, 'axb' AS s, DATE '2026-01-31' AS d, TIMESTAMP '2026-01-02 03:04:05.678' AS t,"
    " [1, 2, 3]::BIGINT[] AS a, MAP {'k': 1::BIGINT} AS m, {'p': 1::BIGINT, 'q': 'z'} AS o,"
    " [{'p': 1::BIGINT, 'q': 'z'}, {'p': 2::BIGINT, 'q': NULL}] AS rows"
)
NOW = 1_767_323_045.0
"""2026-01-02 03:04:05 UTC."""


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Relation]:
    """One table `t` with one row."""
    path = tmp_path_factory.mktemp("tables") / "t.parquet"
    with duckdb.connect() as database:
        database.execute(f"COPY (SELECT {ROW}) TO '{path}' (FORMAT parquet)")
    return {"t": Relation([Part([path], COLUMNS)], COLUMNS)}


@pytest.fixture
def answer(tables: dict[str, Relation], tmp_path: Path) -> Callable[..., str]:
    """What a query answers as Athena's CSV."""
    numbers = iter(range(1000))

    def run(sql: str, **more: Any) -> str:
        found = Run(sql, now=NOW, **more).run(tables, tmp_path / str(next(numbers)), [Output()])
        return found.files[0][0].path.read_text()

    return run
