"""What several clients' tests share."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

AMPLIFY = Path(__file__).parent / "amplify"


@pytest.fixture(scope="session")
def amplify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with aws-amplify, DataStore and the programs that use them, installed once for all test processes."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    directory = shared / "amplify"
    with (shared / "amplify.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "node_modules/.package-lock.json").exists():  # what npm writes last
            shutil.copytree(AMPLIFY, directory, dirs_exist_ok=True)
            command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"npm could not install the packages: {done.stderr[-500:]}")
    return directory
