"""Metric filters: count events that match, or what they say, as metrics of CloudWatch."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.logs import logs
from kumoi.services.logs.events import find_group
from kumoi.services.logs.filter_pattern import parse
from kumoi.services.logs.filter_pattern.json_events import Selector
from kumoi.services.logs.filter_pattern.lexer import Malformed
from kumoi.services.logs.filter_records import GroupFilters, MetricFilter, Transformation, filters_of, group_filters
from kumoi.services.logs.rules import invalid, page
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_FILTERS = 100
MOST_DIMENSIONS = 3
NO_FILTER = "The specified metric filter does not exist."
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@logs.operation
async def put_metric_filter(
    call: Call,
    logGroupName: str,
    filterName: str,
    filterPattern: str,
    metricTransformations: list[dict[str, Any]],
    applyOnTransformedLogs: bool = False,
) -> None:
    """Make a metric out of events that match a pattern."""
    if applyOnTransformedLogs:
        raise aws_error("NotImplemented", "Kumoi does not transform logs: leave applyOnTransformedLogs out.")
    parse(filterPattern, what="metric filter pattern")
    if len(metricTransformations) != 1:
        raise invalid("A metric filter has exactly one metric transformation.")
    one = MetricFilter(
        name=filterName,
        pattern=filterPattern,
        transformation=_transformation(metricTransformations[0], filterPattern.strip()),
        created=int(call.now * 1000),
    )
    await _put(call.state, logGroupName, one)


def _transformation(given: dict[str, Any], pattern: str) -> Transformation:
    name, namespace, value = given["metricName"], given["metricNamespace"], given["metricValue"]
    dimensions: dict[str, str] = given.get("dimensions") or {}
    if not name or not namespace:
        raise invalid("A metric's name and namespace must not be empty.")
    if namespace.startswith("AWS/"):
        raise invalid("A metric's namespace must not begin with AWS/")
    if not _NUMBER.fullmatch(value):
        _check_selector(value, "metricValue")
    if dimensions:
        if given.get("defaultValue") is not None:
            raise invalid(
                "Invalid metric transformation: dimensions and default value are mutually exclusive properties."
            )
        if len(dimensions) > MOST_DIMENSIONS:
            raise invalid(f"A metric can have up to {MOST_DIMENSIONS} dimensions.")
        if pattern[:1] not in ("{", "["):
            raise invalid("Dimensions need a filter pattern for JSON or for space-delimited events.")
        for selector in dimensions.values():
            _check_selector(selector, "dimensions")
    return Transformation(
        name=name,
        namespace=namespace,
        value=value,
        default=given.get("defaultValue"),
        dimensions=dimensions,
        unit=given.get("unit"),
    )


def _check_selector(selector: str, where: str) -> None:
    if not re.fullmatch(r"\$[A-Za-z0-9_.\[\]'*-]+", selector):
        raise invalid(f"Invalid {where} in the metric transformation: {selector} is neither a number nor a field.")
    try:
        Selector(selector)
    except Malformed as error:
        raise invalid(str(error)) from None


@logs.operation
async def describe_metric_filters(
    call: Call,
    logGroupName: str | None = None,
    filterNamePrefix: str = "",
    nextToken: str | None = None,
    limit: int = 50,
    metricName: str | None = None,
    metricNamespace: str | None = None,
) -> dict[str, Any]:
    """Metric filters by name: a group's, or those that make a metric."""
    if (metricName is None) != (metricNamespace is None):
        raise invalid("metricName and metricNamespace must be given together.")
    if logGroupName is not None:
        await find_group(call.state, logGroupName)
    found = {
        f"{one.name}\n{filters.group}": (filters.group, one)
        for filters in await _every(call.state)
        for one in filters.metrics.values()
        if logGroupName in (None, filters.group)
        and one.name.startswith(filterNamePrefix)
        and metricName in (None, one.transformation.name)
        and metricNamespace in (None, one.transformation.namespace)
    }
    keys, token = page(sorted(found), nextToken, limit)
    return {"metricFilters": [_described(*found[key]) for key in keys], "nextToken": token}


@logs.operation
async def delete_metric_filter(call: Call, logGroupName: str, filterName: str) -> None:
    """Delete a metric filter; its metric stays."""
    await _delete(call.state, logGroupName, filterName)


def _described(group: str, one: MetricFilter) -> dict[str, Any]:
    change = one.transformation
    return {
        "filterName": one.name,
        "filterPattern": one.pattern,
        "metricTransformations": [
            {
                "metricName": change.name,
                "metricNamespace": change.namespace,
                "metricValue": change.value,
                "defaultValue": change.default,
                "dimensions": change.dimensions or None,
                "unit": change.unit,
            }
        ],
        "creationTime": one.created,
        "logGroupName": group,
        "applyOnTransformedLogs": False,
    }


@transactional
async def _every(tx: Transaction) -> list[GroupFilters]:
    return await group_filters.list(tx)


@transactional
async def _put(tx: Transaction, group: str, one: MetricFilter) -> None:
    await find_group(tx, group)
    filters = await filters_of(tx, group)
    if one.name not in filters.metrics and len(filters.metrics) >= MOST_FILTERS:
        raise aws_error("LimitExceededException", "Resource limit exceeded.")
    await group_filters.put(tx, msgspec.structs.replace(filters, metrics={**filters.metrics, one.name: one}))


@transactional
async def _delete(tx: Transaction, group: str, name: str) -> None:
    await find_group(tx, group)
    filters = await filters_of(tx, group)
    if name not in filters.metrics:
        raise aws_error("ResourceNotFoundException", NO_FILTER)
    left = {key: one for key, one in filters.metrics.items() if key != name}
    await group_filters.put(tx, msgspec.structs.replace(filters, metrics=left))
