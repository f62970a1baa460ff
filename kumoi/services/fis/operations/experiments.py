"""Experiments: started, told, listed, stopped; which resources they break."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.fis import fis
from kumoi.services.fis.operations.templates import find_template, new_id
from kumoi.services.fis.paging import page
from kumoi.services.fis.records import ActionRun, Experiment, Report, Token
from kumoi.services.fis.rules import invalid, not_found
from kumoi.services.fis.storage import accounts_of, begin, get, listed, stop
from kumoi.services.fis.telling import summed_experiment, told_experiment


@fis.operation
async def start_experiment(
    call: Call,
    experimentTemplateId: str,
    clientToken: str = "",
    experimentOptions: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Start an experiment; it goes on by itself. A client token starts one experiment only."""
    template = await find_template(call.state, experimentTemplateId)
    accounts = await accounts_of(call.state, template.id) if template.is_multi_account else []
    if template.is_multi_account and not accounts:
        raise invalid(
            f"The experiment template {template.id} is multi-account, and has no target account configuration."
        )
    members = {name: value for name, value in call.params.items() if name != "clientToken"}
    experiment = Experiment(
        id=new_id("EXP"),
        template=template,
        actions=tuple(ActionRun(name=name, definition=one) for name, one in sorted(template.actions.items())),
        created=call.now,
        mode=(experimentOptions or {}).get("actionsMode", "run-all"),
        tags=tags or {},
        accounts=tuple(accounts),
        report=Report() if template.report else None,
    )
    written = orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
    token = Token(kind="experiment", token=clientToken or experiment.id, id=experiment.id, members=written)
    return _told(call, await begin(call.state, experiment, token))


@fis.operation
async def get_experiment(call: Call, id: str) -> dict[str, Any]:
    """An experiment with the state of each action."""
    return _told(call, await get(call.state, id))


@fis.operation
async def stop_experiment(call: Call, id: str) -> dict[str, Any]:
    """Stop an experiment: what it breaks works again."""
    return _told(call, await stop(call.state, id, "Experiment stopped by user."))


@fis.operation
async def list_experiments(
    call: Call, maxResults: int | None = None, nextToken: str | None = None, experimentTemplateId: str | None = None
) -> dict[str, Any]:
    """Experiments, the newest first; of a template where one is named."""
    found = [one for one in await listed(call.state) if experimentTemplateId in (None, one.template.id)]
    shown, more = page(found, lambda one: one.id, nextToken, maxResults)
    return {"experiments": [summed_experiment(call.account, call.region, one) for one in shown], **more}


@fis.operation
async def list_experiment_resolved_targets(
    call: Call,
    experimentId: str,
    maxResults: int | None = None,
    nextToken: str | None = None,
    targetName: str | None = None,
) -> dict[str, Any]:
    """The resources that were chosen, of one target or all."""
    found = await get(call.state, experimentId)
    if targetName is not None and targetName not in found.template.targets:
        raise not_found(f"The experiment {experimentId} has no target {targetName}.")
    rows = [
        {
            "resourceType": found.template.targets[name]["resourceType"],
            "targetName": name,
            "targetInformation": {"arn": arn},
        }
        for name, arns in sorted((found.resolved or {}).items())
        if targetName in (None, name)
        for arn in arns
    ]
    shown, more = page(rows, lambda row: f"{row['targetName']} {row['targetInformation']}", nextToken, maxResults)
    return {"resolvedTargets": list(shown), **more}


def _told(call: Call, one: Experiment) -> dict[str, Any]:
    return {"experiment": told_experiment(call.account, call.region, one)}
