"""Who is at the other end of a connection, as its requests tell it."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Peer:
    """`client` is (host, port), `local` whether it is this machine, `certificate` what it showed behind TLS (DER)."""

    secure: bool
    client: tuple[str, int]
    local: bool
    certificate: bytes | None


def peer_of(transport: asyncio.BaseTransport, *, secure: bool) -> Peer:
    """The peer of an open connection; `secure` is whether TLS lies below it."""
    peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    encrypted = transport.get_extra_info("ssl_object")
    return Peer(
        secure,
        (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) and len(peer) > 1 else ("", 0),
        same_machine(peer, own),
        None if encrypted is None else encrypted.getpeercert(binary_form=True),
    )


def same_machine(peer: Any, own: Any) -> bool:
    """Whether a connection's ends are on one machine: a Unix socket, loopback, or an address that connects to itself.

    Where the system does not tell (the client is gone already), it is another's.
    """
    if isinstance(own, str) and own:
        return True
    if not isinstance(peer, tuple) or not isinstance(own, tuple):
        return False
    return bool(peer[0] == own[0] or ipaddress.ip_address(peer[0].partition("%")[0]).is_loopback)
