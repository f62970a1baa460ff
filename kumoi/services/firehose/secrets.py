"""The access key of an HTTP endpoint: kept apart from what is told of it, sealed for its stream; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.sealing import Sealer


def without_secret(settings: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """A destination's settings without its access key, and that; None where none is given."""
    endpoint = settings.get("EndpointConfiguration")
    if not endpoint or "AccessKey" not in endpoint:
        return dict(settings), None
    kept = {name: value for name, value in endpoint.items() if name != "AccessKey"}
    return {**settings, "EndpointConfiguration": kept}, str(endpoint["AccessKey"])


def sealed(sealer: Sealer, stream_id: str, secret: str | None) -> bytes:
    """An access key as it is kept; nothing for none."""
    return sealer.seal(secret.encode(), _context(stream_id)) if secret else b""


def opened(sealer: Sealer, stream_id: str, kept: bytes) -> str:
    """The access key again; ValueError when it is another stream's."""
    return sealer.open(kept, _context(stream_id)).decode() if kept else ""


def _context(stream_id: str) -> str:
    return f"firehose.stream/{stream_id}"
