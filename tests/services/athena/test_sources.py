"""Files brought to disk: what would fill it is refused before it does."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.formats import Reader
from kumoi.services.athena.sources import as_parquet


def test_what_would_fill_the_disk_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "0.gz"
    packed.write_bytes(gzip.compress(bytes(1 << 20)))

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=100_000, free=6_000))
    with pytest.raises(StatementFailed, match="EXCEEDED_LOCAL_DISK"):
        as_parquet(Reader("text", {}), packed, {"a": "VARCHAR"}, tmp_path)
    assert not (tmp_path / "0").stat().st_size
