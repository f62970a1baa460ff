"""What is meant for people: mails, text messages, mobile pushes. Kumoi sends none; they are logged, and the last
thousand of an account can be read at `/_kumoi/sns-outbox`, with the links that confirm subscriptions.
"""

from __future__ import annotations

import logging
from typing import Any

from kumoi.services.sns.notification import Handover, timestamp
from kumoi.services.sns.records import LETTERS, Letter, letters
from kumoi.state import Transaction, transactional

logger = logging.getLogger(__name__)

KEPT = 1000


@transactional
async def store(tx: Transaction, one: Handover, message: str) -> None:
    """Keep a letter and log it; forget the oldest beyond those that are kept."""
    sequence = await tx.add((LETTERS,))
    letter = Letter(
        sequence=sequence,
        time=one.time,
        protocol=one.protocol,
        endpoint=one.endpoint,
        message=message,
        subject=one.subject,
        topic=one.topic or None,
        message_id=one.message_id,
    )
    await letters.put(tx, letter)
    await letters.delete(tx, sequence - KEPT)
    tx.on_commit(
        lambda: logger.info("%s for %s (not sent, kept at /_kumoi/sns-outbox): %s", one.protocol, one.endpoint, message)
    )


def told(letter: Letter) -> dict[str, Any]:
    """A letter as the outbox shows it."""
    return {
        "time": timestamp(letter.time),
        "protocol": letter.protocol,
        "endpoint": letter.endpoint,
        "subject": letter.subject,
        "message": letter.message,
        "topic": letter.topic,
        "message_id": letter.message_id,
    }


@transactional
async def latest(tx: Transaction, limit: int) -> list[Letter]:
    """The newest letters first."""
    return await letters.list(tx, limit=limit, reverse=True)
