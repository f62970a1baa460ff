"""The example `harvest`: days of CSV become a tidy table, and a view tells the best day of each farm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/harvest/harvest.py"


def test_harvests_are_tidied_and_asked_for(kumoi: Any) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=False, env=kumoi.environment
    )
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["north", "2026-08-01", "200.5", "kg"],
        ["south", "2026-08-02", "140.0", "kg"],
    ]
    keys = [one["Key"] for one in kumoi.client("s3").list_objects_v2(Bucket="harvest", Prefix="tidy/")["Contents"]]
    assert {key.split("/")[1] for key in keys} == {"farm=north", "farm=south"}
