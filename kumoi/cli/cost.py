"""`kumoi cost`: what the calls that have passed would cost on AWS, what a month would, and what makes it cheaper."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from kumoi.cli.connection import Connection, data_option, json_option
from kumoi.cli.durations import parse_duration

MOST_BYTES = 512 * 1024 * 1024
PATIENCE = 900.0
"""Seconds that a report may take: it reads every call that has passed."""


def _weights(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """`NAME=WEIGHT`, or a JSON file of such."""
    found: dict[str, float] = {}
    for value in values:
        name, equals, weight = value.rpartition("=")
        try:
            if equals:
                found[name] = float(weight)
            else:
                found |= {str(key): float(one) for key, one in _json_file(Path(value)).items()}
        except (AttributeError, TypeError, ValueError):
            raise click.BadParameter(f"{value} is neither NAME=WEIGHT nor a JSON file of weights by name") from None
    return found


def _bytes(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """A size such as `300KB`, `2MB`, `1.5GB`; a number alone is bytes."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]?)B?", value.strip(), re.IGNORECASE | re.ASCII)
    if match is None or not float(match[1]):
        raise click.BadParameter(f"{value} is no size: write 300KB, 2MB or 1.5GB")
    return float(match[1]) * 1024.0 ** " KMGT".index(match[2].upper() or " ")


