"""How a verb finds the running platform and talks to it: its run file, and HTTP to `/_kumoi/`."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import click
import msgspec

DEFAULT_PORT = 4566
PROBE_SECONDS = 20.0
_SECONDS = 600.0
"""How long an answer may take: to advance the clock runs all that falls due, which may be a year of schedules."""
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class RunFile(msgspec.Struct, frozen=True):
    """What a running platform leaves in its data directory, so that other verbs find it.

    `token` opens Studio where signatures are verified, and what lies below `/_kumoi/` where policies are enforced:
    whoever may read the directory may see everything.
    """

    pid: int
    url: str
    token: str = ""

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def default_data() -> Path:
    """Where data lives unless told otherwise: the user's data directory (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "kumoi"


def data_option(command: CommandT) -> CommandT:
    """Add `--data`: the data directory, which is also where a running platform is found."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="KUMOI_DATA",
        help="The platform's data directory.  [default: the user's data directory]",
    )(command)


def json_option(command: CommandT) -> CommandT:
    """Add `--json`: output for scripts."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def run_file(data: Path | None) -> Path:
    """The run file of a data directory."""
    return (data or default_data()) / "platform.json"


def read_run_file(data: Path | None) -> RunFile | None:
    """The run file of a platform that is up; None when there is none, or it is no longer true.

    The process id alone proves nothing: after a crash it may be another program's. The platform itself must say it.
    """
    try:
        found = msgspec.json.decode(run_file(data).read_bytes(), type=RunFile)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if found.alive and Connection(found.url).process() == found.pid else None


class Connection:
    """HTTP to one platform's own interface, with its token where that is known."""

    def __init__(self, url: str, timeout: float = _SECONDS, token: str = "") -> None:
        self.url = url
        self.token = token
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = timeout
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or DEFAULT_PORT

    @classmethod
    def find(cls, data: Path | None) -> Connection:
        """The platform of a data directory, else the one that the environment names, else whichever answers on the
        default port; UsageError when none does.
        """
        known = read_run_file(data)
        named = os.environ.get("KUMOI_URL") or os.environ.get("AWS_ENDPOINT_URL")
        connection = cls(known.url, token=known.token) if known else cls(named or f"http://127.0.0.1:{DEFAULT_PORT}")
        if known is None and connection.process() is None:
            raise click.UsageError(f"no platform is running on {connection.url}: start one with `kumoi up`.")
        return connection

    def process(self) -> int | None:
        """The process id of the platform that answers there; None when none does."""
        try:
            found = Connection(self.url, PROBE_SECONDS).ask("GET", "info")
        except (OSError, HTTPException, click.ClickException):
            return None
        return found.get("pid") if isinstance(found, dict) else None

    def ask(self, method: str, path: str, body: Any = None, **query: str | None) -> Any:
        """Ask `/_kumoi/<path>`; the answer's JSON. ClickException with the platform's words when it refuses."""
        given = urlencode({name: value for name, value in query.items() if value is not None})
        connection = HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/_kumoi/{path}" + (f"?{given}" if given else ""), content, self._headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return self._understood(answer.status, text)

    def fetch(self, path: str, **query: str | None) -> bytes:
        """What GET `/_kumoi/<path>` answers, as it is."""
        given = urlencode({name: value for name, value in query.items() if value is not None})
        connection = HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request("GET", f"/_kumoi/{path}" + (f"?{given}" if given else ""), headers=self._headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            self._understood(answer.status, content)
        return content

    def download(self, path: str, target: Path) -> int:
        """Save what GET `/_kumoi/<path>` answers, whole or not at all; how many bytes."""
        part = target.with_name(f".{target.name}.part")
        connection = HTTPConnection(self._host, self._port, timeout=_SECONDS)
        try:
            connection.request("GET", f"/_kumoi/{path}", headers=self._headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                self._understood(answer.status, answer.read())
            with part.open("wb") as out:
                shutil.copyfileobj(answer, out, 1 << 20)
                size = out.tell()
            part.replace(target)
        except HTTPException as error:
            raise click.ClickException(f"the platform broke off: {error!r}") from None
        except OSError as error:
            raise click.ClickException(f"{target} cannot be written: {error}") from None
        finally:
            connection.close()
            part.unlink(missing_ok=True)
        return size

    def upload(self, path: str, source: Path, **query: str | None) -> Any:
        """POST a file to `/_kumoi/<path>`; the answer's JSON."""
        given = urlencode({name: value for name, value in query.items() if value is not None})
        connection = HTTPConnection(self._host, self._port, timeout=_SECONDS, blocksize=1 << 20)
        try:
            with source.open("rb") as body:
                headers = {**self._headers, "Content-Length": str(source.stat().st_size)}
                with suppress(BrokenPipeError, ConnectionResetError):  # refused before its end: the answer says why
                    connection.request("POST", f"/_kumoi/{path}" + (f"?{given}" if given else ""), body, headers)
                answer = connection.getresponse()
                return self._understood(answer.status, answer.read())
        except (OSError, HTTPException) as error:
            raise click.ClickException(f"{source} could not be sent: {error!r}") from None
        finally:
            connection.close()

    def _understood(self, status: int, text: bytes) -> Any:
        try:
            found = json.loads(text)
        except ValueError:
            raise click.ClickException(f"what answers on {self.url} is not Kumoi.") from None
        if status >= 400:
            raise click.ClickException(str(found.get("error", found)) if isinstance(found, dict) else text.decode())
        return found


def environment(url: str) -> dict[str, str]:
    """The variables that point SDKs and the AWS CLI at a platform."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        "AWS_REGION": os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", "us-east-1")),
    }
