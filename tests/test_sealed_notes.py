"""The example `sealed-notes`: a note is opened in its owner's name alone."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import boto3
import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/sealed-notes/notes.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_notes_are_sealed(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    keys = example["deploy"]()
    written = example["ask"](id="n1", owner="ann", text="secret")
    assert example["is_genuine"](keys["ReceiptKey"], **written)
    assert not example["is_genuine"](keys["ReceiptKey"], "n1 bob", written["signature"])
    boto3.client("kms").rotate_key_on_demand(KeyId=keys["NotesKey"])
    assert example["ask"](id="n1", owner="ann") == {"text": "secret"}
    assert example["ask"](id="n1", owner="bob") == {"error": "no note of bob"}