def _json_file(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise click.BadParameter(f"{path}: {error.strerror}") from None


@click.group("cost", invoke_without_command=True)
@click.option("--users", type=click.FloatRange(0, 1e9), default=1_000.0, show_default=True, help="Users of the month.")
@click.option("--journeys-per-user", type=click.FloatRange(0, 1e9), default=20.0, show_default=True)
@click.option(
    "--flow", "flows", multiple=True, metavar="GLOB", help="Which flows are journeys, as --by flow names them."
)
@click.option("--journeys", type=click.IntRange(1), help="How many journeys the run was, where traces do not tell.")
@click.option("--since", metavar="WHEN", help="Only calls since then: a duration (10m) or an ISO time, platform time.")
@click.option("--account", metavar="ID", help="Only this account's.")
@click.option("--region", help="Price everything as if it ran there.")
@click.option("--by", type=click.Choice(["application", "flow", "edge", "tag"]), multiple=True, help="Which tables.")
@click.option("--tag", metavar="KEY", help="Group by this tag of stacks.")
@click.option("--split", multiple=True, callback=_weights, metavar="NAME=WEIGHT|FILE", help="Share the costs out.")
@click.option(
    "--kept", "months_kept", type=click.FloatRange(0, 1e9), default=12.0, show_default=True, help="Months data stay."
)
@click.option(
    "--peak",
    type=click.FloatRange(1, 1e6),
    default=5.0,
    show_default=True,
    help="How many times as much as on average there is to do at the busiest time.",
)
@click.option("--file-size", callback=_bytes, metavar="SIZE", help="How large files are, e.g. 2MB; else as in the run.")
@click.option("--free-tier", type=click.Choice(["none", "always", "first-year"]), default="always", show_default=True)
@click.option(
    "--prices", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A list laid over Kumoi's."
)
@click.option("--sheet", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write the page there.")
@click.option("--budget", type=click.FloatRange(0), metavar="USD", help="Stop calls once an hour costs more than this.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@data_option
@json_option
@click.pass_context
def command(context: click.Context, /, data: Path | None, **options: Any) -> None:
    """What has passed would cost on AWS, by Kumoi's dated price list."""
    if context.invoked_subcommand is not None:
        return
    found = Connection.find(data)
    connection = Connection(found.url, PATIENCE, found.token)
    if options["budget"] is not None:
        wanted = {"usd_per_hour": options["budget"], "account": options["account"]}
        for one in connection.ask("POST", "budget", wanted)["budgets"]:
            click.echo(f"${one['usd_per_hour']:g} an hour{' for ' + one['account'] if one['account'] else ''}")
        return
    report = connection.ask("POST", "cost", _wish(connection, options))
    if options["sheet"] is not None:
        _write_sheet(report, options["sheet"])
    elif options["as_json"]:
        click.echo(json.dumps(report))
    elif options["as_csv"]:
        from kumoi.cost.sheet import bill_csv

        click.echo(bill_csv(report), nl=False)
    else:
        for line in render(report, options["by"]):
            click.echo(line)


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("prices.json"), show_default=True
)
def import_(files: tuple[Path, ...], output: Path) -> None:
    """Read AWS's price list files (JSON or CSV) into a list for --prices; what OUTPUT has already stays.

    They are at https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/index.json, one a service.
    """
    from kumoi.prices import PriceList, PricesInvalid, bulk

    try:
        whole: dict[str, Any] = json.loads(output.read_text()) if output.exists() else {}
        items = whole.setdefault("items", {})
        for path in files:
            if path.stat().st_size > MOST_BYTES:
                raise PricesInvalid(f"{path} is larger than {MOST_BYTES >> 20} MB: take the file of one region")
            for name, figures in bulk.read(path.read_bytes(), path.name)["items"].items():
                items[name] = {**items.get(name, {}), **figures}
                click.echo(f"{name}: {', '.join(sorted(figures))}")
        PriceList.parse(whole)
    except (PricesInvalid, ValueError, AttributeError) as error:
        raise click.ClickException(str(error)) from None
    output.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
    click.echo(f"written to {output}: kumoi cost --prices {output}")


@command.command("prices")
@click.argument("pattern", default="*")
@click.option("--region", default="us-east-1", show_default=True)
@json_option
def prices_(pattern: str, region: str, as_json: bool) -> None:
    """The figures that Kumoi has: price, date, source, whether verified."""
    from fnmatch import fnmatchcase

    from kumoi import prices
    from kumoi.cost.bill import item_facts

    known = prices.aws()
    found = [item_facts(known, item, region, 0.0) for item in known.items if fnmatchcase(item, pattern)]
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        sure = "verified" if one["verified"] else "unverified" if one["of_region"] else "of another region"
        click.echo(f"{one['item']:36} {one['price']:>14.10f}  {one['as_of']:8} {sure:18} {one['source']}")


def _wish(connection: Connection, options: dict[str, Any]) -> dict[str, Any]:
    """What the platform is asked for."""
    wish = {name: options[name] for name in ("users", "journeys_per_user", "months_kept", "free_tier", "split", "peak")}
    wish |= {name: options[name] for name in ("account", "region", "tag", "journeys") if options[name] is not None}
    if options["file_size"] is not None:
        wish["file_bytes"] = options["file_size"]
    wish["flows"] = list(options["flows"])
    if options["since"] is not None:
        wish["since"] = _moment(connection, options["since"])
    if options["prices"] is not None:
        wish["prices"] = _price_file(options["prices"])
    return wish


def _price_file(path: Path) -> Any:
    import tomllib

    try:
        return tomllib.loads(path.read_text()) if path.suffix == ".toml" else json.loads(path.read_text())
    except (ValueError, tomllib.TOMLDecodeError) as error:
        raise click.ClickException(f"{path}: {error}") from None


def _moment(connection: Connection, text: str) -> float:
    """Epoch seconds of an ISO time (UTC where it names no zone), or of so long before the platform's now."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        pass
    try:
        return float(connection.ask("GET", "clock")["now"]) - parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"--since: {error}") from None


def _write_sheet(report: dict[str, Any], directory: Path) -> None:
    from kumoi.cost import picture, sheet

    try:
        drawn = picture.png(report)
    except picture.NoMatplotlib as error:
        raise click.ClickException(str(error)) from None
    directory.mkdir(parents=True, exist_ok=True)
    (directory / sheet.PICTURE).write_bytes(drawn)
    (directory / "cost.md").write_text(sheet.markdown(report))
    (directory / "cost.csv").write_text(sheet.table_csv(report))
    (directory / "bill.csv").write_text(sheet.bill_csv(report))
    pages = {f"cost-{sheet.file_name(one['name'])}.md": one for one in report.get("split", ())}
    for name, one in pages.items():
        (directory / name).write_text(sheet.share_markdown(report, one))
    click.echo(f"{directory}: {', '.join(['cost.md', sheet.PICTURE, 'cost.csv', 'bill.csv', *pages])}")


def render(report: dict[str, Any], wanted: tuple[str, ...]) -> Iterator[str]:
    """The report for a terminal."""
    from kumoi.cost.sheet import between

    month = report["month"]
    if not report["run"]["calls"]:
        yield "no call has passed yet."
        return
    yield f"this run ({report['run']['calls']:,} calls)          {between(report['run']['usd'])}"
    yield f"1,000 journeys                     {between(report['per_1000_journeys'])}"
    yield (
        f"a month, {month['users']:,.0f} users × {month['journeys_per_user']:g} journeys"
        f"   {click.style(between(month['usd']), bold=True)}  (free tier: {month['free_tier']})"
    )
    for flow in report["journey_flows"]:
        yield f"  a journey: {flow['name']}, {flow['traces']:,} times"
    for kind in wanted or (*(["tag"] if "tag" in report["by"] else ()), "application", "flow"):
        if kind in report["by"]:
            yield from _group(kind, report["by"][kind])
    if "split" in report:
        yield click.style("shared out", bold=True)
        for one in report["split"]:
            yield f"  {one['name']:40} {one['share']:7.1%}  {between(one['month'])} a month"
    if report["levers"]:
        yield click.style("cheaper", bold=True)
    for at, one in enumerate(report["levers"], 1):
        yield f"  {at}. {one['name']}, {one['where']}: {between(one['usd'])} a month"
        yield f"     {one['why']}"
    for note in report["notes"]:
        yield click.style(f"note: {note}", dim=True)


def _group(kind: str, groups: list[dict[str, Any]]) -> Iterator[str]:
    from kumoi.cost.sheet import between

    yield click.style(f"by {kind}", bold=True)
    for one in [one for one in groups if one["usd"]["middle"] > 0][:20]:
        yield f"  {one['name']:72} {one['calls']:7,}×  {between(one['usd'])}"
