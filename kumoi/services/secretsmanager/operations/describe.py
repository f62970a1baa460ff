"""What secrets there are, without their values."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.secretsmanager import secretsmanager
from kumoi.services.secretsmanager.answers import described, replication, versions_to_stages
from kumoi.services.secretsmanager.filters import ORDERS, read_filters
from kumoi.services.secretsmanager.pages import page
from kumoi.services.secretsmanager.records import Secret, secrets
from kumoi.services.secretsmanager.store import find, place_of
from kumoi.state import Transaction, transactional


@secretsmanager.operation
async def describe_secret(call: Call, SecretId: str) -> dict[str, Any]:
    """Everything of a secret but its value."""
    state, wanted = await place_of(call, SecretId)
    secret = await find(state, wanted, deleted=True)
    answer = {**described(secret), **replication(secret)}
    if secret.deletes is not None:
        answer["DeletedDate"] = secret.deletes
    if secret.stages:
        answer["VersionIdsToStages"] = versions_to_stages(secret)
    return answer


@secretsmanager.operation
async def list_secrets(
    call: Call,
    IncludePlannedDeletion: bool = False,
    MaxResults: int = 100,
    NextToken: str | None = None,
    Filters: list[dict[str, Any]] | None = None,
    SortOrder: str = "asc",
    SortBy: str = "created-date",
) -> dict[str, Any]:
    """Secrets a page at a time; those that wait to be deleted only where they are asked for."""
    tests = read_filters(Filters or ())
    shown = [
        secret
        for secret in await all_secrets(call)
        if (IncludePlannedDeletion or secret.deletes is None) and all(test(secret) for test in tests)
    ]
    order = ORDERS[SortBy]
    reverse = SortOrder == "desc"
    found, more = page(shown, lambda one: (order(one), one.name), NextToken, MaxResults, reverse=reverse)
    return {"SecretList": [_listed(one) for one in found], **more}


async def all_secrets(call: Call) -> list[Secret]:
    """Every secret of the call's account and region."""
    return await _all(call.state)


@transactional
async def _all(tx: Transaction) -> list[Secret]:
    return await secrets.list(tx)


def _listed(secret: Secret) -> dict[str, Any]:
    answer = described(secret)
    if secret.deleted is not None:
        answer["DeletedDate"] = secret.deleted
    if secret.stages:
        answer["SecretVersionsToStages"] = versions_to_stages(secret)
    return answer
