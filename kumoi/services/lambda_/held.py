"""What Lambda holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.lambda_.event_sources.records import mappings
from kumoi.services.lambda_.records import aliases, provisioned, versions
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Memory kept ready (in GB), and pollers of queues, which ask though there is nothing."""
    found: list[Held] = []
    for one in await provisioned.list(tx):
        if (one.account, one.region) == (tx.account, tx.region):
            alias = await aliases.get(tx, one.function, one.qualifier)
            version = one.qualifier if alias is None else alias.function_version
            function = await versions.get(tx, one.function, int(version)) if version.isdigit() else None
            if function is not None:
                node = f"lambda:{one.function}"
                found.append(Held(node, "provisioned_gb", one.requested * function.memory_size / 1024))
    for mapping in await mappings.list(tx, tx.account, tx.region):
        if mapping.kind == "sqs" and mapping.enabled:
            found.append(Held(f"sqs:{mapping.source_arn.rpartition(':')[2]}", "poller", 1))
    return found
