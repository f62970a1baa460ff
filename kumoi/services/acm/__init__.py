"""AWS Certificate Manager: certificates that the platform's own authority issues, and those that are imported.

A requested certificate is issued once its names are validated (`validation.py`): by the CNAME in a hosted zone of the
account, at once where no such zone covers the name. Whatever was issued or imported is what the platform presents for
its names over TLS (`presenting.py`). Renewals are timers of the platform's clock.

Rules: the ACM API reference and user guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

acm = Service(
    "acm",
    __name__,
    modules=(
        "operations.account",
        "operations.certificates",
        "operations.contents",
        "operations.requests",
        "operations.tags",
    ),
    resource=("CertificateArn", "ResourceArn", "DomainName"),
    authorization="authorization",
    tagged="tagged",
)


@acm.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Present certificates, and renew them, while the platform runs."""
    from kumoi.services.acm.lifespan import running

    async with running(parts):
        yield


@acm.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Present the certificates of an account, or all, no longer."""
    from kumoi.services.acm.lifespan import forget

    await forget(parts, state, account)
