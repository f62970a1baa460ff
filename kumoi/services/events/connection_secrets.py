"""A connection's parameters with their secrets, sealed by the platform for that connection only."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.sealing import Sealer


def seal(sealer: Sealer, connection_id: str, parameters: dict[str, Any]) -> bytes:
    """The parameters, encrypted."""
    return sealer.seal(orjson.dumps(parameters), _context(connection_id))


def unseal(sealer: Sealer, connection_id: str, sealed: bytes) -> dict[str, Any]:
    """The parameters again; ValueError when they are another connection's."""
    parameters: dict[str, Any] = orjson.loads(sealer.open(sealed, _context(connection_id)))
    return parameters


def _context(connection_id: str) -> str:
    return f"events.connection/{connection_id}"
