"""Target accounts: a template that breaks one account (and none other can be made here) has none."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.fis import fis
from kumoi.services.fis.operations.templates import find_template
from kumoi.services.fis.rules import invalid, not_found
from kumoi.services.fis.storage import get


@fis.operation
async def create_target_account_configuration(
    call: Call,
    experimentTemplateId: str,
    accountId: str,
    roleArn: str,
    clientToken: str | None = None,
    description: str | None = None,
) -> None:
    """Refused: the template's accountTargeting is single-account."""
    await find_template(call.state, experimentTemplateId)
    raise invalid(f"The account targeting of {experimentTemplateId} is single-account: it takes no target accounts.")


@fis.operation
async def update_target_account_configuration(
    call: Call,
    experimentTemplateId: str,
    accountId: str,
    roleArn: str | None = None,
    description: str | None = None,
) -> None:
    """ResourceNotFoundException."""
    await _none(call, experimentTemplateId, accountId)


@fis.operation
async def get_target_account_configuration(call: Call, experimentTemplateId: str, accountId: str) -> None:
    """ResourceNotFoundException."""
    await _none(call, experimentTemplateId, accountId)


@fis.operation
async def delete_target_account_configuration(call: Call, experimentTemplateId: str, accountId: str) -> None:
    """ResourceNotFoundException."""
    await _none(call, experimentTemplateId, accountId)


@fis.operation
async def get_experiment_target_account_configuration(call: Call, experimentId: str, accountId: str) -> None:
    """ResourceNotFoundException."""
    await get(call.state, experimentId)
    raise not_found(f"The experiment {experimentId} has no target account {accountId}.")


@fis.operation
async def list_target_account_configurations(
    call: Call, experimentTemplateId: str, maxResults: int | None = None, nextToken: str | None = None
) -> dict[str, Any]:
    """None."""
    await find_template(call.state, experimentTemplateId)
    return {"targetAccountConfigurations": []}


@fis.operation
async def list_experiment_target_account_configurations(
    call: Call, experimentId: str, nextToken: str | None = None
) -> dict[str, Any]:
    """None."""
    await get(call.state, experimentId)
    return {"targetAccountConfigurations": []}


async def _none(call: Call, template_id: str, account: str) -> None:
    await find_template(call.state, template_id)
    raise not_found(f"The experiment template {template_id} has no target account {account}.")
