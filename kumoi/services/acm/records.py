"""What ACM keeps. Times are epoch seconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from kumoi.names import arn
from kumoi.state.space import Space

Origin = Literal["AMAZON_ISSUED", "IMPORTED"]


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate. `key` is its private key (PKCS #8, DER), sealed; `body` and `chain` are PEM, empty until issued.

    `names` begins with the domain. `method` is how its names are validated, `validation_domains` where e-mails would go
    to, `validated` are the names that were found to be the account's. `renewed` is when it was renewed last.
    """

    id: str
    account: str
    region: str
    domain: str
    names: tuple[str, ...]
    algorithm: str
    created: float
    key: bytes
    origin: Origin = "AMAZON_ISSUED"
    method: str = "DNS"
    validation_domains: dict[str, str] = {}
    validated: tuple[str, ...] = ()
    issued: float | None = None
    renewed: float | None = None
    body: str = ""
    chain: str = ""
    begins: float = 0.0
    ends: float = 0.0
    transparency: str = "ENABLED"
    export: str = "DISABLED"
    exported: bool = False
    managed_by: str = ""
    token: str = ""
    digest: str = ""
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        """The ARN."""
        return arn("acm", self.region, self.account, f"certificate/{self.id}")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a certificate is that has been issued, whichever account's."""

    id: str
    account: str
    region: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account's settings in a region."""

    days_before_expiry: int = 45


certificates: Space[Certificate] = Space("acm.certificate", Certificate, lambda one: (one.id,))
places: Space[Place] = Space("acm.place", Place, lambda one: (one.id,), scope="global")
accounts: Space[Account] = Space("acm.account", Account, lambda _: ())
