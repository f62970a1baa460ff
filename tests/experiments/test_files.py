"""Files from anywhere are read within bounds, and what is longer is refused, not cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from kumoi.experiments.files import bounded
from kumoi.experiments.model import BadExperiment


def test_what_has_room_is_read_whole_and_what_has_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"12345")
    assert bounded(path, 5) == b"12345"
    with pytest.raises(BadExperiment, match="larger than 4 bytes"):
        bounded(path, 4)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadExperiment, match="cannot be read"):
            bounded(path, 4)
