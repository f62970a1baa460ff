"""The access key of an HTTP endpoint, kept apart from what is told of it; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def without_secret(settings: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """A destination's settings without its access key, and that; None where none is given."""
    endpoint = settings.get("EndpointConfiguration")
    if not endpoint or "AccessKey" not in endpoint:
        return dict(settings), None
    kept = {name: value for name, value in endpoint.items() if name != "AccessKey"}
    return {**settings, "EndpointConfiguration": kept}, str(endpoint["AccessKey"])
