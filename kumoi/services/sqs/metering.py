"""What a request to SQS is billed by: each 64 KB of its messages counts as one request. Source: SQS pricing."""

from __future__ import annotations

from kumoi.doorway import Call

CHUNK = 65_536
MESSAGES = "sqs:messages"
"""How many messages a call sent, received or deleted: nothing it is billed by, but what CloudWatch counts."""


def meter(call: Call, size: int, requests: int = 1) -> None:
    """Meter what a call counts for beyond the one request that every call is; `size` is its messages' in bytes.

    `requests` is how many requests AWS would need for what one call does here.
    """
    more = max(requests, -(-size // CHUNK)) - 1
    if more > 0:
        call.meter("more_requests", more)
