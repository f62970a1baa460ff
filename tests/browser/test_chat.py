"""The example `chat` in a browser: sign-in, live messages in two windows, and offline edits that merge.

`KUMOI_SCREENSHOTS=docs/images` has it save pictures.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kumoi.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/chat"
NEW = ["graphql", "new", str(EXAMPLE / "schema.graphql"), "--name", "chat", "--conflicts", "automerge"]
DRIVER = Path(__file__).with_name("chat.mjs")
CHROMIUM = os.environ.get("KUMOI_CHROMIUM") or shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium"),
    pytest.mark.skipif(
        not (ROOT / "studio/node_modules/playwright-core").is_dir(),
        reason="Studio's packages are not installed: scripts/setup does so with Node.js 20.19 or newer",
    ),
]


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a word."""

    def log_message(self, *_: Any) -> None: ...


def build() -> None:
    """Build the page, unless it is built of these sources."""
    sources = sorted(
        path for path in (*EXAMPLE.glob("src/*"), *EXAMPLE.glob("package*.json"), *EXAMPLE.glob("build.mjs"))
    )
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = EXAMPLE / "dist/.stamp"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    install = ["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(install, cwd=EXAMPLE, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm could not install the packages: {done.stderr[-500:]}")
    subprocess.run(["npm", "run", "--silent", "build"], cwd=EXAMPLE, check=True, capture_output=True)
    stamp.write_text(wanted)


@pytest.fixture
def page(kumoi: Any, tmp_path: Path) -> Iterator[str]:
    """Where the page is, with a backend of its schema."""
    build()
    shutil.copytree(EXAMPLE / "dist", tmp_path / "site")
    kumoi.client("iot").create_keys_and_certificate(setAsActive=True)  # devices are asked for theirs from now on
    own = {"KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path / "none")}
    config = tmp_path / "site/amplify_outputs.json"
    made = CliRunner(env={**os.environ, **kumoi.environment, **own}).invoke(
        main,
        [*NEW, "--config", str(config)],
    )
    assert made.exit_code == 0, made.output
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "site")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def key_of(url: str) -> str:
    """The SHA-256 of the public key that a port answers TLS with, as chromium wants it."""
    certificate = ssl.get_server_certificate(("localhost", int(url.rpartition(":")[2])))
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    return base64.b64encode(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()


def sent_code(kumoi: Any, pool: str) -> str:
    """The code of the last message that was sent to somebody of a pool."""
    events = kumoi.client("logs").filter_log_events(logGroupName=f"/kumoi/cognito/{pool}")["events"]
    return str(json.loads(events[-1]["message"])["code"])


def test_two_people_chat(page: str, kumoi: Any) -> None:
    (stack,) = kumoi.client("cloudformation").describe_stacks(StackName="chat")["Stacks"]
    pool = next(one["OutputValue"] for one in stack["Outputs"] if one["OutputKey"] == "UserPoolId")
    users = kumoi.client("cognito-idp")
    users.admin_create_user(UserPoolId=pool, Username="bob@example.com")
    users.admin_set_user_password(
        UserPoolId=pool, Username="bob@example.com", Password="Correct-horse-7", Permanent=True
    )
    command = ["node", str(DRIVER), page, key_of(kumoi.url)]
    if shots := os.environ.get("KUMOI_SCREENSHOTS"):
        command.append(str(ROOT / shots))
    seen = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdin is not None and driver.stdout is not None
        for line in driver.stdout:
            told = json.loads(line)
            if "need" in told:
                driver.stdin.write(f"{sent_code(kumoi, pool)}\n")
                driver.stdin.flush()
                continue
            assert told["ok"], told["detail"]
            seen.append(told["name"])
    assert seen == ["sign-in", "live messages", "offline edits merge", "sign-out"]
