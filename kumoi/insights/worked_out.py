"""Rows that were worked out in Python, as the records that following commands see."""

# ruff: noqa: S608  (names in the SQL are made here, texts are parameters)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from kumoi.insights.values import Expr, Kind

if TYPE_CHECKING:
    from kumoi.insights.compiler import Chain

_TYPES = {Kind.TEXT: "VARCHAR", Kind.NUMBER: "DOUBLE", Kind.JSON: "VARCHAR"}


def chain_of(before: Chain, columns: Mapping[str, Kind], rows: Sequence[Sequence[Any]]) -> Chain:
    """A chain over rows, in their order, with columns (texts, numbers, JSON as text) by the names that queries say."""
    from kumoi.insights.compiler import Chain, Order
    from kumoi.insights.frame import Frame, Shared

    shared = Shared(before.shared.now, source=before.shared.source, tables=before.shared.tables)
    chain = Chain(shared, Frame(shared), "rows", {})
    names = {name: f"c{number}" for number, name in enumerate(columns)}
    listed = [{"place": place, **dict(zip(names.values(), row, strict=True))} for place, row in enumerate(rows)]
    kinds = ", ".join(f'"{names[name]}":"{_TYPES[kind]}"' for name, kind in columns.items())
    found = shared.parameter(orjson.dumps(listed).decode())
    schema = f'[{{"place":"BIGINT", {kinds}}}]'
    unfolded = f"unnest(from_json({found}::JSON, '{schema}'))"
    chain.before = [f"rows AS (SELECT r.* FROM (SELECT {unfolded} AS r))"]
    chain.frame.columns = {
        name: Expr(f"{names[name]}::JSON" if kind is Kind.JSON else names[name], kind) for name, kind in columns.items()
    }
    chain.shown = list(chain.frame.columns.items())
    chain.chosen, chain.plain = True, False
    chain.sorted = [Order("place", False)]
    return chain
