"""A Logs Insights query from the command line: started, waited for, shown as a table or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import click

POLL_SECONDS = 0.05


def show(
    logs: Any,
    query: str,
    names: Sequence[str],
    times: tuple[float, float],
    everywhere: bool,
    edge: bool,
    as_json: bool,
) -> None:
    """Run a query over groups (all without names), `everywhere` in all regions, and print its rows."""
    answer = _answer(logs, *_sourced(query, names, everywhere, edge), times)
    rows = [{one["field"]: one["value"] for one in row if one["field"] != "@ptr"} for row in answer["results"]]
    statistics = answer["statistics"]
    if as_json:
        click.echo(json.dumps({"results": rows, "statistics": statistics}))
        return
    _table(rows)
    click.secho(
        f"{len(rows)} rows, {statistics['recordsMatched']:,.0f} of {statistics['recordsScanned']:,.0f} records "
        f"matched, {statistics['bytesScanned'] / 1e6:,.1f} MB",
        dim=True,
    )


def _sourced(query: str, names: Sequence[str], everywhere: bool, edge: bool) -> tuple[str, dict[str, Any]]:
    """The query as it is sent, and which groups the request names beside it."""
    if edge:
        groups = [f"/aws/lambda/us-east-1.{name}" for name in names]
    else:
        groups = [name if "/" in name else f"/aws/lambda/{name}" for name in names]
    if names and not everywhere:
        return query, {"logGroupNames": groups}
    options = ["regions: ['*']"] if everywhere else []
    if groups:
        quoted = (name.replace("\\", "\\\\").replace("'", "\\'") for name in groups)
        options.append("namePrefix: [" + ", ".join(f"'{name}'" for name in quoted) + "]")
    return f"SOURCE logGroups({', '.join(options)}) | {query}", {}


def _answer(logs: Any, text: str, groups: dict[str, Any], times: tuple[float, float]) -> Any:
    from botocore.exceptions import ClientError

    start, end = (int(moment) for moment in times)
    try:
        query = logs.start_query(queryString=text, startTime=start, endTime=end + 1, **groups)["queryId"]
        while (answer := logs.get_query_results(queryId=query))["status"] in ("Scheduled", "Running"):
            time.sleep(POLL_SECONDS)
        rows = answer["results"]
        while token := answer.get("nextToken"):
            answer = logs.get_query_results(queryId=query, nextToken=token)
            rows += answer["results"]
    except ClientError as error:
        raise click.ClickException(error.response["Error"]["Message"]) from None
    except KeyboardInterrupt:
        raise click.Abort from None
    if answer["status"] != "Complete":
        raise click.ClickException(f"the query has ended as {answer['status']}.")
    return {**answer, "results": rows}


def _table(rows: Sequence[dict[str, str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(box=SIMPLE_HEAD, header_style="bold")
    for name in names:
        numeric = all(row.get(name, "0").replace(".", "", 1).removeprefix("-").isdigit() for row in rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(row.get(name, "").rstrip()) for name in names))
    Console().print(table)
