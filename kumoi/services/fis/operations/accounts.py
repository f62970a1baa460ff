"""Target accounts: those that a multi-account template breaks, each in a role of its own, and an experiment's."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.fis import fis
from kumoi.services.fis.operations.templates import find_template
from kumoi.services.fis.paging import page
from kumoi.services.fis.records import TargetAccount, Token, target_accounts, tokens
from kumoi.services.fis.rules import invalid, not_found, too_many
from kumoi.services.fis.storage import accounts_of, get, known_by
from kumoi.services.fis.telling import told_account
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_ACCOUNTS = 10
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


@fis.operation
async def create_target_account_configuration(
    call: Call,
    experimentTemplateId: str,
    accountId: str,
    roleArn: str,
    clientToken: str = "",
    description: str = "",
) -> dict[str, Any]:
    """Have a multi-account template break an account, in a role of that account."""
    _check(accountId, roleArn)
    made = TargetAccount(template=experimentTemplateId, account=accountId, role=roleArn, description=description)
    return _told(await _create(call.state, made, clientToken))


@fis.operation
async def update_target_account_configuration(
    call: Call,
    experimentTemplateId: str,
    accountId: str,
    roleArn: str | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """Give a target account another role or description."""
    if roleArn is not None:
        _check(accountId, roleArn)
    return _told(await _change(call.state, experimentTemplateId, accountId, roleArn, description))


@fis.operation
async def get_target_account_configuration(call: Call, experimentTemplateId: str, accountId: str) -> dict[str, Any]:
    """A target account of a template."""
    return _told(await _find(call.state, experimentTemplateId, accountId))


@fis.operation
async def delete_target_account_configuration(call: Call, experimentTemplateId: str, accountId: str) -> dict[str, Any]:
    """Have a template break an account no longer; experiments that were started go on as they were."""
    return _told(await _delete(call.state, experimentTemplateId, accountId))


@fis.operation
async def list_target_account_configurations(
    call: Call, experimentTemplateId: str, maxResults: int | None = None, nextToken: str | None = None
) -> dict[str, Any]:
    """The target accounts of a template."""
    await find_template(call.state, experimentTemplateId)
    return _listed(await accounts_of(call.state, experimentTemplateId), nextToken, maxResults)


@fis.operation
async def get_experiment_target_account_configuration(call: Call, experimentId: str, accountId: str) -> dict[str, Any]:
    """A target account of an experiment, as it was when that was started."""
    for one in (await get(call.state, experimentId)).accounts:
        if one.account == accountId:
            return _told(one)
    raise not_found(f"The experiment {experimentId} has no target account {accountId}.")


@fis.operation
async def list_experiment_target_account_configurations(
    call: Call, experimentId: str, nextToken: str | None = None
) -> dict[str, Any]:
    """The target accounts of an experiment, as they were when that was started."""
    return _listed([*(await get(call.state, experimentId)).accounts], nextToken, None)


def _check(account: str, role: str) -> None:
    if not _ACCOUNT.fullmatch(account):
        raise invalid(f"{account} is not the number of an account.")
    try:
        found = Arn.parse(role)
    except ValueError:
        found = None
    if found is None or found.service != "iam" or not found.resource.startswith("role/"):
        raise invalid(f"{role} is not the ARN of a role.")
    if found.account != account:
        raise invalid(f"The role {role} is not of the account {account}.")


def _told(one: TargetAccount) -> dict[str, Any]:
    return {"targetAccountConfiguration": told_account(one)}


def _listed(found: list[TargetAccount], token: str | None, most: int | None) -> dict[str, Any]:
    shown, more = page(found, lambda one: one.account, token, most)
    return {"targetAccountConfigurations": [told_account(one) for one in shown], **more}


@transactional
async def _create(tx: Transaction, made: TargetAccount, token: str) -> TargetAccount:
    template = await find_template(tx, made.template)
    if not template.is_multi_account:
        raise invalid(f"The account targeting of {made.template} is single-account: it takes no target accounts.")
    written = orjson.dumps([made.template, made.account, made.role, made.description])
    if token and await known_by(tx, "account", token, written) is not None:
        return await _find(tx, made.template, made.account)
    if await target_accounts.get(tx, made.template, made.account) is not None:
        raise aws_error("ConflictException", f"{made.template} has the target account {made.account} already.")
    if len(await target_accounts.list(tx, made.template)) >= MOST_ACCOUNTS:
        raise too_many(f"An experiment template can have up to {MOST_ACCOUNTS} target accounts.")
    if token:
        await tokens.put(tx, Token(kind="account", token=token, id=made.account, members=written))
    await target_accounts.put(tx, made)
    return made


@transactional
async def _find(tx: Transaction, template_id: str, account: str) -> TargetAccount:
    await find_template(tx, template_id)
    found = await target_accounts.get(tx, template_id, account)
    if found is None:
        raise not_found(f"The experiment template {template_id} has no target account {account}.")
    return found


@transactional
async def _change(
    tx: Transaction, template_id: str, account: str, role: str | None, description: str | None
) -> TargetAccount:
    before = await _find(tx, template_id, account)
    after = msgspec.structs.replace(
        before,
        role=before.role if role is None else role,
        description=before.description if description is None else description,
    )
    await target_accounts.put(tx, after)
    return after


@transactional
async def _delete(tx: Transaction, template_id: str, account: str) -> TargetAccount:
    found = await _find(tx, template_id, account)
    await target_accounts.delete(tx, template_id, account)
    return found
