"""The report of an experiment: what it did to what, and how it ended, as a page in a bucket.

AWS makes a PDF document; this is an HTML page with the same facts. It is written in the experiment's role once the
experiment is over. Source: "Experiment report configurations for AWS FIS".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import msgspec
import orjson

from kumoi.names import arn
from kumoi.services.fis.graphs import Window, drawn, queries_of, widgets_of
from kumoi.services.fis.records import ENDED, Experiment, Report
from kumoi.services.fis.rules import invalid, seconds
from kumoi.services.fis.storage import NO_REPORT
from kumoi.services.fis.targets import Ask
from kumoi.services.fis.telling import moment
from kumoi.wire.errors import AwsError

TYPE = "html"
_TWENTY_MINUTES = "PT20M"
_DASHBOARD = re.compile(r"arn:aws[a-z-]*:cloudwatch::\d{12}:dashboard/[A-Za-z0-9_-]{1,255}", re.ASCII)
_STYLE = "body{font:14px sans-serif;margin:2em}td,th{border:1px solid #ccc;padding:4px 8px;text-align:left}"


def check_report(given: dict[str, Any] | None) -> None:
    """Raise ValidationException or NotImplemented for a configuration of which no report can be made."""
    if not given:
        return
    if not ((given.get("outputs") or {}).get("s3Configuration") or {}).get("bucketName"):
        raise invalid("An experiment report configuration needs an S3 bucket as its output.")
    for member in ("preExperimentDuration", "postExperimentDuration"):
        if given.get(member) is not None:
            seconds(given[member])
    for name in _dashboards(given):
        if not _DASHBOARD.fullmatch(name):
            raise invalid(f"{name[:64]} is not the ARN of a CloudWatch dashboard.")


def _dashboards(given: dict[str, Any]) -> list[str]:
    listed = (given.get("dataSources") or {}).get("cloudWatchDashboards") or ()
    return [str(one.get("dashboardIdentifier") or "") for one in listed]


def begun(experiment: Experiment) -> Experiment:
    """The experiment with its report under way, where it has just ended."""
    report = experiment.report
    if report is None or report.status != "pending" or experiment.status not in ENDED:
        return experiment
    if experiment.mode == "skip-all" or experiment.started is None:
        return msgspec.structs.replace(experiment, report=NO_REPORT)
    report = Report(status="running", reason="The report is being written.")
    return msgspec.structs.replace(experiment, report=report)


def report_due(experiment: Experiment) -> float | None:
    """When the report of an experiment that has ended is to be written: with graphs, once their time is over."""
    if experiment.report is None or experiment.report.status != "running" or experiment.ended is None:
        return None
    given = experiment.template.report or {}
    return experiment.ended + (_beside(given, "post") if _dashboards(given) else 0.0)


def _beside(given: dict[str, Any], which: str) -> float:
    """How many seconds before (`pre`) or after (`post`) an experiment its graphs show."""
    return seconds(given.get(f"{which}ExperimentDuration") or _TWENTY_MINUTES)


async def written(ask: Ask, account: str, experiment: Experiment) -> Report:
    """Write the report; what has become of it."""
    graphs = [
        one for name in _dashboards(experiment.template.report or {}) for one in await _drawn(ask, name, experiment)
    ]
    configured = (experiment.template.report or {})["outputs"]["s3Configuration"]
    prefix = (configured.get("prefix") or "").strip("/")
    key = "/".join(filter(None, (prefix, f"FISreport-{experiment.id}.{TYPE}")))
    params = {
        "Bucket": configured["bucketName"],
        "Key": key,
        "Body": page(account, experiment, graphs).encode(),
        "ContentType": "text/html; charset=utf-8",
    }
    try:
        await ask("s3", "PutObject", **params)
    except AwsError as error:
        reason = f"The report cannot be written to {configured['bucketName']}: {error.message}"
        return Report(status="failed", reason=reason[:512], error=error.code)
    place = arn("s3", "", "", f"{configured['bucketName']}/{key}")
    return Report(status="completed", reason="The report was written.", arn=place)


async def _drawn(ask: Ask, dashboard: str, experiment: Experiment) -> list[str]:
    """The graphs of a dashboard; a line that says so for what cannot be read."""
    given, (started, over) = experiment.template.report or {}, (experiment.started or 0.0, experiment.ended or 0.0)
    window = Window(started - _beside(given, "pre"), over + _beside(given, "post"), started, over)
    found = [f"<h2>{escape(dashboard)}</h2>"]
    try:
        answer = await ask("cloudwatch", "GetDashboard", DashboardName=dashboard.rpartition("/")[2])
        for number, properties in enumerate(widgets_of(orjson.loads(answer["DashboardBody"])), 1):
            series = (
                await ask(
                    "cloudwatch",
                    "GetMetricData",
                    MetricDataQueries=queries_of(properties),
                    StartTime=moment(window.begins),
                    EndTime=moment(window.ends),
                    ScanBy="TimestampAscending",
                )
            )["MetricDataResults"]
            title = str(properties.get("title") or f"Widget {number}")
            graph = await asyncio.to_thread(drawn, title, series, window)  # 100,000 data take half a second
            found.append(graph)
    except (AwsError, TypeError, ValueError) as error:  # a dashboard may hold anything
        found.append(f"<p>It cannot be drawn further: {escape(str(error)[:512])}</p>")
    return found


def page(account: str, experiment: Experiment, graphs: Sequence[str] = ()) -> str:
    """The report. Pure."""
    template = experiment.template
    facts = {
        "Experiment": experiment.id,
        "Template": f"{template.id}: {template.description}",
        "Account": account,
        "Target accounts": ", ".join(one.account for one in experiment.accounts) or "its own",
        "Role": template.role,
        "Started": _time(experiment.started),
        "Ended": _time(experiment.ended),
        "State": f"{experiment.status}: {experiment.reason}",
        "Stop conditions": ", ".join(one.get("value") or one["source"] for one in template.stop_conditions),
    }
    actions = (
        (
            action.name,
            action.definition["actionId"],
            ", ".join(f"{name}: {value}" for name, value in (action.definition.get("parameters") or {}).items()),
            ", ".join((action.definition.get("targets") or {}).values()),
            _time(action.started),
            _time(action.ended),
            f"{action.status}: {action.reason}",
        )
        for action in experiment.actions
    )
    targets = (
        (name, template.targets[name]["resourceType"], ", ".join(arns) or "none")
        for name, arns in sorted((experiment.resolved or {}).items())
    )
    return "".join(
        (
            f"<!doctype html><meta charset=utf-8><title>{escape(experiment.id)}</title><style>{_STYLE}</style>",
            f"<h1>AWS FIS experiment {escape(experiment.id)}</h1>",
            _table((), facts.items()),
            "<h2>Actions</h2>",
            _table(("Name", "Action", "Parameters", "Targets", "Started", "Ended", "State"), actions),
            "<h2>Targets</h2>",
            _table(("Name", "Type", "Resources"), targets),
            *graphs,
        )
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{names}</tr>' if names else ''}{body}</table>"


def _time(when: float | None) -> str:
    return "" if when is None else moment(when).isoformat()
