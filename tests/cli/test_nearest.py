"""What a part of a name means, and that verbs tell in a line what the platform refuses."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import click
import pytest
from click.testing import CliRunner

from kumoi.cli import main
from kumoi.cli.nearest import the_one

NAMES = ("shop-Create-1f", "shop-Changed-2e", "create", "other")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("create", "create"),
        ("shop-Create-1f", "shop-Create-1f"),
        ("Changed", "shop-Changed-2e"),
        ("changed", "shop-Changed-2e"),
        ("shop-*-2?", "shop-Changed-2e"),
        ("the", "other"),
    ],
)
def test_what_is_meant(said: str, meant: str) -> None:
    assert the_one("function", said, NAMES) == meant


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("shop", "shop may be any of shop-Changed-2e, shop-Create-1f."),
        ("Create", "Create may be any of create, shop-Create-1f."),
        ("nobody", "there is no function nobody (yet)."),
        ("[a-z]", "there is no function [a-z] (yet)."),
        ("", "may be any of"),
    ],
)
def test_what_is_not_clear_is_told(said: str, told: str) -> None:
    with pytest.raises(click.ClickException) as refused:
        the_one("function", said, NAMES)
    assert told in refused.value.message


def test_many_names_are_not_all_told() -> None:
    with pytest.raises(click.ClickException) as refused:
        the_one("function", "f", [f"f{number:02}" for number in range(20)])
    assert refused.value.message.endswith("f07 and 12 more.")


def test_functions_are_invoked_and_their_logs_read_by_a_part_of_their_name(
    kumoi: Any, zipped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**os.environ, **kumoi.environment, "KUMOI_URL": kumoi.url, "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    functions = kumoi.client("lambda")
    functions.create_function(
        FunctionName="stack-Greet-0f",
        Runtime="python3.12",
        Role=f"arn:aws:iam::{kumoi.account}:role/r",
        Handler="app.handler",
        Code={
            "ZipFile": zipped(
                {"app.py": "def handler(event, context):\n    print('greeting')\n    return event['name']\n"}
            )
        },
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="stack-Greet-0f")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, arguments)

    assert json.loads(run("invoke", "greet", "--event", '{"name": "ann"}').stdout) == "ann"
    deadline = time.monotonic() + 60
    while "greeting" not in run("logs", "greet").stdout:  # lines come behind the answer
        assert time.monotonic() < deadline
    assert "greeting" in run("logs", "*greet*").stdout
    assert run("logs", "lambda").stderr == "Error: there is no log group lambda (yet).\n", "its name is meant alone"
    assert run("logs", "nobody").stderr == "Error: there is no log group nobody (yet).\n"
    refused = run("logs", "a/*", "--filter", "x")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: An error occurred (InvalidParameterException)")
