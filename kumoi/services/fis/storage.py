"""Experiments in the key space: begun, changed if nobody else has, ended. Each under way has one timer."""

from __future__ import annotations

import msgspec

from kumoi.services.fis.records import (
    ENDED,
    Active,
    Experiment,
    Lever,
    Report,
    TargetAccount,
    Token,
    active,
    experiments,
    levers,
    target_accounts,
    tokens,
)
from kumoi.services.fis.rules import not_found, too_many
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

TOPIC = "fis.experiment"
MOST_ACTIVE = 5
NO_REPORT = Report(status="cancelled", reason="No report is made of an experiment that took no actions.")


@transactional
async def known_by(tx: Transaction, kind: str, token: str, members: bytes) -> str | None:
    """The id of what a client token has made; ConflictException where that was with other members."""
    known = await tokens.get(tx, kind, token)
    if known is None:
        return None
    if known.members != members:
        raise aws_error("ConflictException", f"The client token {token} was used with other parameters.")
    return known.id


@transactional
async def begin(tx: Transaction, experiment: Experiment, token: Token) -> Experiment:
    """Store an experiment; what its token has made before is answered instead. It is taken on at once."""
    known = await known_by(tx, "experiment", token.token, token.members)
    if known is not None:
        return await get(tx, known)
    await tokens.put(tx, token)
    lever = await levers.get(tx) or Lever()
    if lever.status == "engaged":
        cancelled = tuple(
            msgspec.structs.replace(one, status="cancelled", reason="Action was cancelled.")
            for one in experiment.actions
        )
        reason = f"Experiment was cancelled because the safety lever is engaged: {lever.reason}"
        report = None if experiment.report is None else NO_REPORT
        experiment = msgspec.structs.replace(
            experiment, status="cancelled", reason=reason, ended=tx.now, actions=cancelled, report=report
        )
        await experiments.put(tx, experiment)
        return experiment
    if len(await active.list(tx, tx.account, tx.region)) >= MOST_ACTIVE:
        raise too_many(f"Up to {MOST_ACTIVE} experiments can be active at once.")
    await experiments.put(tx, experiment)
    await active.put(tx, Active(account=tx.account, region=tx.region, id=experiment.id))
    tx.timer(tx.now, TOPIC, experiment.id.encode(), key=experiment.id)
    return experiment


@transactional
async def get(tx: Transaction, experiment_id: str) -> Experiment:
    """An experiment; ResourceNotFoundException."""
    found = await experiments.get(tx, experiment_id)
    if found is None:
        raise not_found(f"The experiment {experiment_id} does not exist.")
    return found


@transactional
async def accounts_of(tx: Transaction, template_id: str) -> list[TargetAccount]:
    """The target accounts of a template."""
    return list(await target_accounts.list(tx, template_id))


@transactional
async def find(tx: Transaction, experiment_id: str) -> Experiment | None:
    """An experiment, if there is one."""
    return await experiments.get(tx, experiment_id)


@transactional
async def listed(tx: Transaction) -> list[Experiment]:
    """Every experiment, the newest first."""
    return sorted(await experiments.list(tx), key=lambda one: (-one.created, one.id))


@transactional
async def stop(tx: Transaction, experiment_id: str, reason: str) -> Experiment:
    """Have an experiment stopped; one that has ended stays as it is."""
    found = await get(tx, experiment_id)
    if found.status in ENDED or found.status == "stopping":
        return found
    found = msgspec.structs.replace(found, status="stopping", reason="Experiment is stopping.", stop=reason)
    await experiments.put(tx, found)
    tx.timer(tx.now, TOPIC, found.id.encode(), key=found.id)
    return found


@transactional
async def engage(tx: Transaction, lever: Lever) -> None:
    """Set the safety lever; an engaged one stops whatever is under way."""
    await levers.put(tx, lever)
    if lever.status == "engaged":
        for one in await active.list(tx, tx.account, tx.region):
            await stop(tx, one.id, f"Experiment was stopped by the safety lever: {lever.reason}")


@transactional
async def lever_of(tx: Transaction) -> Lever:
    """The safety lever."""
    return await levers.get(tx) or Lever()


@transactional
async def advance(tx: Transaction, before: Experiment, after: Experiment, due: float | None) -> bool:
    """Store how an experiment goes on, unless it is no longer as it was: whether it is stored."""
    known = await experiments.get(tx, before.id)
    if known is None or msgspec.structs.replace(known, tags=before.tags) != before:
        return False
    await experiments.put(tx, msgspec.structs.replace(after, tags=known.tags))
    if after.status in ENDED:
        await active.delete(tx, tx.account, tx.region, after.id)
    if due is not None:
        tx.timer(due, TOPIC, after.id.encode(), key=after.id)
    return True


@transactional
async def all_active(tx: Transaction) -> list[Active]:
    """The experiments under way, of every account."""
    return list(await active.list(tx))


@transactional
async def forget(tx: Transaction, account: str | None) -> None:
    """Drop the list of experiments under way, of an account or of all."""
    await (active.delete_all(tx) if account is None else active.delete_all(tx, account))
