"""Terraform and its AWS provider, unmodified, on configurations that are folders beside this file.

Both are the machine's: `terraform` on PATH; the provider from the folder that KUMOI_TF_PLUGINS names (laid out as
`terraform providers mirror` does), else as `terraform init` finds it (TF_CLI_CONFIG_FILE, a mirror, the registry).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
DEPLOYERS = Path(os.environ.get("KUMOI_DEPLOYERS", HERE.parents[2] / ".deployers"))
AT_ONCE = "-parallelism=40"
"""Most of the time Terraform waits for the provider, which looks again after fixed times."""


class Terraform:
    """A configuration in a directory of its own, and what Terraform makes of it."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
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

        `imports.json` of a configuration says how an identifier is made of a resource's attributes, by address or
        type; null where the provider cannot import. Without, it is `id`. What only the configuration knows (how to
        destroy a bucket, a value that is never read back) has no value after the import.
        """
        kept = self.directory / "imports.json"
        rules = json.loads(kept.read_text()) if kept.exists() else {}
        blocks = []
        for one in self.resources():
            rule = rules.get(one["address"], rules.get(one["type"], "{id}"))
            if rule is not None:
                identifier = json.dumps(rule.format(**one["values"]))
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
    return {
        name: (before[name], value)
        for name, value in after.items()
        if before.get(name) is not None and before[name] != value
    }


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The command that makes a configuration ready; skips where Terraform or its AWS provider is missing."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not on PATH")
    plugins = os.environ.get("KUMOI_TF_PLUGINS")
    command = ("terraform", "init", "-no-color", *([f"-plugin-dir={plugins}"] if plugins else []))
    trial = tmp_path_factory.mktemp("terraform")
    shutil.copy(HERE / "provider.tf", trial)
    done = subprocess.run(command, cwd=trial, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Terraform has no AWS provider (KUMOI_TF_PLUGINS may name its folder): {done.stderr[-500:]}")
    return command


def _environment() -> dict[str, str]:
    """Terraform's own settings: what it downloads is kept, and it asks nobody for newer versions of itself."""
    cache = DEPLOYERS / "terraform"
    if "KUMOI_TF_PLUGINS" not in os.environ:
        cache.mkdir(parents=True, exist_ok=True)
    return {"TF_PLUGIN_CACHE_DIR": str(cache), **os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}


@pytest.fixture
def terraform(kumoi: Any, tmp_path: Path, initialised: tuple[str, ...]) -> Iterator[Callable[[str], Terraform]]:
    """Have a configuration of this folder ready, by name, for the test's account."""
    environment = {**_environment(), **kumoi.environment}

    def ready(name: str) -> Terraform:
        directory = Path(shutil.copytree(HERE / name, tmp_path / name))
        shutil.copy(HERE / "provider.tf", directory)
        subprocess.run(initialised, cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL)
        return Terraform(directory, environment)

    yield ready
