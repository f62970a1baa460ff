"""The README's first command: the demo checks itself, in a home directory that is empty."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_the_demo_checks_itself(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "NO_COLOR": "1"}
    command = [sys.executable, str(ROOT / "scripts/demo.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lambda:thumbnail Invoke" in done.stdout
    assert "cold invocation" in done.stdout
    assert "client\n  → " in done.stdout
    assert re.search(r"^  export KUMOI_DATA=/.*\n(  .*\n)*  \.venv/bin/kumoi down", done.stdout, re.MULTILINE)
    if shutil.which("npm") and "needs Node.js and npm" not in done.stdout:
        assert "lambda:gallery" in done.stdout
        calls = re.search(r"^lambda:gallery\n((?:  → .*\n)+)", done.stdout, re.MULTILINE)
        assert calls is not None
        assert "→ lambda:thumbnail Invoke" in calls[1]
