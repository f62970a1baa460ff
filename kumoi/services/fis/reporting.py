"""The report of an experiment: what it did to what, and how it ended, as a page in a bucket.

AWS makes a PDF document; this is an HTML page with the same facts. It is written in the experiment's role once the
experiment is over. Source: "Experiment report configurations for AWS FIS".
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import msgspec

from kumoi.names import arn
from kumoi.services.fis.records import ENDED, Experiment, Report
from kumoi.services.fis.rules import invalid, seconds
from kumoi.services.fis.storage import NO_REPORT
from kumoi.services.fis.targets import Ask
from kumoi.services.fis.telling import moment
from kumoi.wire.errors import AwsError, aws_error

TYPE = "html"
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
    if (given.get("dataSources") or {}).get("cloudWatchDashboards"):
        raise aws_error(
            "NotImplemented", "Kumoi's reports have no graphs of dashboards: leave dataSources out, see docs/fis.md."
        )


def begun(experiment: Experiment) -> Experiment:
    """The experiment with its report under way, where it has just ended."""
    report = experiment.report
    if report is None or report.status != "pending" or experiment.status not in ENDED:
        return experiment
    if experiment.mode == "skip-all" or experiment.started is None:
        return msgspec.structs.replace(experiment, report=NO_REPORT)
    report = Report(status="running", reason="The report is being written.")
    return msgspec.structs.replace(experiment, report=report)


def is_reported(experiment: Experiment) -> bool:
    """Whether its report is to be written now."""
    return experiment.report is not None and experiment.report.status == "running"


async def written(ask: Ask, account: str, experiment: Experiment) -> Report:
    """Write the report; what has become of it."""
    configured = (experiment.template.report or {})["outputs"]["s3Configuration"]
    prefix = (configured.get("prefix") or "").strip("/")
    key = "/".join(filter(None, (prefix, f"FISreport-{experiment.id}.{TYPE}")))
    params = {
        "Bucket": configured["bucketName"],
        "Key": key,
        "Body": page(account, experiment).encode(),
        "ContentType": "text/html; charset=utf-8",
    }
    try:
        await ask("s3", "PutObject", **params)
    except AwsError as error:
        reason = f"The report cannot be written to {configured['bucketName']}: {error.message}"
        return Report(status="failed", reason=reason[:512], error=error.code)
    place = arn("s3", "", "", f"{configured['bucketName']}/{key}")
    return Report(status="completed", reason="The report was written.", arn=place)


def page(account: str, experiment: Experiment) -> str:
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
        )
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<tr>{names}</tr>' if names else ''}{body}</table>"


def _time(when: float | None) -> str:
    return "" if when is None else moment(when).isoformat()
