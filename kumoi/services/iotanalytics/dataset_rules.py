"""What may be said of a data set. Pure; source: the API reference, "CreateDataset", and the service's own messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.presto.refusals import QueryRefused
from kumoi.schedules import Schedule, ScheduleError, parse
from kumoi.services.iotanalytics.key_template import TemplateError, read_template
from kumoi.services.iotanalytics.naming import check_retention, invalid
from kumoi.services.iotanalytics.records import DatasetRecord

MOST_DEPENDENT = 10


def check_dataset(dataset: DatasetRecord) -> None:
    """Refuse what does not go together."""
    from kumoi.presto.statement import parse as parse_query

    (action,) = dataset.actions
    if len(action.keys() & {"queryAction", "containerAction"}) != 1:
        raise invalid("Exactly one of queryAction and containerAction should be provided.")
    if dataset.query is not None:
        try:
            parse_query(dataset.query["sqlQuery"])
            for window in dataset.query.get("filters", []):
                if "deltaTime" in window:
                    parse_query(f"SELECT {window['deltaTime']['timeExpression']}")
        except QueryRefused as error:
            raise invalid(f"The SQL query of action {action.get('actionName', '')} is not valid: {error}") from None
    else:
        _check_variables(action["containerAction"].get("variables", []))
    _check_triggers(dataset)
    check_retention(dataset.retention)
    _check_versioning(dataset.versioning)
    if dataset.late and (delta(dataset) is None or not schedules(dataset)):
        raise invalid("Late data rules need a schedule and a deltaTime filter.")
    for rule in dataset.delivery:
        destination = rule["destination"]
        if len(destination) != 1:
            raise invalid("Exactly one destination should be provided in a content delivery rule.")
        if (to_s3 := destination.get("s3DestinationConfiguration")) is not None:
            try:
                read_template(to_s3["key"])
            except TemplateError as error:
                raise invalid(f"The key {to_s3['key']} is not valid: {error}") from None


def _check_triggers(dataset: DatasetRecord) -> None:
    triggering = [one["dataset"]["name"] for one in dataset.triggers if "dataset" in one]
    for trigger in dataset.triggers:
        if len(trigger) != 1:
            raise invalid("Exactly one trigger type should be provided")
    if triggering and dataset.query is not None:
        raise invalid("Triggering dataset can only be added on a container dataset")
    if len(triggering) > 1:
        raise invalid("There can only be one triggering dataset")
    for trigger in dataset.triggers:
        expression = trigger.get("schedule", {}).get("expression")
        if expression is not None or "schedule" in trigger:
            try:
                read_schedule(expression or "", 0.0)
            except ScheduleError as error:
                raise invalid(f"The schedule expression is not valid: {error}") from None


def _check_versioning(versioning: Mapping[str, Any] | None) -> None:
    if versioning is not None and bool(versioning.get("unlimited")) == ("maxVersions" in versioning):
        raise invalid("A versioning configuration is either unlimited or a number of versions.")


def _check_variables(variables: Sequence[Mapping[str, Any]]) -> None:
    names = [one["name"] for one in variables]
    if len(set(names)) < len(names):
        raise invalid("The names of variables must differ.")
    for one in variables:
        if len(one.keys() - {"name"}) != 1:
            raise invalid(f"Variable {one['name']} should have exactly one value.")
        if one.get("outputFileUriValue", {}).get("fileName") in (".", ".."):
            raise invalid(f"The file name of variable {one['name']} is not valid.")


def read_schedule(expression: str, start: float) -> Schedule:
    """A schedule; `start` (epoch seconds) is what a rate counts from."""
    return parse(expression, start=start, kinds=("rate", "cron"))


def schedules(dataset: DatasetRecord) -> list[tuple[int, Schedule]]:
    """A data set's schedules, each with its place among the triggers."""
    return [
        (number, read_schedule(trigger["schedule"]["expression"], float(int(dataset.created))))
        for number, trigger in enumerate(dataset.triggers)
        if "schedule" in trigger
    ]


def triggered_by(dataset: DatasetRecord) -> str | None:
    """The data set whose content triggers this one's."""
    return next((one["dataset"]["name"] for one in dataset.triggers if "dataset" in one), None)


def delta(dataset: DatasetRecord) -> dict[str, Any] | None:
    """The deltaTime filter: offsetSeconds and timeExpression."""
    filters = (dataset.query or {}).get("filters") or [{}]
    found: dict[str, Any] | None = filters[0].get("deltaTime")
    return found
