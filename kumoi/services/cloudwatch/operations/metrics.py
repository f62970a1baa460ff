"""Metrics: put, list, statistics, data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudwatch import cloudwatch
from kumoi.services.cloudwatch.distribution import EMPTY, Distribution, is_statistic, statistic
from kumoi.services.cloudwatch.errors import bad_token, combination, invalid, missing, read_token, refused, token_of
from kumoi.services.cloudwatch.queries import answer, check_period, dimensions_of, queries_of, shown_series
from kumoi.services.cloudwatch.records import Dimensions, Metric
from kumoi.services.cloudwatch.storage import Datum, Reading, all_metrics, put, read

MOST_DATA, MOST_VALUES, MOST_DIMENSIONS = 1_000, 150, 30
_PAST, _FUTURE = 14 * 86_400.0, 2 * 3_600.0
_GREATEST = 2.0**360
_PAGE = 500
_RECENT = 3 * 3_600.0


@cloudwatch.operation
async def put_metric_data(
    call: Call,
    Namespace: str,
    MetricData: list[dict[str, Any]] | None = None,
    EntityMetricData: list[dict[str, Any]] | None = None,
    StrictEntityValidation: bool = False,
) -> None:
    """Add values to metrics; all of them or, where one is refused, none."""
    if Namespace.startswith("AWS/") and not call.caller.is_service:
        raise invalid("The value AWS/ for parameter Namespace is invalid.")
    given = [*(MetricData or ()), *(one for entity in EntityMetricData or () for one in entity.get("MetricData") or ())]
    if not given:
        raise missing("The parameter MetricData is required.")
    if len(given) > MOST_DATA:
        raise invalid(f"The collection MetricData must not have a size greater than {MOST_DATA}.")
    data = [_datum(one, at + 1, call.now) for at, one in enumerate(given)]
    await put(call.state, Namespace, data)


@cloudwatch.operation
async def list_metrics(
    call: Call,
    Namespace: str | None = None,
    MetricName: str | None = None,
    Dimensions: list[dict[str, str]] | None = None,
    NextToken: str | None = None,
    RecentlyActive: str | None = None,
    IncludeLinkedAccounts: bool = False,
    OwningAccount: str | None = None,
) -> dict[str, Any]:
    """Metrics that were put, by namespace, name and dimensions."""
    wanted = [(one["Name"], one.get("Value")) for one in Dimensions or ()]
    after = None if NextToken is None else _key(read_token(NextToken))
    found: list[Metric] = []
    async for metric in all_metrics(call.state, Namespace, MetricName, after):
        if (
            MetricName in (None, metric.name)
            and all(_has(metric, name, value) for name, value in wanted)
            and (RecentlyActive is None or metric.seen >= call.now - _RECENT)
        ):
            if len(found) == _PAGE:
                shown = [_describe(one) for one in found]
                return {"Metrics": shown, "NextToken": token_of("\0".join(found[-1].key))}
            found.append(metric)
    return {"Metrics": [_describe(one) for one in found]}


@cloudwatch.operation
async def get_metric_statistics(
    call: Call,
    Namespace: str,
    MetricName: str,
    StartTime: datetime,
    EndTime: datetime,
    Period: int,
    Dimensions: list[dict[str, str]] | None = None,
    Statistics: list[str] | None = None,
    ExtendedStatistics: list[str] | None = None,
    Unit: str | None = None,
) -> dict[str, Any]:
    """Statistics of one metric for each period between two moments; the periods count from the first."""
    start, end = _seconds(StartTime), _seconds(EndTime)
    if not Statistics and not ExtendedStatistics:
        raise missing("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    if start >= end:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    check_period(Period)
    if (end - start) / Period > 1_440:
        raise combination(
            f"You have requested up to {math.ceil((end - start) / Period)} datapoints, which exceeds the limit of "
            "1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    for name in ExtendedStatistics or ():
        if not is_statistic(name):
            raise invalid(f"The value {name} for parameter ExtendedStatistics is not supported.")
    found = await read(call.state, Reading(Namespace, MetricName, dimensions_of(Dimensions), start, end, Unit))
    first = int(start // 60) * 60 if Period >= 60 else int(start)
    whole: dict[tuple[int, str], Distribution] = {}
    for one in found:
        if one.start >= first:
            place = (first + (one.start - first) // Period * Period, one.unit)
            whole[place] = whole.get(place, EMPTY).merged(one.values)
    points = []
    for (at, unit), values in sorted(whole.items()):
        point: dict[str, Any] = {"Timestamp": at, "Unit": unit}
        point |= {name: statistic(values, name) for name in Statistics or ()}
        extended = {name: statistic(values, name) for name in ExtendedStatistics or ()}
        if any(value is not None for value in extended.values()):
            point["ExtendedStatistics"] = {name: value for name, value in extended.items() if value is not None}
        points.append(point)
    return {"Label": MetricName, "Datapoints": points}


@cloudwatch.operation
async def get_metric_data(
    call: Call,
    MetricDataQueries: list[dict[str, Any]],
    StartTime: datetime,
    EndTime: datetime,
    NextToken: str | None = None,
    ScanBy: str = "TimestampDescending",
    MaxDatapoints: int = 100_800,
    LabelOptions: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Series of metrics and expressions over them."""
    start, end = _seconds(StartTime), _seconds(EndTime)
    if start >= end:
        raise refused("The parameter EndTime must be greater than the parameter StartTime.")
    if len(MetricDataQueries) > 500:
        raise refused("The collection MetricDataQueries must not have a size greater than 500.")
    queries = queries_of(MetricDataQueries)
    call.meter("metrics_read", sum("MetricStat" in one for one in MetricDataQueries))
    period = max((one.period for one in queries), default=60) or 60
    first = int(start // period) * period
    moments = range(first, max(first, math.ceil(end / period) * period), period)
    results = []
    for result in await answer(call.state, queries, start, end):
        if not result.query.shown:
            continue
        for series in shown_series(result, moments, period):
            points = sorted(series.values.items(), reverse=ScanBy == "TimestampDescending")[:MaxDatapoints]
            results.append(
                {
                    "Id": result.query.id,
                    "Label": series.label,
                    "Timestamps": [at for at, _ in points],
                    "Values": [value for _, value in points],
                    "StatusCode": "Complete",
                }
            )
    return {"MetricDataResults": results, "Messages": []}


def _datum(given: Mapping[str, Any], number: int, now: float) -> Datum:
    """One MetricDatum, checked."""
    member = f"MetricData.member.{number}"
    dimensions = _dimensions(given.get("Dimensions"), member)
    moment = given.get("Timestamp")
    time = now if moment is None else _seconds(moment)
    if not now - _PAST <= time <= now + _FUTURE:
        raise invalid(
            f"The parameter {member}.Timestamp must specify a time no more than two weeks in the past and no more "
            "than two hours in the future."
        )
    ways = [name for name in ("Value", "StatisticValues", "Values") if given.get(name) is not None]
    if len(ways) != 1:
        raise combination(
            f"The parameters {member}.Value, .Values and .StatisticValues are mutually exclusive; one of "
            "them has to be specified."
        )
    resolution = given.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise invalid(f"The parameter {member}.StorageResolution must be 1 or 60.")
    values: tuple[tuple[float, float], ...] = ()
    whole = None
    if ways == ["StatisticValues"]:
        one = given["StatisticValues"]
        whole = (one["SampleCount"], one["Sum"], one["Minimum"], one["Maximum"])
        _check_finite(whole, f"{member}.StatisticValues")
    else:
        numbers: Sequence[float] = [given["Value"]] if ways == ["Value"] else given["Values"]
        counts: Sequence[float] = given.get("Counts") or [1.0] * len(numbers)
        if len(numbers) > MOST_VALUES:
            raise invalid(f"The collection {member}.Values must not have a size greater than {MOST_VALUES}.")
        if len(counts) != len(numbers):
            raise invalid(f"The parameters {member}.Values and {member}.Counts must be of the same size.")
        _check_finite([*numbers, *counts], f"{member}.Value")
        values = tuple(zip(map(float, numbers), map(float, counts), strict=True))
    return Datum(given["MetricName"], dimensions, time, given.get("Unit", "None"), resolution, values, whole)


def _dimensions(given: Sequence[Mapping[str, str]] | None, member: str) -> Dimensions:
    if given and len(given) > MOST_DIMENSIONS:
        raise invalid(f"The collection {member}.Dimensions must not have a size greater than {MOST_DIMENSIONS}.")
    for at, one in enumerate(given or ()):
        for part in ("Name", "Value"):
            if not one.get(part, "").strip():
                raise invalid(f"The parameter {member}.Dimensions.member.{at + 1}.{part} must not be empty.")
    return dimensions_of(given)


def _check_finite(values: Sequence[float], member: str) -> None:
    for value in values:
        if not math.isfinite(value) or abs(value) > _GREATEST:
            raise invalid(f"The value {value} for parameter {member} is invalid.")


def _key(text: str) -> tuple[str, str, str]:
    parts = text.split("\0")
    if len(parts) != 3:
        raise bad_token()
    return parts[0], parts[1], parts[2]


def _has(metric: Metric, name: str, value: str | None) -> bool:
    return any(key == name and value in (None, held) for key, held in metric.dimensions)


def _describe(metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}


def _seconds(moment: datetime | float) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
