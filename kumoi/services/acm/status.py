"""The status of a certificate at a moment; pure."""

from __future__ import annotations

from kumoi.services.acm.records import Certificate

VALIDATION_SECONDS = 72 * 3600.0
"""How long ACM waits for a domain to be validated."""


def status_of(one: Certificate, now: float) -> str:
    """The status as AWS names it."""
    if one.body:
        return "EXPIRED" if now > one.ends else "ISSUED"
    return "VALIDATION_TIMED_OUT" if now > one.created + VALIDATION_SECONDS else "PENDING_VALIDATION"
