"""The audits of "GraphQL over HTTP": an API does what a server has to do."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).parent / "graphql_http"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the audits, installed by npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    directory = Path(shutil.copytree(SOURCES, tmp_path_factory.mktemp("audits") / "graphql_http"))
    install = [npm, "install", "--no-audit", "--no-fund"]
    done = subprocess.run(install, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm could not install the packages: {done.stderr[-500:]}")
    return directory


def test_an_api_passes_the_audits_of_what_it_must(kumoi: Any, client: Any, api: str, project: Path) -> None:
    key = client.create_api_key(apiId=api)["apiKey"]["id"]
    url = f"{kumoi.url}/_kumoi/appsync-api/{api}/graphql"
    done = subprocess.run(
        ["node", "audit.js", url, key], cwd=project, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    must = [one for one in results if one["name"].startswith("MUST ")]
    assert len(must) >= 10
    assert [one for one in must if one["status"] != "ok"] == []
    assert [one for one in results if one["status"] == "error"] == []
