"""The example `chat-room`: what one says all hear, in Python and in Node.js, and who leaves is gone from the table."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from kumoi.cli.connection import Connection

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/chat-room/chat.py"
GUEST = """
const room = new WebSocket(`${process.argv[1]}?name=Node`);
room.addEventListener("open", () => room.send(JSON.stringify({ action: "say", text: "hello from Node.js" })));
room.addEventListener("message", (event) => { console.log(event.data); room.close(); });
"""


def deployed(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Deploy the example; its outputs."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    return dict(runpy.run_path(str(EXAMPLE))["deploy"]())


@pytest.fixture
def room(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return deployed(kumoi.environment, monkeypatch)


@pytest.fixture
def enforced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The example on a platform that enforces policies."""
    kumoi, data = [sys.executable, "-m", "kumoi"], str(tmp_path)
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    try:
        url = Connection.find(tmp_path).url
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        yield deployed({"AWS_ENDPOINT_URL": url, **keys}, monkeypatch)
    finally:
        subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


def hear(peer: Any) -> dict[str, Any]:
    return dict(json.loads(peer.recv(timeout=60)))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_what_one_says_all_hear(room: dict[str, str], kumoi: Any) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(room["Url"], open_timeout=60)
    assert refused.value.response.status_code == 400
    with (
        connect(f"{room['Url']}?name=Ada", open_timeout=60) as ada,
        connect(f"{room['Url']}?name=Grace", open_timeout=60) as grace,
    ):
        ada.send(json.dumps({"action": "who"}))
        assert hear(ada) == {"here": ["Ada", "Grace"]}
        grace.send(json.dumps({"action": "say", "text": "Hello!"}))
        assert hear(ada) == hear(grace) == {"from": "Grace", "text": "Hello!"}
        grace.send("what?")
        assert hear(grace) == {"unknown": "what?"}
        grace.close()
        assert hear(ada) == {"left": "Grace"}
        if (node := shutil.which("node")) is not None and _has_websocket(node):
            said = subprocess.run(
                [node, "--experimental-websocket", "-e", GUEST, room["Url"]],
                capture_output=True,
                text=True,
                timeout=300,
                check=True,
            )
            expected = {"from": "Node", "text": "hello from Node.js"}
            assert json.loads(said.stdout) == hear(ada) == expected
            assert hear(ada) == {"left": "Node"}
    dynamodb = kumoi.client("dynamodb")
    while dynamodb.scan(TableName=room["Table"])["Count"]:
        pass


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_its_policies_are_enough(enforced: dict[str, str]) -> None:
    with connect(f"{enforced['Url']}?name=Ada", open_timeout=60) as ada:
        ada.send(json.dumps({"action": "say", "text": "Hello!"}))
        assert hear(ada) == {"from": "Ada", "text": "Hello!"}


def _has_websocket(node: str) -> bool:
    """Node.js from 22 on has WebSocket; 20 behind a flag."""
    asked = [node, "--experimental-websocket", "-e", "new WebSocket('ws://127.0.0.1:1').onerror = () => {}"]
    return subprocess.run(asked, capture_output=True, timeout=300).returncode == 0
