from __future__ import annotations

import pytest

from kumoi.lake import Table
from kumoi.lake.table import Selection, literal

MANDATORY = {"time": "BIGINT", "account": "VARCHAR", "region": "VARCHAR"}


@pytest.mark.parametrize(
    ("columns", "partition"),
    [
        ({"time": "BIGINT", "account": "VARCHAR"}, ("account",)),
        ({**MANDATORY, "time": "DOUBLE"}, ("account",)),
        (MANDATORY, ("region",)),
        (MANDATORY, ("account", "time")),
        (MANDATORY, ("account", "missing")),
        ({**MANDATORY, "seq": "BIGINT"}, ("account",)),
        ({**MANDATORY, 'x"': "BIGINT"}, ("account",)),
        ({**MANDATORY, "x": "BIGINT); DROP"}, ("account",)),
    ],
)
def test_tables_that_cannot_be(columns: dict[str, str], partition: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="table t"):
        Table("t", columns, partition)


@pytest.mark.parametrize(("value", "text"), [("a", "'a'"), ("it's", "'it''s'"), ("\\'", "'\\'''"), (7, "7")])
def test_literals(value: str | int, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize(
    ("selection", "sql"),
    [
        (Selection(), "true"),
        (Selection.of("1", None), "\"account\" IN ('1')"),
        (Selection.of(None, None, {"g": ["b", "a"]}, 1, 2), '"g" IN (\'a\', \'b\') AND "time" >= 1 AND "time" < 2'),
        (Selection.of(None, None, {"g": []}), '"g" IN (NULL)'),
        (Selection.of(None, None, contains={"m": ["x'"]}), "contains(\"m\", 'x''')"),
    ],
)
def test_a_selection_as_sql(selection: Selection, sql: str) -> None:
    assert selection.sql() == sql
