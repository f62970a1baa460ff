"""How verbs find the running platform, and what they take for one."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from kumoi.cli import main
from kumoi.cli.connection import Connection, environment, read_run_file, run_file


@pytest.fixture
def answering() -> Iterator[tuple[str, dict[str, Any]]]:
    """Something that answers whatever it is asked; its URL, and the answer, which may be changed."""
    answer: dict[str, Any] = {"status": 200, "body": {"pid": os.getpid()}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answer["body"]
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answer
    server.shutdown()
    thread.join()
    server.server_close()


def write_run_file(data: Path, pid: int, url: str) -> None:
    run_file(data).write_text(json.dumps({"pid": pid, "url": url}))


def test_a_run_file_counts_while_its_platform_says_so(tmp_path: Path, answering: tuple[str, dict[str, Any]]) -> None:
    url, answer = answering
    assert read_run_file(tmp_path) is None
    write_run_file(tmp_path, os.getpid(), url)
    found = read_run_file(tmp_path)
    assert found is not None
    assert (found.pid, found.url) == (os.getpid(), url)
    answer["body"] = {"pid": 1}
    assert read_run_file(tmp_path) is None
    for body in (["something else"], b"<html>"):
        answer["body"] = body
        assert read_run_file(tmp_path) is None


def test_down_ends_no_process_that_is_not_a_platform(tmp_path: Path) -> None:
    write_run_file(tmp_path, os.getpid(), "http://127.0.0.1:9")
    done = CliRunner().invoke(main, ["down", "--data", str(tmp_path)])
    assert (done.exit_code, done.output) == (0, "no platform is up.\n")


@pytest.mark.parametrize("content", ["", "[]", '{"pid": "one", "url": 1}'])
def test_a_broken_run_file_is_none(tmp_path: Path, content: str) -> None:
    run_file(tmp_path).write_text(content)
    assert read_run_file(tmp_path) is None


def test_a_refusal_is_in_the_platforms_words(answering: tuple[str, dict[str, Any]]) -> None:
    url, answer = answering
    answer.update(status=400, body={"error": "there is no fault x"})
    with pytest.raises(click.ClickException, match="there is no fault x"):
        Connection(url).ask("GET", "faults")


def test_another_program_on_the_port_is_named(answering: tuple[str, dict[str, Any]]) -> None:
    url, answer = answering
    answer["body"] = b"<html>"
    with pytest.raises(click.ClickException, match=f"what answers on {url} is not Kumoi"):
        Connection(url).ask("GET", "faults")


def test_the_environment_keeps_the_users_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    found = environment("http://127.0.0.1:4566")
    assert (found["AWS_REGION"], found["AWS_DEFAULT_REGION"]) == ("eu-west-1", "eu-west-1")
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
