"""Amazon DynamoDB and DynamoDB Streams: tables, items, indexes, transactions, and the changes of each table in order.

`operations/` holds the API, one file per family. A write goes `changes.py` (decide: old item, condition, new item) →
`storage.py` (rows of the item and of its indexes, counters, stream record, expiry, in one transaction). Queries and
scans read pages of rows (`reading.py`). `language/` is the attribute values and the expressions over them, pure.
DynamoDB Streams is a second API over the same records (`streams/`). What takes long (backfilling an index, erasing a
table) runs in `upkeep.py`, by timers that survive a restart.

Rules: the DynamoDB API reference and developer guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.services.dynamodb.eventual import EVENTUAL

dynamodb = Service(
    "dynamodb",
    __name__,
    modules=(
        "operations.account",
        "operations.backups",
        "operations.batch",
        "operations.contributor_insights",
        "operations.expiry",
        "operations.exports",
        "operations.imports",
        "operations.items",
        "operations.kinesis_destinations",
        "operations.partiql",
        "operations.partiql_many",
        "operations.query",
        "operations.resource_policies",
        "operations.tables",
        "operations.tags",
        "operations.transactions",
        "operations.updates",
    ),
    resource=("TableName", "ResourceArn"),
    authorization="authorization",
    held="held",
    eventual=EVENTUAL,
    tagged="tagged",
)

dynamodbstreams = Service(
    "dynamodbstreams",
    __name__,
    modules=("streams.operations",),
    resource=("StreamArn", "TableName"),
    page="dynamodb",
    authorization="streams.authorization",
)


@dynamodbstreams.resource_name
def stream_node(value: str) -> str:
    """The table's name, out of a stream's ARN too."""
    return value.partition(":table/")[2].partition("/")[0] or value


@dynamodb.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep expiry, backfills and the trimming of streams going."""
    from kumoi.services.dynamodb.lifespan import start

    start(parts)
    yield
