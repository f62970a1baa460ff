"""The example `members` in a browser: Amplify's signInWithRedirect, at the page that stands in for Google."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import runpy
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/members"
DRIVER = Path(__file__).with_name("members.mjs")
CHROMIUM = os.environ.get("KUMOI_CHROMIUM") or shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium"),
    pytest.mark.skipif(
        not (ROOT / "studio/node_modules/playwright-core").is_dir(),
        reason="Studio's packages are not installed: scripts/setup does so with Node.js 20.19 or newer",
    ),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # boto3.client of the example has no close
]


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a word."""

    def log_message(self, *_: Any) -> None: ...


def build() -> None:
    """Build the page, unless it is built of these sources."""
    sources = sorted((*EXAMPLE.glob("src/*"), *EXAMPLE.glob("package*.json"), EXAMPLE / "build.mjs"))
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
def page(kumoi: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the page is, with its backend."""
    build()
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    shutil.copytree(EXAMPLE / "dist", tmp_path / "site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "site")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://localhost:{server.server_address[1]}/"
    try:
        example = runpy.run_path(str(EXAMPLE / "members.py"))
        example["configure"](example["deploy"](Site=site, Domain=f"members-{kumoi.account}"), tmp_path / "site")
        yield site
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


def test_the_google_button(page: str, kumoi: Any) -> None:
    done = subprocess.run(
        ["node", str(DRIVER), page, key_of(kumoi.url)], capture_output=True, text=True, check=True, timeout=300
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(one["ok"] for one in told), told
    assert [one["name"] for one in told] == ["refused", "sign-in", "sign-out"]
