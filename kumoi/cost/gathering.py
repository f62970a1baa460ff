"""A run out of the lake: hops and charges added up by flow and edge, off the loop.

A flow is what began a trace: of its hops the one without a parent, else the earliest. What was charged outside of any
trace counts as a trace of its node's; a hop that stands for many calls (hits of a cache) begins as many traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kumoi.cost.observed import Amount, FlowKey, Observed, Row
from kumoi.cost.rules import Edge
from kumoi.doorway import Doorway
from kumoi.lake import View

_EVERYTHING = """
WITH everything AS (
    SELECT time, account, region, trace, parent, source, target, service, operation, duration_us,
           units || ',in=' || request_bytes || ',out=' || response_bytes
                 || CASE WHEN outcome = 'ok' THEN '' ELSE ',errors=1' END AS units
    FROM hops
    UNION ALL
    SELECT time, account, region, CASE WHEN trace = '' THEN 'node:' || node ELSE trace END, 'charge', node, node,
           service, operation, 0, units
    FROM charges
), roots AS (
    SELECT account, region, trace, source, target, service, operation, time,
           coalesce(TRY_CAST(regexp_extract(units, '(?:^|,)requests=([0-9]+)', 1) AS BIGINT), 1) AS calls
    FROM everything
    QUALIFY row_number() OVER (PARTITION BY account, trace ORDER BY parent <> '', time, duration_us DESC) = 1
)
"""
_ROWS = f"""{_EVERYTHING}, amounts AS (
    SELECT roots.account AS flow_account, roots.region AS flow_region, roots.source AS flow_source,
           roots.target AS flow_target, roots.service AS flow_service, roots.operation AS flow_operation,
           one.account, one.region, one.source, one.target, one.service, one.operation, one.trace, roots.calls,
           split_part(unit, '=', 1) AS unit, TRY_CAST(split_part(unit, '=', 2) AS DOUBLE) AS amount
    FROM everything AS one JOIN roots ON roots.account = one.account AND roots.trace = one.trace,
         unnest(string_split(one.units, ',')) AS pieces(unit)
    WHERE unit <> ''
), by_trace AS (
    SELECT * EXCLUDE (amount), sum(amount) AS amount, max(amount) AS most FROM amounts GROUP BY ALL
)
SELECT * EXCLUDE (trace, calls, amount, most), sum(amount), max(most / calls), quantile_cont(amount / calls, 0.05),
       quantile_cont(amount / calls, 0.95), CAST(sum(calls) AS BIGINT)
FROM by_trace GROUP BY ALL ORDER BY ALL
"""  # noqa: S608  (constants only)
_FLOWS = f"""{_EVERYTHING}
SELECT account, region, source, target, service, operation, CAST(sum(calls) AS BIGINT), min(time), max(time)
FROM roots GROUP BY ALL ORDER BY min(time)
"""  # noqa: S608  (constants only)


async def gather(doorway: Doorway, account: str | None, start: int | None = None, end: int | None = None) -> Observed:
    """What went on in an account, or in all, from `start` until before `end` (epoch ms)."""
    doorway.hops.flush()
    doorway.charges.flush()
    views = {name: View(name, account, None, start=start, end=end) for name in ("hops", "charges")}
    flows = await doorway.lake.query(_FLOWS, views=views)
    found = await doorway.lake.query(_ROWS, views=views)
    return Observed(
        tuple(_rows(found.rows)),
        {FlowKey(*one[:6]): one[6] for one in flows.rows},
        min((one[7] for one in flows.rows), default=0),
        max((one[8] for one in flows.rows), default=0),
    )


def _rows(found: Iterable[Sequence[Any]]) -> list[Row]:
    """Rows of one unit each, gathered by flow and edge."""
    units: dict[tuple[Any, ...], dict[str, Amount]] = {}
    for one in found:
        units.setdefault(tuple(one[:12]), {})[one[12]] = Amount(*one[13:18])
    return [Row(FlowKey(*key[:6]), key[6], key[7], Edge(*key[8:12]), amounts) for key, amounts in units.items()]
