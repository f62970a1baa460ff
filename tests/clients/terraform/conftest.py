"""Terraform and its AWS provider, unmodified, on configurations that are folders beside this file.

Both are the machine's: `terraform` on PATH; the provider from the folder that KUMOI_TF_PLUGINS names (laid out as
`terraform providers mirror` does), else as `terraform init` finds it (TF_CLI_CONFIG_FILE, a mirror, the registry). The
provider is large and waits for minutes: without that folder, only `scripts/test-deployers` has these run.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
DEPLOYERS = Path(os.environ.get("KUMOI_DEPLOYERS", HERE.parents[2] / ".deployers"))
CACHE = DEPLOYERS / "terraform"
"""Downloaded providers; `scripts/test-deployers` makes it."""
OFF_LINE = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
"""Terraform asks nobody for newer versions of itself."""
AT_ONCE = "-parallelism=40"
"""Most of the time Terraform waits for the provider, which looks again after fixed times."""


class Terraform:
    """A configuration in a directory of its own, and what Terraform makes of it."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
        self.account = environment["AWS_ACCESS_KEY_ID"]
        self._environment = environment

    def run(self, *arguments: str, expected: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run a command of Terraform that ends with one of the codes."""
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode in expected, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def apply(self, **variables: Any) -> None:
        """Make the configuration true."""
        self.run("apply", "-auto-approve", "-no-color", AT_ONCE, *_given(variables))

    def assert_settled(self, **variables: Any) -> None:
        """Assert that another plan finds nothing to change."""
        plan = ("plan", "-no-color", AT_ONCE, "-detailed-exitcode", *_given(variables))
        done = self.run(*plan, expected=(0, 2))
        assert done.returncode == 0, done.stdout[-6000:]

    def resources(self) -> list[dict[str, Any]]:
        """What the state holds: `address`, `type` and `values` of each resource."""
        state = json.loads(self.run("show", "-json").stdout)
        return [one for one in state["values"]["root_module"]["resources"] if one["mode"] == "managed"]

    def assert_importable(self, **variables: Any) -> None:
        """Assert that resources of a state that was lost are found again, each as it is configured.

        `imports.json` of a configuration says how an identifier is made of a resource's attributes (and of `account`),
        by address or type; null where the provider cannot import. Without, it is `id`. What only the configuration
        knows (how to destroy a bucket, a value that is never read back) has no value after the import.
        """
        kept = self.directory / "imports.json"
        rules = json.loads(kept.read_text()) if kept.exists() else {}
        blocks = []
        for one in self.resources():
            rule = rules.get(one["address"], rules.get(one["type"], "{id}"))
            if rule is not None:
                identifier = json.dumps(rule.format(**{"account": self.account} | one["values"]))
                blocks.append(f"import {{\n  to = {one['address']}\n  id = {identifier}\n}}\n")
        state, aside = self.directory / "terraform.tfstate", self.directory / "aside.tfstate"
        state.rename(aside)
        (self.directory / "imports.tf").write_text("\n".join(blocks))
        self.run("plan", "-no-color", AT_ONCE, "-out=plan", *_given(variables))
        changes = json.loads(self.run("show", "-json", "plan").stdout)["resource_changes"]
        (self.directory / "imports.tf").unlink()
        aside.rename(state)
        imported = [one for one in changes if "importing" in one["change"]]
        assert len(imported) == len(blocks)
        differing = {one["address"]: found for one in imported if (found := _differences(one["change"]))}
        assert differing == {}

    def destroy(self, **variables: Any) -> None:
        """Take everything away again."""
        self.run("destroy", "-auto-approve", "-no-color", AT_ONCE, *_given(variables))
        assert json.loads((self.directory / "terraform.tfstate").read_text())["resources"] == []


def _given(variables: dict[str, Any]) -> list[str]:
    return [f"-var={name}={json.dumps(value)}" for name, value in variables.items()]


def _differences(change: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Attributes that are known to differ from the configuration, and had a value when they were imported."""
    before, after = change["before"], change["after"]
    if set(change["actions"]) & {"create", "delete"}:
        return {"actions": (change["actions"], ["no-op"])}
    return {name: (before.get(name), value) for name, value in after.items() if _differ(before.get(name), value)}


def _differ(before: Any, after: Any) -> bool:
    if before in (None, "", [], {}):
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        return any(_differ(before.get(name), value) for name, value in after.items())
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return any(map(_differ, before, after))
    return bool(before != after)


def initialise(directory: Path) -> subprocess.CompletedProcess[str]:
    """Make a configuration ready. Terraform's cache of downloads is for one at a time."""
    if plugins := os.environ.get("KUMOI_TF_PLUGINS"):
        return _init(directory, {}, f"-plugin-dir={plugins}")
    with (DEPLOYERS / "terraform.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _init(directory, {"TF_PLUGIN_CACHE_DIR": os.environ.get("TF_PLUGIN_CACHE_DIR", str(CACHE))})


def _init(directory: Path, more: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ("terraform", "init", "-no-color", *arguments)
    environment = {**os.environ, **OFF_LINE, **more}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every configuration starts with; skips where Terraform or its AWS provider is missing."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not on PATH")
    if "KUMOI_TF_PLUGINS" not in os.environ and not CACHE.is_dir():
        pytest.skip("Terraform's provider is for scripts/test-deployers, or KUMOI_TF_PLUGINS names its folder")
    trial = tmp_path_factory.mktemp("terraform")
    shutil.copy(HERE / "provider.tf", trial)
    done = initialise(trial)
    if done.returncode:
        pytest.skip(f"Terraform has no AWS provider (KUMOI_TF_PLUGINS may name its folder): {done.stderr[-500:]}")
    return trial / "provider.tf"


@pytest.fixture
def terraform(
    kumoi: Any, zipped: Callable[[dict[str, str]], bytes], tmp_path: Path, provider: Path
) -> Callable[[str], Terraform]:
    """Have a configuration of this folder ready, by name, for the test's account.

    A function's code `code.py` beside it is there as `code.zip`.
    """

    def ready(name: str) -> Terraform:
        directory = Path(shutil.copytree(HERE / name, tmp_path / name))
        shutil.copy(provider, directory)
        for code in directory.glob("*.py"):
            code.with_suffix(".zip").write_bytes(zipped({code.name: code.read_text()}))
        done = initialise(directory)
        assert done.returncode == 0, done.stderr
        return Terraform(directory, {**os.environ, **OFF_LINE, **kumoi.environment})

    return ready
