"""The example `team-notes`: an API made of a schema."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/team-notes/notes.py"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_notes_are_their_writers(kumoi: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {**kumoi.environment, "KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    example = runpy.run_path(str(EXAMPLE))
    outputs, ask, sign_in = example["deploy"](), example["ask"], example["sign_in"]
    lead, ann = sign_in(outputs, "lead@example.com", "Leads"), sign_in(outputs, "ann@example.com")
    bob = sign_in(outputs, "bob@example.com")
    team = ask(outputs, lead, 'mutation { createTeam(input: {name: "red"}) { id } }')["data"]["createTeam"]["id"]
    write = "mutation($n: CreateNoteInput!) { createNote(input: $n) { id state } }"
    note = ask(outputs, ann, write, n={"text": "buy paint", "teamNotesId": team})["data"]["createNote"]
    assert note["state"] == "OPEN"
    refused = ask(outputs, ann, 'mutation { createTeam(input: {name: "mine"}) { id } }')["errors"]
    assert refused[0]["errorType"] == "Unauthorized"
    everybodys = "{ listTeams { items { name notes { items { text } } } } }"
    seen = {"name": "red", "notes": {"items": [{"text": "buy paint"}]}}
    assert ask(outputs, lead, everybodys)["data"]["listTeams"]["items"] == [seen]
    assert ask(outputs, bob, everybodys)["data"]["listTeams"]["items"] == [{"name": "red", "notes": {"items": []}}]
    by_state = "{ notesByState(state: OPEN) { items { id } } }"
    assert ask(outputs, ann, by_state)["data"]["notesByState"]["items"] == [{"id": note["id"]}]
