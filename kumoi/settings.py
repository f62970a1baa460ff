"""How a platform runs: what `kumoi up` and tests set, and what of it is refused."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kumoi.doorway import AuthMode
from kumoi.doorway.history import KEPT
from kumoi.names import DEFAULT_REGION
from kumoi.sandbox import IsolationSetting


class NotLoopback(ValueError):
    """The platform would listen beyond this machine without anything guarding it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a platform runs. `data` is its directory, None keeps everything in memory and temporary files.

    `databases` says how many connections a database takes, by `host:port`. `moto` has services that Kumoi lacks
    answered by moto. `xray_port` is where the X-Ray daemon listens, 0 for any port, None for none; `dns` likewise
    is where names are answered. `budget` is what an
    hour may cost in USD by AWS's list, None without a bound. `payloads` says whether what calls are given and answer is
    kept in memory for Studio; None keeps it unless policies are enforced. `history` is for how many seconds calls and
    charges are kept on disk, None for good.
    """

    host: str = "127.0.0.1"
    port: int = 4566
    data: Path | None = None
    auth: AuthMode = "audit"
    insecure: bool = False
    durability: Literal["normal", "full"] = "normal"
    isolation: IsolationSetting = "auto"
    region: str = DEFAULT_REGION
    databases: Mapping[str, int] = field(default_factory=dict)
    moto: bool = False
    xray_port: int | None = None
    dns: int | None = None
    budget: float | None = None
    payloads: bool | None = None
    history: float | None = KEPT

    def check(self) -> None:
        """Raise NotLoopback when others could reach an unguarded platform."""
        if self.auth == "enforce" or self.insecure or self.host == "localhost":
            return
        try:
            loopback = ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise NotLoopback(
                f"{self.host} is reachable from other machines: run with --auth enforce, or say --insecure."
            )
