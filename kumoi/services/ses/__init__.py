"""Amazon SES: mails, which stay in the mailbox of the machine, and what would become of them.

Two APIs over the same records: `ses` (v1, `operations/v1_….py`) and `sesv2` (`operations/v2_….py`). A request becomes
an envelope and a MIME message (`envelopes.py`, `composing.py`, `handlebars.py` for templates); `sending.py` accepts it:
in one transaction it is kept in the mailbox (`kumoi/mailbox`), counted, and its events are stored for the destinations
that want them (`events.py`, `publisher.py`). What becomes of it at its recipients is for `simulator.py` to say.

A mail that comes in (`/_kumoi/ses-inbound`) goes through the receipt rules (`receiving.py`, `receipt_rules.py`).

Rules: the SES API references (v1, v2) and developer guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

ses = Service(
    "ses",
    __name__,
    modules=(
        "operations.localstack",
        "operations.v1_account",
        "operations.v1_configuration_sets",
        "operations.v1_identities",
        "operations.v1_receiving",
        "operations.v1_sending",
        "operations.v1_templates",
    ),
    resource=("Identity", "EmailAddress", "Domain", "Source", "ConfigurationSetName", "TemplateName"),
    data_planes=("ses-inbound", "ses-messages"),
    authorization="authorization",
    tagged="tagged",
)
sesv2 = Service(
    "sesv2",
    __name__,
    modules=(
        "operations.v2_account",
        "operations.v2_configuration_sets",
        "operations.v2_contacts",
        "operations.v2_identities",
        "operations.v2_sending",
        "operations.v2_suppression",
        "operations.v2_tags",
        "operations.v2_templates",
    ),
    resource=("EmailIdentity", "FromEmailAddress", "ConfigurationSetName", "TemplateName", "ContactListName"),
    authorization="authorization",
    page="ses",
)


def _node(value: str) -> str:
    """The address or name, out of `Name <address>` where it is one."""
    return value.rpartition("<")[2].rstrip(">") or value


ses.resource_name(_node)
sesv2.resource_name(_node)


@ses.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep events going while the platform runs."""
    from kumoi.services.ses.lifespan import running

    async with running(parts):
        yield


@ses.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Drop the events of what is being forgotten."""
    from kumoi.services.ses.publisher import Publisher

    await parts[Publisher].outbox.forget(account)
