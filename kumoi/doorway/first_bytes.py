"""Protocols beside HTTP on the one port, told from it by the first byte that a client sends."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable


class FirstBytes(ABC):
    """Where a service claims a first byte; the gateway's listener is one."""

    @abstractmethod
    def claim(self, byte: int, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Have connections that begin with `byte` handled by what `protocol` makes, one for each."""
