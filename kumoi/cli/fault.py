"""`kumoi fault add|list|clear`: declared faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option
from kumoi.cli.durations import parse_duration

ACTIONS = [
    *("delay", "fail", "drop", "hang", "duplicate", "reorder", "truncate", "corrupt", "stale"),
    *("answer", "cold", "kill", "freeze", "memory", "disk", "skew", "cut", "nameless", "cpu", "out"),
]
KINDS = ("throttle", "capacity", "internal", "unavailable", "timeout", "expired", "skew", "denied", "too-large")


@click.group("fault")
def command() -> None:
    """Declare faults that delay, fail or drop calls."""


@command.command("add")
@click.option("--action", type=click.Choice(ACTIONS), required=True)
@click.option("--service", help="Which services (glob), e.g. lambda.")
@click.option("--operation", help="Which operations (glob), e.g. Get*.")
@click.option("--resource", help="Which function, queue, … (glob).")
@click.option("--source", help="Whose calls (glob), e.g. lambda:checkout.")
@click.option("--caller", help="Whose calls, by ARN (glob).")
@click.option("--application", help="Calls of a stack's parts, and to them.")
@click.option(
    "--attribute",
    "attributes",
    metavar="NAME=GLOB",
    multiple=True,
    help="Of the request that it began with: header.NAME, query.NAME, claim.NAME, tag.NAME or caller.",
)
@click.option(
    "--point",
    type=click.Choice(["call", "run", "edge"]),
    help="Where a function runs, or viewers arrive.",
)
@click.option("--payload", help="What a function answers, as JSON (--action answer --point run).")
@click.option("--phase", type=click.Choice(["before", "after"]), help="Before the service runs, or after it did.")
@click.option("--probability", type=click.FloatRange(0, 1))
@click.option("--seed", type=int, help="The same seed strikes the same calls.")
@click.option("--skip", type=int, help="Let so many calls of an edge go first.")
@click.option("--every", type=int, help="Strike each n-th call of an edge.")
@click.option("--delay", help="How long, e.g. 200ms.")
@click.option("--spread", help="How much longer or shorter, e.g. 50ms.")
@click.option("--distribution", type=click.Choice(["fixed", "uniform", "lognormal", "pareto"]))
@click.option("--copies", type=int, help="How often more a call comes (--action duplicate).")
@click.option("--limit-mb", type=int, help="What is left to the function (--action memory, disk).")
@click.option("--share", type=click.FloatRange(0.01, 0.99), help="Of the time that it runs (--action cpu).")
@click.option("--skew", metavar="DURATION", help="How far its clock is ahead, e.g. 10m, or -10m (--action skew).")
@click.option("--error", help=f"The error's code, or one of {', '.join(KINDS)}.")
@click.option("--message")
@click.option("--status", type=int)
@click.option("--schedule", help="Only when this is due, e.g. 'rate(5 minutes)', for as long as --lasts.")
@click.option("--lasts", help="How long each time, e.g. 30s (--schedule).")
@click.option("--times", type=int, help="Strike so often, then no more.")
@click.option("--id", "id", help="A name for it.")
@data_option
@json_option
def add(
    data: Path | None,
    as_json: bool,
    delay: str | None,
    spread: str | None,
    skew: str | None,
    lasts: str | None,
    attributes: tuple[str, ...],
    **given: Any,
) -> None:
    """Declare a fault."""
    fault = {name: value for name, value in given.items() if value is not None}
    try:
        for name, duration in (("delay_ms", delay), ("spread_ms", spread)):
            if duration is not None:
                fault[name] = parse_duration(duration) * 1000
        if lasts is not None:
            fault["lasts_s"] = parse_duration(lasts)
        if attributes:
            fault["attributes"] = dict(_attribute(one) for one in attributes)
        if skew is not None:
            fault["skew_s"] = parse_duration(skew.removeprefix("-")) * (-1 if skew.startswith("-") else 1)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    found = Connection.find(data).ask("POST", "faults", fault)
    click.echo(json.dumps(found) if as_json else f"declared {found['id']}: {_describe(found)}")
    if found["note"]:
        click.echo(f"note: {found['note']}", err=True)


@command.command("list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """The declared faults, and how often each has struck."""
    found = Connection.find(data).ask("GET", "faults")
    if as_json:
        click.echo(json.dumps(found))
    elif not found["faults"]:
        click.echo("no fault is declared.")
    for fault in [] if as_json else found["faults"]:
        click.echo(f"{fault['id']}: {_describe(fault)}; struck {fault['struck']} times")


@command.command("clear")
@click.argument("fault_id", required=False)
@data_option
def clear(fault_id: str | None, data: Path | None) -> None:
    """Take back one fault, or all."""
    Connection.find(data).ask("DELETE", "faults", id=fault_id)
    click.echo(f"cleared {fault_id or 'all faults'}.")


def _attribute(text: str) -> tuple[str, str]:
    name, sign, pattern = text.partition("=")
    if not sign:
        raise ValueError(f"--attribute: {text} is not of the form NAME=GLOB")
    return name, pattern


def _describe(fault: dict[str, Any]) -> str:
    what = {
        "delay": f"delay by {fault['delay_ms']:g} ms",
        "fail": f"fail with {fault['error']}",
        "answer": f"answer {fault['payload']}",
        "duplicate": f"repeat {fault['copies']} times",
        "memory": f"leave {fault['limit_mb']} MB of memory",
        "disk": f"leave {fault['limit_mb']} MB of /tmp",
        "cold": "start cold",
        "skew": f"set the clock off by {fault['skew_s']:g} s",
        "cut": "cut the network",
        "nameless": "find no names of other hosts",
        "cpu": f"let it run for {fault['share']:.0%} of the time",
        "truncate": "lose half of the answer",
        "corrupt": "damage the answer",
        "out": "take the location out",
        "stale": f"answer what was there {fault['delay_ms'] or 1000:g} ms ago",
    }.get(fault["action"], fault["action"])
    target = f"{fault['service']}:{fault['resource']} {fault['operation']}"
    chance = "" if fault["probability"] == 1 else f" with probability {fault['probability']:g} (seed {fault['seed']})"
    where = {"run": " where it runs", "edge": " where viewers arrive"}.get(fault["point"], "")
    whose = f" of {fault['application']}" if fault["application"] else ""
    begun = "".join(f" with {name}={pattern}" for name, pattern in fault["attributes"].items())
    return f"{what} {fault['phase']} {target}{where}{whose} from {fault['source']}{begun}{chance}"
