"""What a connection may do: sizes in bytes, times in real seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the HTTP server; beyond them a client gets 408, 414 or 431, waits, or is not accepted yet.

    `read_high` and `read_low` bound what is held of a body that nobody reads; `concurrent_streams` bounds the requests
    that a client may have under way on one connection of HTTP/2; `max_connections` counts those that have
    not said anything yet as well. A time-out is noticed by the next sweep, one each `sweep_interval`.
    """

    request_line: int = 16 * 1024
    header_line: int = 16 * 1024
    header_block: int = 64 * 1024
    header_timeout: float = 10.0
    idle_timeout: float = 75.0
    linger_timeout: float = 2.0
    sweep_interval: float = 1.0
    buffered_body: int = 256 * 1024
    pipeline_depth: int = 16
    concurrent_streams: int = 128
    read_high: int = 256 * 1024
    read_low: int = 64 * 1024
    drain_timeout: float = 10.0
    max_connections: int = 16_384
