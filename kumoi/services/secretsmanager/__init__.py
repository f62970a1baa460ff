"""AWS Secrets Manager: secrets with versions and staging labels, rotated by functions, replicated between regions.

A secret is one record that says which version each staging label is on (`staging.py`); each version is a record of its
own, its value sealed with the platform's master key. `store.py` writes both, replicas in the same transaction.
Rotation (`rotation.py`) calls the secret's function in four steps; schedules, retries and deletions are timers of the
platform's clock.

Rules: the Secrets Manager API reference and user guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service

secretsmanager = Service(
    "secretsmanager",
    __name__,
    modules=(
        "operations.batches",
        "operations.describe",
        "operations.lifecycle",
        "operations.passwords",
        "operations.policies",
        "operations.replication",
        "operations.rotate",
        "operations.tags",
        "operations.values",
    ),
    resource=("SecretId", "Name"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@secretsmanager.resource_name
def secret_node(value: str) -> str:
    """The secret's name, out of its ARN where it is one."""
    if not value.startswith("arn:"):
        return value
    name, _, suffix = value.partition(":secret:")[2].rpartition("-")
    return name or suffix


@secretsmanager.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Have secrets rotated, and deleted at the end of their recovery windows, while the platform runs."""
    from kumoi.services.secretsmanager.lifespan import register

    register(parts)
    yield
