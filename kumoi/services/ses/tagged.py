"""Identities, configuration sets, templates and contact lists, with their tags."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.names import arn
from kumoi.services.ses.records import configuration_sets, contact_lists, identities, templates
from kumoi.state import Transaction, transactional

KINDS: dict[str, Any] = {
    "identity": identities,
    "configuration-set": configuration_sets,
    "template": templates,
    "contact-list": contact_lists,
}
"""What has tags, by what its ARN calls it."""


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """All of them, in a place."""
    return [
        Tagged(arn("ses", tx.region, tx.account, f"{kind}/{one.name}"), one.tags)
        for kind, kept in KINDS.items()
        for one in await kept.list(tx)
    ]


retag = Retagging("sesv2", pair=KEY_VALUE)
