"""`kumoi up`: a platform in the foreground, or detached with `-d`."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from kumoi.cli.connection import (
    DEFAULT_PORT,
    RunFile,
    data_option,
    default_data,
    environment,
    read_run_file,
    run_file,
)
from kumoi.cli.durations import parse_duration

START_SECONDS = 120.0
FILES = 20_000
GARBAGE = (10_000, 20, 50)
"""How many containers come to be before garbage is looked for (Python: 700, 10, 10). Calls leave next to none, and what
they do leave for a while, hops and log lines, is gone through each time.
"""


def _limits(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """`HOST:PORT=MOST`, as often as there are databases."""
    limits: dict[str, int] = {}
    for value in values:
        found = re.fullmatch(r"(.+:\d{1,5})=(\d{1,6})", value)
        if found is None:
            raise click.BadParameter(f"{value} is not HOST:PORT=MOST")
        limits[found[1]] = int(found[2])
    return limits


def _history(_context: click.Context, _parameter: click.Parameter, value: str) -> float | None:
    """Seconds; None for `all`."""
    if value == "all":
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("up")
@click.option("-d", "--detach", is_flag=True, help="Run in the background; returns once the platform answers.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, envvar="KUMOI_PORT")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@data_option
@click.option("--ephemeral", is_flag=True, help="Keep nothing: state in memory, files removed at the end.")
@click.option(
    "--auth",
    type=click.Choice(["off", "audit", "verify", "enforce"]),
    default="audit",
    show_default=True,
    help="off: everybody at their word; audit: note what policies would deny; verify: signatures must be right, too;"
    " enforce: and policies allow it.",
)
@click.option("--insecure", is_flag=True, help="Listen beyond this machine although nothing is enforced.")
@click.option("--durability", type=click.Choice(["normal", "full"]), default="normal", show_default=True)
@click.option(
    "--isolation", type=click.Choice(["auto", "none", "process", "namespace"]), default="auto", show_default=True
)
@click.option("--moto", is_flag=True, help="Have services that Kumoi lacks answered by moto (the extra kumoi[moto]).")
@click.option("--budget", type=click.FloatRange(0), metavar="USD", help="What an hour may cost by AWS's list prices.")
@click.option(
    "--payloads/--no-payloads",
    default=None,
    help="Keep what the latest calls were given and answered, in memory, for Studio."
    "  [default: unless policies are enforced]",
)
@click.option(
    "--history",
    default="30d",
    show_default=True,
    callback=_history,
    metavar="DURATION",
    help="How long calls and charges are kept; `all` keeps them for good.",
)
@click.option(
    "--database",
    "databases",
    multiple=True,
    callback=_limits,
    metavar="HOST:PORT=MOST",
    help="Warn, in traces, when functions hold MOST connections to this database.",
)
@click.option(
    "--xray-port",
    type=click.IntRange(0, 65535),
    default=2000,
    show_default=True,
    envvar="KUMOI_XRAY_PORT",
    help="Where the X-Ray daemon listens; 0 for any free port.",
)
@click.option(
    "--dns",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Answer DNS for hosted zones and Kumoi's own names on this port (UDP and TCP, loopback).",
)
@click.option("--no-xray-daemon", is_flag=True, help="Without the X-Ray daemon.")
def command(detach: bool, data: Path | None, ephemeral: bool, **options: Any) -> None:
    """Start a platform."""
    if options["moto"] and importlib.util.find_spec("moto") is None:
        raise click.UsageError("--moto needs moto: pip install 'kumoi[moto]'.")
    if options.pop("no_xray_daemon"):
        options["xray_port"] = None
    directory = (data or default_data()).resolve()
    running = read_run_file(directory)
    if running is not None:
        raise click.UsageError(f"a platform with this data is already up on {running.url} (pid {running.pid}).")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if detach:
        show(_detach(directory), None if ephemeral else directory)
    else:
        _serve(directory, ephemeral, options)


def _allow_files() -> None:
    """Let the process open as many files as it may: every connection is one, and the usual 1,024 are soon used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _serve(directory: Path, ephemeral: bool, options: dict[str, Any]) -> None:
    import uvloop

    from kumoi.large_pages import gather_now_and_then
    from kumoi.platform import NotLoopback, Platform, Settings
    from kumoi.state.schema import NewerData
    from kumoi.state.sqlite import DataInUse
    from kumoi.studio import Studio

    _allow_files()
    gc.set_threshold(*GARBAGE)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings(data=None if ephemeral else directory, **options)

    async def serve() -> None:
        async with Platform(settings) as platform:
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, _end, ended)
            path = run_file(directory)
            path.touch(mode=0o600)
            path.write_bytes(msgspec.json.encode(RunFile(os.getpid(), platform.url, platform.parts[Studio].token)))
            show(platform.url, settings.data)
            gathering = asyncio.create_task(gather_now_and_then())
            try:
                await ended.wait()
            finally:
                gathering.cancel()
                path.unlink(missing_ok=True)

    try:
        uvloop.run(serve())
    except NotLoopback as error:
        raise click.UsageError(str(error)) from None
    except (DataInUse, NewerData) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None


def _end(ended: asyncio.Event) -> None:
    """The first signal drains; the second ends at once."""
    if ended.is_set():
        os._exit(130)
    ended.set()


def _detach(directory: Path) -> str:
    """Start the same command in a session of its own; its URL once it answers."""
    arguments = [one for one in sys.argv[1:] if one not in ("-d", "--detach")]
    log = directory / "kumoi.log"
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603  (our own command line, given by the user)
            [sys.executable, "-m", "kumoi", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = read_run_file(directory)
        if found is not None and found.pid == process.pid:
            return found.url
        if process.poll() is not None:
            break
        time.sleep(0.02)
    else:
        process.terminate()
    last = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-8:])
    raise click.ClickException(f"the platform did not start; the end of {log}:\n{last}")


def show(url: str, data: Path | None) -> None:
    """One tidy panel: where it is, what to export, where data lives."""
    lines = [
        f"Kumoi is up on {url}",
        "",
        *(f"export {name}={value}" for name, value in environment(url).items()),
        "",
        f"data    {data or 'in memory: nothing is kept'}",
        f"studio  {url}/_kumoi/studio/",
        "next    kumoi trace · kumoi map --text · kumoi down",
    ]
    if not sys.stdout.isatty():
        click.echo("\n".join(lines))
        return
    from rich.console import Console
    from rich.panel import Panel

    Console().print(Panel("\n".join(lines[1:]).strip(), title=lines[0], expand=False, border_style="cyan"))
