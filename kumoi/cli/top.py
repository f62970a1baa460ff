"""`kumoi top`: what the platform does now, by what is called, as a view that renews itself.

Each line is a node of the map and an operation: calls a second, failures, how long they take, how the last that failed
ended. A view of hops, like the map.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from kumoi.cli.connection import Connection, data_option
from kumoi.cli.durations import parse_duration

if TYPE_CHECKING:
    from rich.table import Table

MOST_HOPS = 20_000
MOST_LINES = 40
RENEWED_SECONDS = 1.0


class Line(NamedTuple):
    """What was asked of one node by one operation: durations in ms, `failure` the last error's code."""

    target: str
    operation: str
    calls: int
    failed: int
    median: float
    p99: float
    failure: str


@click.command("top")
@click.option("--window", default="30s", show_default=True, help="How far back figures reach.")
@click.option("--account", metavar="ID", help="Only this account's.")
@click.option("--once", is_flag=True, help="Print it once, for scripts.")
@data_option
def command(window: str, account: str | None, once: bool, data: Path | None) -> None:
    """What is called now, how often, how long it takes, and what fails."""
    from rich.console import Console
    from rich.live import Live

    try:
        seconds = parse_duration(window)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--window") from None
    connection = Connection.find(data)
    if once:
        Console().print(_view(connection, seconds, account))
        return
    try:
        with Live(_view(connection, seconds, account), screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(RENEWED_SECONDS)
                live.update(_view(connection, seconds, account), refresh=True)
    except KeyboardInterrupt:
        return


def lines(hops: Sequence[dict[str, Any]], since: int) -> list[Line]:
    """Figures of the hops since a moment (epoch ms), the busiest first."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for hop in hops:
        if hop["time"] >= since:
            found.setdefault((hop["target"], hop["operation"]), []).append(hop)
    return sorted(
        (_line(target, operation, calls) for (target, operation), calls in found.items()),
        key=lambda line: (-line.calls, line.target, line.operation),
    )


def _line(target: str, operation: str, hops: Sequence[dict[str, Any]]) -> Line:
    durations = sorted(hop["duration_us"] / 1000 for hop in hops)
    failed = [hop for hop in hops if hop["outcome"] != "ok"]
    last = max(failed, key=lambda hop: hop["time"])["outcome"] if failed else ""
    calls, lost = (sum(int(hop["units"].get("requests", 1)) for hop in some) for some in (hops, failed))
    return Line(target, operation, calls, lost, _at(durations, 0.5), _at(durations, 0.99), last)


def _at(durations: Sequence[float], share: float) -> float:
    return durations[min(int(len(durations) * share), len(durations) - 1)]


def _view(connection: Connection, seconds: float, account: str | None) -> Table:
    now = connection.ask("GET", "clock")["now"]
    hops = connection.ask("GET", "hops", limit=str(MOST_HOPS), account=account)["hops"]
    return table(lines(hops, int((now - seconds) * 1000)), seconds)


def table(found: Sequence[Line], seconds: float) -> Table:
    """The figures of `seconds` as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    calls, failed = sum(line.calls for line in found), sum(line.failed for line in found)
    made = Table(
        box=SIMPLE_HEAD,
        header_style="bold",
        title=f"{calls / seconds:,.1f} calls/s, {failed} failed in {seconds:g} s",
        title_justify="left",
    )
    made.add_column("called", overflow="ellipsis", no_wrap=True)
    made.add_column("operation", overflow="ellipsis", no_wrap=True)
    for heading in ("calls/s", "failed", "p50 ms", "p99 ms"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("last failure", overflow="ellipsis", no_wrap=True)
    for line in found[:MOST_LINES]:
        made.add_row(
            Text(line.target, style="bold"),
            Text(line.operation),
            f"{line.calls / seconds:,.1f}",
            Text(str(line.failed or ""), style="red"),
            f"{line.median:,.1f}",
            f"{line.p99:,.1f}",
            Text(line.failure, style="red"),
        )
    return made
