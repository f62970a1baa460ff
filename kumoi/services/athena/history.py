"""The history of executions: Athena forgets an execution 45 days after it was submitted; its answer in S3 stays.

Source: "View recent queries" of the Athena user guide.
"""

from __future__ import annotations

from kumoi.services.athena.records import Execution, executions, listed, tokens, unfinished
from kumoi.state import Timer, Transaction, transactional

FORGET = "athena.forget"
"""The topic of the timers; the payload is the execution's id."""
KEPT = 45 * 86_400.0


@transactional
async def fire(tx: Transaction, timer: Timer) -> None:
    """Forget what is old enough."""
    tx.complete_timer(timer)
    found = await executions.get(tx, timer.payload.decode())
    if found is not None:
        await forget(tx, found)


@transactional
async def forget(tx: Transaction, one: Execution) -> None:
    """Forget an execution, and all that tells of it."""
    await executions.delete(tx, one.id)
    await listed.delete(tx, one.work_group, int(one.submitted * 1000), one.id)
    await unfinished.delete(tx, one.id)
    if one.token is not None:
        await tokens.delete(tx, one.token)
