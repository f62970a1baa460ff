"""Insights: AWS finds anomalies by models of its own. Kumoi looks for none, so that there never is one to show."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.answers import invalid
from kumoi.services.xray.groups import find_group
from kumoi.wire.errors import AwsError


@xray.operation
async def get_insight_summaries(
    call: Call,
    StartTime: datetime,
    EndTime: datetime,
    States: list[str] | None = None,
    GroupARN: str | None = None,
    GroupName: str | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The insights of a group: none."""
    await find_group(call, GroupName, GroupARN)
    if EndTime <= StartTime:
        raise invalid("StartTime must be before EndTime.")
    if NextToken is not None:
        raise invalid("Invalid NextToken.")
    return {"InsightSummaries": []}


@xray.operation
async def get_insight(call: Call, InsightId: str) -> dict[str, Any]:
    """An insight by its id: there is none."""
    raise _none(InsightId)


@xray.operation
async def get_insight_events(
    call: Call, InsightId: str, MaxResults: int | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """The events of an insight: there is none."""
    raise _none(InsightId)


@xray.operation
async def get_insight_impact_graph(
    call: Call, InsightId: str, StartTime: datetime, EndTime: datetime, NextToken: str | None = None
) -> dict[str, Any]:
    """What an insight affects: there is none."""
    raise _none(InsightId)


def _none(insight: str) -> AwsError:
    return invalid(f"Insight {insight} does not exist: Kumoi makes no insights.")
