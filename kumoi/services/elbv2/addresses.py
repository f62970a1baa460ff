"""Where targets are: addresses as given; an instance is this machine."""

from __future__ import annotations

from kumoi.services.elbv2.records import Target


def host_of(target: Target) -> str:
    """The host that stands for a target."""
    return "127.0.0.1" if target.id.startswith("i-") else target.id


def address_of(target: Target, port: int | None) -> str:
    """Host and port as URLs write them."""
    host = host_of(target)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
