"""What Kinesis holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.kinesis.records import streams
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Open shards, and streams on demand."""
    return [
        Held(f"kinesis:{one.name}", *(("on_demand_stream", 1) if one.on_demand else ("shard", len(one.open))))
        for one in await streams.list(tx)
    ]
