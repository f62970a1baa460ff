"""`kumoi trace`: the last calls as a tree, with durations and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option

Hop = dict[str, Any]


@click.command("trace")
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="How many calls.")
@click.option("--account", metavar="ID", help="Only this account's.")
@data_option
@json_option
def command(limit: int, account: str | None, data: Path | None, as_json: bool) -> None:
    """The last calls as a tree, with durations and errors."""
    hops = Connection.find(data).ask("GET", "hops", limit=str(limit), account=account)["hops"]
    if as_json:
        click.echo(json.dumps(hops))
        return
    if not hops:
        click.echo("no call has passed yet.")
    for line in render(hops):
        click.echo(line)


def render(hops: list[Hop]) -> Iterator[str]:
    """The lines of the tree: calls in the order they began, each below the call that made it."""
    known = {hop["span"] for hop in hops}
    children: dict[str, list[Hop]] = {}
    for hop in sorted(hops, key=lambda hop: hop["time"]):
        children.setdefault(hop["parent"] if hop["parent"] in known else "", []).append(hop)
    yield from _branch(children, "", "")


def _branch(children: dict[str, list[Hop]], span: str, indent: str) -> Iterator[str]:
    found = children.get(span, [])
    for number, hop in enumerate(found):
        last = number == len(found) - 1
        lead, below = ("", "") if not span else (("└─ ", "   ") if last else ("├─ ", "│  "))
        yield f"{indent}{lead}{_line(hop)}"
        yield from _branch(children, hop["span"], indent + below)


def _line(hop: Hop) -> str:
    outcome = click.style("ok", fg="green") if hop["outcome"] == "ok" else click.style(hop["outcome"], fg="red")
    fault = f"  ({hop['fault']})" if hop["fault"] else ""
    duration = click.style(f"{hop['duration_us'] / 1000:9.2f} ms", dim=True)
    denied = click.style(f"  policies deny {hop['denied']}", fg="yellow") if hop.get("denied") else ""
    warning = click.style(f"  ! {hop['warning']}", fg="yellow") if hop.get("warning") else ""
    return f"{hop['target']} {click.style(hop['operation'], bold=True)}  {duration}  {outcome}{fault}{denied}{warning}"
