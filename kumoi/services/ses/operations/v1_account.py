"""The account, by the v1 API: its quota, what it sent, whether it sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.ses import ses
from kumoi.services.ses.account import change, current
from kumoi.services.ses.statistics import FORTNIGHT, MOST_A_DAY, MOST_A_SECOND, sent_in_a_day, since


@ses.operation
async def get_send_quota(call: Call) -> dict[str, Any]:
    """How much may be sent, and how much was in the last 24 hours."""
    sent = await sent_in_a_day(call.state)
    return {"Max24HourSend": MOST_A_DAY, "MaxSendRate": MOST_A_SECOND, "SentLast24Hours": sent}


@ses.operation
async def get_send_statistics(call: Call) -> dict[str, Any]:
    """What was sent in the last fortnight, by quarters of an hour."""
    points = [
        {
            "Timestamp": datetime.fromtimestamp(one.start, UTC),
            "DeliveryAttempts": one.attempts,
            "Bounces": one.bounces,
            "Complaints": one.complaints,
            "Rejects": one.rejects,
        }
        for one in await since(call.state, call.now - FORTNIGHT)
    ]
    return {"SendDataPoints": points}


@ses.operation
async def get_account_sending_enabled(call: Call) -> dict[str, Any]:
    """Whether the account sends."""
    return {"Enabled": (await current(call.state)).sending}


@ses.operation
async def update_account_sending_enabled(call: Call, Enabled: bool = False) -> None:
    """Have the account send, or not."""
    await change(call.state, sending=Enabled)
