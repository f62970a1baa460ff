"""Files that may come from anywhere, read no further than they may be long."""

from __future__ import annotations

from pathlib import Path

from kumoi.experiments.model import BadExperiment

LONGEST_REPORT = 64 << 20
"""Bytes of a run's or a sweep's report."""


def bounded(path: Path, most: int) -> bytes:
    """The bytes of a file; BadExperiment where it cannot be read, or has more than `most` bytes."""
    try:
        with path.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise BadExperiment(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise BadExperiment(f"{path} is larger than {most} bytes")
    return content
