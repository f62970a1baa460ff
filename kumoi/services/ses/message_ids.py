"""Message ids in SES's shape: a region's sign, the milliseconds, a UUID, six zeros."""

from __future__ import annotations

from kumoi.names import uuid

_SIGNS = {
    "us-east-1": "0100",
    "us-west-2": "0101",
    "eu-west-1": "0102",
    "ap-northeast-1": "0106",
    "eu-central-1": "0107",
    "ap-southeast-2": "0108",
    "ap-south-1": "0109",
}
_OTHER = "010f"


def message_id(region: str, now: float) -> str:
    """A fresh id for a mail, or for feedback."""
    return f"{_SIGNS.get(region, _OTHER)}{int(now * 1000):012x}-{uuid()}-000000"
