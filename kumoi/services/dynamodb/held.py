"""What DynamoDB holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.dynamodb.records import tables
from kumoi.services.dynamodb.storage import counts
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Bytes of tables and indexes, and the capacity of those that are not on demand."""
    found: list[Held] = []
    for table in await tables.list(tx):
        node = f"dynamodb:{table.name}"
        found.append(Held(node, "bytes", sum(one.bytes for one in (await counts(tx, table)).values())))
        if table.billing == "PROVISIONED":
            capacities = [table.throughput, *(index.throughput for index in table.indexes if index.is_global)]
            found.append(Held(node, "read_capacity", sum(one.read for one in capacities)))
            found.append(Held(node, "write_capacity", sum(one.write for one in capacities)))
    return found
