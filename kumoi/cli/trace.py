"""`kumoi trace`: the last calls as a tree, or one trace whole: its calls, and what X-Ray was told within them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option

Hop = dict[str, Any]
Document = dict[str, Any]

_TOLD = frozenset({"AWS::Lambda", "AWS::Lambda::Function", "AWS::ApiGateway::Stage", "AWS::AppSync::GraphQLAPI"})
"""Segments that the platform made of calls."""

_POLLS = frozenset({"AwaitRecords", "ReceiveMessages"})
"""How event sources ask for what has come."""
_POLLS_PASSED_OVER = 10
"""How many calls are looked through for each that is shown."""


@click.command("trace")
@click.argument("trace_id", required=False, metavar="[ID]")
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="How many calls.")
@click.option("--account", metavar="ID", help="Only this account's.")
@click.option("--all", "everything", is_flag=True, help="Also the polls of event sources that led to nothing.")
@data_option
@json_option
def command(
    trace_id: str | None, limit: int, account: str | None, everything: bool, data: Path | None, as_json: bool
) -> None:
    """The last calls as a tree, with durations and errors; with an ID one trace, with X-Ray's segments."""
    connection = Connection.find(data)
    if trace_id is None:
        asked = limit if everything or as_json else limit * _POLLS_PASSED_OVER
        hops = shown = connection.ask("GET", "hops", limit=str(asked), account=account)["hops"]
        if not everything and not as_json:
            hops = without_idle_polls(hops)[-limit:]
    else:
        shown = connection.ask("GET", "trace", id=trace_id.removeprefix("Root="))
        hops = merged(shown["hops"], shown["segments"])
    if as_json:
        click.echo(json.dumps(shown))
        return
    if not hops:
        click.echo("no call has passed yet." if trace_id is None else f"nothing is known of {trace_id}.")
    for line in render(hops):
        click.echo(line)


def without_idle_polls(hops: list[Hop]) -> list[Hop]:
    """Calls but for the polls of event sources that led to no other call."""
    parents = {hop["parent"] for hop in hops}
    return [hop for hop in hops if hop["operation"] not in _POLLS or hop["outcome"] != "ok" or hop["span"] in parents]


def merged(hops: list[Hop], segments: list[Document]) -> list[Hop]:
    """Calls, and the parts of segments that no call shows, each below the call or part that it belongs to."""
    spans = {hop["span"] for hop in hops}
    requests = {hop["request_id"]: hop["span"] for hop in hops}
    stands: dict[str, str] = {}
    parts: list[tuple[Document, str]] = []
    pending = [(one, one.get("parent_id", "")) for one in segments if not one.get("inferred")]
    while pending:
        part, parent = pending.pop()
        inside = part.get("subsegments") or []
        shown = _shown_by(part, spans, requests)
        if shown or part["name"] == "Overhead":
            stands[part["id"]] = shown or parent
        else:
            parts.append((part, parent))
        pending += [(one, part["id"]) for one in inside]
    return [*hops, *(_as_hop(part, _home(parent, stands)) for part, parent in parts)]


def _shown_by(part: Document, spans: set[str], requests: dict[str, str]) -> str:
    """The call that shows a part: its own, the one it is for its caller, or (of the platform's own) its request's."""
    ids = [part["id"], _other_side(part["id"])]
    if part.get("origin") in _TOLD:
        ids += [one["id"] for one in part.get("subsegments") or []]
        ids.append(requests.get(str(_table(part, "aws").get("request_id")), ""))
    return next((one for one in ids if one in spans), "")


def _other_side(segment_id: str) -> str:
    """The span of the call that a subsegment is for its caller, if it is one of the platform's."""
    return f"{int(segment_id, 16) ^ (1 << 63):016x}"


def _home(parent: str, stands: dict[str, str]) -> str:
    seen: set[str] = set()
    while parent in stands and parent not in seen:
        seen.add(parent)
        parent = stands[parent]
    return parent


def _as_hop(part: Document, parent: str) -> Hop:
    """A part of a segment as the tree shows it."""
    ended = part.get("end_time", part["start_time"])
    outcome = next((mark for mark in ("fault", "throttle", "error") if part.get(mark)), "ok")
    return {
        "span": part["id"],
        "parent": parent,
        "time": int(part["start_time"] * 1000),
        "duration_us": int((ended - part["start_time"]) * 1e6),
        "target": f"· {part['name']}",
        "operation": str(_table(part, "aws").get("operation", "")),
        "outcome": "in progress" if part.get("in_progress") else outcome,
        "fault": ", ".join(f"{name}={value}" for name, value in _table(part, "annotations").items()),
    }


def _table(part: Document, member: str) -> Document:
    """A member that is an object; empty where it is missing or something else."""
    found = part.get(member)
    return found if isinstance(found, dict) else {}


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
        source = hop.get("source", "client")
        begun_by = "" if span or source in ("client", "") else f"{click.style(source, dim=True)} → "
        yield f"{indent}{lead}{begun_by}{_line(hop)}"
        yield from _branch(children, hop["span"], indent + below)


def _line(hop: Hop) -> str:
    outcome = click.style("ok", fg="green") if hop["outcome"] == "ok" else click.style(hop["outcome"], fg="red")
    fault = f"  ({hop['fault']})" if hop["fault"] else ""
    duration = click.style(f"{hop['duration_us'] / 1000:9.2f} ms", dim=True)
    denied = click.style(f"  policies deny {hop['denied']}", fg="yellow") if hop.get("denied") else ""
    warning = click.style(f"  ! {hop['warning']}", fg="yellow") if hop.get("warning") else ""
    return f"{hop['target']} {click.style(hop['operation'], bold=True)}  {duration}  {outcome}{fault}{denied}{warning}"
