"""Amazon Athena: SQL over files in S3, with the tables that Glue's catalog knows.

A statement is read once (`statements.py`): a query runs in `queries.py` on the engine of `kumoi/presto`, over the files
that `sources.py` brings from S3; what changes the catalog is done by `definitions.py`; answers are files in S3.
`runner.py` runs them in the background.

Rules: the Athena API reference and user guide ("SQL reference for Athena", "Work with query results").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

athena = Service(
    "athena",
    __name__,
    modules=(
        "operations.catalogs",
        "operations.executions",
        "operations.named_queries",
        "operations.prepared_statements",
        "operations.results",
        "operations.tags",
        "operations.work_groups",
    ),
    resource=("WorkGroup", "QueryExecutionId", "Name"),
    authorization="authorization",
    page="athena",
    tagged="tagged",
)


@athena.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Run queries while the platform runs."""
    from kumoi.services.athena.lifespan import running

    async with running(parts):
        yield


@athena.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Stop the queries of what is being forgotten."""
    from kumoi.services.athena.lifespan import forget

    await forget(parts, account)
