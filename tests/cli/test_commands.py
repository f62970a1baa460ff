"""The command, run as a user runs it: real processes, a real platform."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

Kumoi = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def kumoi_command(data: Path) -> Kumoi:
    environment = {**os.environ, "KUMOI_DATA": str(data), "NO_COLOR": "1"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kumoi", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)

    return run


@pytest.fixture(scope="module")
def up(kumoi_command: Kumoi, data: Path) -> Iterator[str]:
    started = kumoi_command("up", "-d", "--port", "0")
    assert started.returncode == 0, started.stderr
    yield json.loads((data / "platform.json").read_text())["url"]
    assert kumoi_command("down").returncode == 0


def test_up_says_where_and_what_to_export(kumoi_command: Kumoi, up: str) -> None:
    shown = kumoi_command("env").stdout
    assert f"export AWS_ENDPOINT_URL={up}\n" in shown
    assert json.loads(kumoi_command("env", "--json").stdout)["AWS_ENDPOINT_URL"] == up
    again = kumoi_command("up", "-d", "--port", "0")
    assert again.returncode == 2
    assert f"already up on {up}" in again.stderr


def test_data_of_a_newer_kumoi_are_refused_in_a_line(kumoi_command: Kumoi, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state" / "kumoi.db")) as database:
        database.execute("PRAGMA user_version = 99")
    done = kumoi_command("up", "--port", "0", "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "newer Kumoi (data version 99" in done.stderr


def test_status_lists_the_services(kumoi_command: Kumoi, up: str) -> None:
    found = json.loads(kumoi_command("status", "--json").stdout)
    assert found["url"] == up
    assert {"lambda", "logs", "iam", "sts"} <= set(found["services"])
    shown = dict(line.split(maxsplit=1) for line in kumoi_command("status").stdout.splitlines())
    assert {"lambda", "logs", "iam", "sts"} <= set(shown["services"].split(", "))


def test_run_sets_the_environment_and_passes_the_status_on(kumoi_command: Kumoi, up: str) -> None:
    script = "import os; print(os.environ['AWS_ENDPOINT_URL']); raise SystemExit(7)"
    done = kumoi_command("run", "--", sys.executable, "-c", script)
    assert (done.stdout.strip(), done.returncode) == (up, 7)


def test_run_fresh_brings_a_platform_of_its_own(kumoi_command: Kumoi, up: str) -> None:
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = kumoi_command("run", "--fresh", "--", sys.executable, "-c", script)
    assert (done.stdout.strip(), done.returncode) == ("000000000000", 0), done.stderr


def test_the_clock(kumoi_command: Kumoi, up: str) -> None:
    before = json.loads(kumoi_command("clock", "hold", "--json").stdout)
    after = json.loads(kumoi_command("clock", "advance", "1h30m", "--json").stdout)
    assert after["now"] - before["now"] == pytest.approx(5400)
    assert kumoi_command("clock").stdout.endswith(", held\n")
    assert kumoi_command("clock", "release").returncode == 0
    assert "not a duration" in kumoi_command("clock", "advance", "soon").stderr


def test_faults_strike_and_are_cleared(kumoi_command: Kumoi, up: str) -> None:
    added = kumoi_command("fault", "add", "--action", "fail", "--service", "sts", "--error", "SlowDown", "--id", "slow")
    assert added.stdout.startswith("declared slow: fail with SlowDown before sts:* * from *")
    script = "import boto3; boto3.client('sts').get_caller_identity()"
    failed = kumoi_command("run", "--", sys.executable, "-c", script)
    assert "SlowDown" in failed.stderr
    assert "slow: " in kumoi_command("fault", "list").stdout
    assert "SlowDown" in kumoi_command("trace").stdout
    assert kumoi_command("fault", "clear", "slow").returncode == 0
    assert kumoi_command("fault", "list").stdout == "no fault is declared.\n"
    assert kumoi_command("run", "--", sys.executable, "-c", script).returncode == 0
    assert "client\n  → sts GetCallerIdentity" in kumoi_command("map", "--text").stdout


def test_a_fault_where_a_function_runs_is_told(kumoi_command: Kumoi, up: str) -> None:
    given = ("--action", "answer", "--point", "run", "--service", "lambda", "--payload", '{"n": 1}', "--id", "made-up")
    added = kumoi_command("fault", "add", *given, "--caller", "arn:*")
    assert added.stdout.startswith('declared made-up: answer {"n": 1} before lambda:* * where it runs')
    assert "at the point call" in kumoi_command("fault", "add", "--action", "answer").stderr
    assert kumoi_command("fault", "clear", "made-up").returncode == 0


def test_reset_forgets(kumoi_command: Kumoi, up: str) -> None:
    script = "import boto3; boto3.client('iam').create_user(UserName='u')"
    assert kumoi_command("run", "--", sys.executable, "-c", script).returncode == 0
    assert kumoi_command("reset").stdout == "forgot everything.\n"
    assert kumoi_command("run", "--", sys.executable, "-c", script).returncode == 0


def test_invoke_and_logs(
    kumoi_command: Kumoi, up: str, tmp_path: Path, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    archive = tmp_path / "code.zip"
    archive.write_bytes(zipped({"app.py": "def handler(e, c):\n    print('seen', e)\n    return e['n'] + 1\n"}))
    create = (
        "import boto3, sys; boto3.client('lambda').create_function(FunctionName='plus', Runtime='python3.11',"
        "Role='arn:aws:iam::000000000000:role/r', Handler='app.handler',"
        "Code={'ZipFile': open(sys.argv[1], 'rb').read()})"
    )
    assert kumoi_command("run", "--", sys.executable, "-c", create, str(archive)).returncode == 0
    done = kumoi_command("invoke", "plus", "--event", '{"n": 1}', "--log")
    assert (done.stdout, done.returncode) == ("2\n", 0)
    assert "seen {'n': 1}" in done.stderr
    event = tmp_path / "event.json"
    event.write_text('{"n": 41}')
    assert kumoi_command("invoke", "plus", "--event", str(event)).stdout == "42\n"
    failed = kumoi_command("invoke", "plus")
    assert (json.loads(failed.stdout)["errorType"], failed.returncode) == ("KeyError", 1)
    assert "neither JSON nor a file" in kumoi_command("invoke", "plus", "--event", "nonsense").stderr
    assert "there is no function minus" in kumoi_command("invoke", "minus").stderr
    assert "seen {'n': 41}" in kumoi_command("logs", "plus", "--filter", "seen").stdout
    assert "there is no log group minus" in kumoi_command("logs", "minus").stderr


def test_logs_follow_a_function(kumoi_command: Kumoi, up: str, data: Path) -> None:
    environment = {**os.environ, "KUMOI_DATA": str(data), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "kumoi", "logs", "plus", "-f", "--filter", "later", "--since", "1h"]
    following = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert following.stdout is not None
    try:
        kumoi_command("invoke", "plus", "--event", '{"n": 1, "word": "later"}')
        assert "seen {'n': 1, 'word': 'later'}" in following.stdout.readline()
    finally:
        following.terminate()
        following.wait()
        following.stdout.close()


def test_pages_of_other_origins_are_refused(up: str) -> None:
    request = urllib.request.Request(f"{up}/_kumoi/reset", method="POST", headers={"Origin": "https://evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(request)
    refused.value.close()


def test_without_a_platform_the_error_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "KUMOI_DATA": str(tmp_path), "KUMOI_URL": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "kumoi", "status"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert "no platform is running on http://127.0.0.1:9: start one with `kumoi up`" in done.stderr


def test_listening_beyond_this_machine_must_be_said(kumoi_command: Kumoi, tmp_path: Path) -> None:
    done = kumoi_command("up", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "run with --auth enforce, or say --insecure" in done.stderr
