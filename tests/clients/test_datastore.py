"""Amplify's DataStore, unmodified, works with an API made of a schema: it syncs, observes, and settles conflicts."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kumoi.cli import main

pytestmark = pytest.mark.slow
pytest.importorskip("kumoi.services.appsync.realtime")

SCHEMA = "type Todo @model @auth(rules: [{allow: public}]) { name: String! n: Int }"


@pytest.fixture
def play(kumoi: Any, amplify: Path, tmp_path: Path) -> Callable[..., list[Any]]:
    """Make an API, run a scene of the program, and answer what it said."""

    def scene(name: str, conflicts: str) -> list[Any]:
        schema = tmp_path / "schema.graphql"
        schema.write_text(SCHEMA)
        own = {"KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path / "none")}
        made = CliRunner(env={**os.environ, **kumoi.environment, **own}).invoke(
            main, ["graphql", "new", str(schema), "--name", "todos", "--conflicts", conflicts]
        )
        assert made.exit_code == 0, made.output
        (stack,) = kumoi.client("cloudformation").describe_stacks(StackName="todos")["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        endpoint = f"http://localhost:{kumoi.url.rpartition(':')[2]}/graphql/{outputs['GraphQLAPIId']}"
        done = subprocess.run(
            ["node", "todos.mjs", endpoint, outputs["GraphQLAPIKey"], name],
            cwd=amplify,
            env={**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0"},  # Amplify connects by wss, whatever the endpoint
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[") and '"' in line[:2]]

    return scene


def item(name: str, n: int, version: int, deleted: bool | None = None) -> list[dict[str, Any]]:
    return [{"name": name, "n": n, "_version": version, "_deleted": deleted}]


def test_items_go_both_ways(play: Callable[..., list[Any]]) -> None:
    assert play("sync", "automerge") == [
        ["synced", []],
        ["saved", item("mine", 1, 1)],
        ["observed", "UPDATE"],
        ["changed", item("theirs", 2, 3)],
        ["deleted", item("theirs", 2, 4, True)],
    ]


def test_a_conflict_is_settled_by_the_application(play: Callable[..., list[Any]]) -> None:
    assert play("conflict", "optimistic") == [
        ["synced", []],
        ["saved", item("mine", 1, 1)],
        ["conflict", "UPDATE", "mine again", "theirs"],
        ["resolved", item("theirs", 3, 3)],
    ]
