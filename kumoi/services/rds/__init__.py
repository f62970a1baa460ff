"""Amazon RDS as far as the Data API needs it: Aurora clusters, and SQL over HTTP, without connections.

A cluster (`operations/`) is a name, a master user and a directory of SQLite files. `data/` is the Data API: it
translates PostgreSQL's or MySQL's SQL (`dialect.py`), runs it (`database.py`) and keeps the transactions
(`transactions.py`).

Rules: the Amazon RDS API reference, the RDS Data API reference, the Aurora user guide ("Using the RDS Data API").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

rds = Service(
    "rds",
    __name__,
    modules=("operations.clusters", "operations.instances", "operations.subnet_groups", "operations.tags"),
    resource=("DBClusterIdentifier", "DBInstanceIdentifier", "DBSubnetGroupName", "ResourceName"),
    authorization="authorization",
    directories=("databases",),
    held="held",
    tagged="tagged",
)
rds_data = Service("rds-data", f"{__name__}.data", resource=("resourceArn",), page="rds", authorization="authorization")


@rds.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep databases and their transactions while the platform runs."""
    from kumoi.services.rds.lifespan import running

    async with running(parts):
        yield


@rds.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Remove the databases of what is being forgotten."""
    from kumoi.services.rds.lifespan import forget

    await forget(parts, account)
