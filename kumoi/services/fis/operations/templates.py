"""Experiment templates: create, get, change, list, delete."""

from __future__ import annotations

import secrets
import string
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.fis import fis
from kumoi.services.fis.paging import page
from kumoi.services.fis.records import Template, Token, target_accounts, templates, tokens
from kumoi.services.fis.reporting import check_report
from kumoi.services.fis.rules import check_template, invalid, not_found, too_many
from kumoi.services.fis.storage import known_by
from kumoi.services.fis.telling import summed_template, told_template
from kumoi.state import Transaction, transactional

MOST_TEMPLATES = 500
Counted = tuple[Template, int]
"""A template, and how many target accounts it has."""
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """An id as FIS gives them."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(15))


@fis.operation
async def create_experiment_template(
    call: Call,
    description: str,
    stopConditions: list[dict[str, str]],
    actions: dict[str, dict[str, Any]],
    roleArn: str,
    clientToken: str = "",
    targets: dict[str, dict[str, Any]] | None = None,
    tags: dict[str, str] | None = None,
    logConfiguration: dict[str, Any] | None = None,
    experimentOptions: dict[str, str] | None = None,
    experimentReportConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Create a template; the same request with the same client token once more answers the first one's."""
    members = {name: value for name, value in call.params.items() if name != "clientToken"}
    check_template(stopConditions, targets or {}, actions, logConfiguration)
    check_report(experimentReportConfiguration)
    template = Template(
        id=new_id("EXT"),
        description=description,
        role=roleArn,
        stop_conditions=stopConditions,
        targets=targets or {},
        actions=actions,
        created=call.now,
        updated=call.now,
        tags=tags or {},
        logs=logConfiguration,
        options=experimentOptions or {},
        report=experimentReportConfiguration,
    )
    written = orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
    token = Token(kind="template", token=clientToken or template.id, id=template.id, members=written)
    return _told(call, await _create(call.state, template, token))


@fis.operation
async def get_experiment_template(call: Call, id: str) -> dict[str, Any]:
    """A template."""
    return _told(call, await _counted(call.state, id))


@fis.operation
async def list_experiment_templates(
    call: Call, maxResults: int | None = None, nextToken: str | None = None
) -> dict[str, Any]:
    """Templates by their ids."""
    shown, more = page(await _all(call.state), lambda one: one.id, nextToken, maxResults)
    return {"experimentTemplates": [summed_template(call.account, call.region, one) for one in shown], **more}


@fis.operation
async def update_experiment_template(
    call: Call,
    id: str,
    description: str | None = None,
    stopConditions: list[dict[str, str]] | None = None,
    targets: dict[str, dict[str, Any]] | None = None,
    actions: dict[str, dict[str, Any]] | None = None,
    roleArn: str | None = None,
    logConfiguration: dict[str, Any] | None = None,
    experimentOptions: dict[str, str] | None = None,
    experimentReportConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Change what is given; experiments that were started go on as they were. An empty log configuration ends it."""
    check_report(experimentReportConfiguration)
    changes: dict[str, Any] = {
        "description": description,
        "stop_conditions": stopConditions,
        "targets": targets,
        "actions": None if actions is None else {name: _action(name, one) for name, one in actions.items()},
        "role": roleArn,
        "logs": logConfiguration,
        "report": experimentReportConfiguration,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return _told(call, await _change(call.state, id, given, experimentOptions or {}))


@fis.operation
async def delete_experiment_template(call: Call, id: str) -> dict[str, Any]:
    """Delete a template; its experiments stay."""
    return _told(call, await _delete(call.state, id))


def _told(call: Call, counted: Counted) -> dict[str, Any]:
    return {"experimentTemplate": told_template(call.account, call.region, *counted)}


def _action(name: str, action: dict[str, Any]) -> dict[str, Any]:
    if "actionId" not in action:
        raise invalid(f"The action {name} needs an actionId.")
    return action


@transactional
async def find_template(tx: Transaction, template_id: str) -> Template:
    """A template; ResourceNotFoundException."""
    found = await templates.get(tx, template_id)
    if found is None:
        raise not_found(f"The experiment template {template_id} does not exist.")
    return found


@transactional
async def _counted(tx: Transaction, template_id: str) -> Counted:
    return await find_template(tx, template_id), len(await target_accounts.list(tx, template_id))


@transactional
async def _create(tx: Transaction, template: Template, token: Token) -> Counted:
    known = await known_by(tx, "template", token.token, token.members)
    if known is not None:
        return await _counted(tx, known)
    if len(await templates.list(tx)) >= MOST_TEMPLATES:
        raise too_many(f"An account can have up to {MOST_TEMPLATES} experiment templates.")
    await tokens.put(tx, token)
    await templates.put(tx, template)
    return template, 0


@transactional
async def _change(tx: Transaction, template_id: str, given: dict[str, Any], options: dict[str, str]) -> Counted:
    before, count = await _counted(tx, template_id)
    after = msgspec.structs.replace(before, **given, updated=tx.now, options=before.options | options)
    check_template(after.stop_conditions, after.targets, after.actions, after.logs)
    await templates.put(tx, after)
    return after, count


@transactional
async def _all(tx: Transaction) -> list[Template]:
    return list(await templates.list(tx))


@transactional
async def _delete(tx: Transaction, template_id: str) -> Counted:
    counted = await _counted(tx, template_id)
    await templates.delete(tx, template_id)
    await target_accounts.delete_all(tx, template_id)
    return counted
