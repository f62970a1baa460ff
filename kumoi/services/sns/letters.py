"""What is meant for people: mails, text messages, mobile pushes. Kumoi sends none; they are logged, and kept in the
account's mailbox (`/_kumoi/mail`), with the links that confirm subscriptions. `/_kumoi/sns-outbox` shows SNS's alone.
"""

from __future__ import annotations

import logging
from typing import Any

from kumoi import mailbox
from kumoi.mailbox import Letter
from kumoi.services.sns.notification import Handover, timestamp
from kumoi.state import State, Transaction, transactional

logger = logging.getLogger(__name__)

SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"
"""Who mails of topics are from."""


@transactional
async def store(tx: Transaction, one: Handover, message: str) -> None:
    """Keep a letter and log it."""
    letter = Letter(
        id=one.message_id,
        time=one.time,
        service="sns",
        region=tx.region,
        protocol=one.protocol,
        sender=SENDER if one.protocol.startswith("email") else "",
        to=(one.endpoint,),
        subject=one.subject,
        text=message,
        cause=one.topic,
    )
    await mailbox.keep(tx, letter)
    tx.on_commit(
        lambda: logger.info("%s for %s (not sent, kept at /_kumoi/mail): %s", one.protocol, one.endpoint, message)
    )


def told(letter: Letter) -> dict[str, Any]:
    """A letter as the outbox shows it."""
    return {
        "time": timestamp(letter.time),
        "protocol": letter.protocol,
        "endpoint": letter.to[0],
        "subject": letter.subject,
        "message": letter.text,
        "topic": letter.cause or None,
        "message_id": letter.id,
    }


async def latest(place: State, limit: int) -> list[Letter]:
    """The newest letters of a region first."""
    return await mailbox.latest(place, limit, lambda one: one.service == "sns" and one.region == place.region)
