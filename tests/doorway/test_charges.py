"""Charges: gathered by place, told to listeners, in the lake once they are flushed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from kumoi.clock import Clock
from kumoi.doorway import ChargeKey, Charges
from kumoi.lake import Lake, View

KEY = ChargeKey("111111111111", "us-east-1", "1-a-b", "stepfunctions:m", "stepfunctions", "Execution")
OTHER = KEY._replace(account="222222222222")


def test_charges_are_added_up_and_written() -> None:
    async def scenario() -> tuple[list[Any], list[Any]]:
        lake = await Lake.open(None)
        charges, heard = Charges(lake, Clock(), flush_seconds=3600.0), list[tuple[ChargeKey, Mapping[str, float]]]()
        stop = charges.listen(lambda key, units: heard.append((key, dict(units))))
        charges.add(KEY, transitions=2)
        charges.add(KEY, transitions=1, standard_executions=1)
        stop()
        charges.add(OTHER, transitions=5)
        charges.clear(OTHER.account)
        charges.flush()
        charges.flush()
        found = await lake.query(
            "SELECT account, node, units FROM charges", views={"charges": View("charges", None, None)}
        )
        await lake.close()
        return heard, list(found.rows)

    heard, rows = asyncio.run(scenario())
    assert heard == [(KEY, {"transitions": 2}), (KEY, {"transitions": 1, "standard_executions": 1})]
    assert [tuple(row) for row in rows] == [(KEY.account, KEY.node, "transitions=3.0,standard_executions=1.0")]
