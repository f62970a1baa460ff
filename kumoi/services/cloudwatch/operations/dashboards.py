"""Dashboards: kept as they come; nothing draws them but Studio."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.cloudwatch import cloudwatch
from kumoi.services.cloudwatch.errors import invalid, page
from kumoi.services.cloudwatch.operations.tags import tags_of
from kumoi.services.cloudwatch.records import Dashboard, dashboards
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@cloudwatch.operation
async def put_dashboard(
    call: Call, DashboardName: str, DashboardBody: str, Tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Create or replace a dashboard; its body must be JSON with a list of widgets."""
    try:
        body = orjson.loads(DashboardBody)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("widgets", []), list):
        message = {"DataPath": "", "Message": "The field DashboardBody must be a valid JSON object"}
        raise aws_error(
            "DashboardInvalidInputError",
            "The field DashboardBody must be a valid JSON object",
            dashboardValidationMessages=[message],
        )
    await _put(call.state, Dashboard(DashboardName, DashboardBody, call.now, tags_of(Tags)))
    return {"DashboardValidationMessages": []}


@cloudwatch.operation
async def get_dashboard(call: Call, DashboardName: str) -> dict[str, Any]:
    """A dashboard."""
    found = await _find(call.state, DashboardName)
    if found is None:
        raise aws_error("DashboardNotFoundError", f"Dashboard {DashboardName} does not exist")
    return {"DashboardArn": _arn(call, found), "DashboardBody": found.body, "DashboardName": found.name}


@cloudwatch.operation
async def list_dashboards(call: Call, DashboardNamePrefix: str = "", NextToken: str | None = None) -> dict[str, Any]:
    """Dashboards by name."""
    found = [one for one in await _list(call.state) if one.name.startswith(DashboardNamePrefix)]
    shown, more = page(found, lambda one: one.name, NextToken, 100)
    entries = [
        {
            "DashboardName": one.name,
            "DashboardArn": _arn(call, one),
            "LastModified": one.modified,
            "Size": len(one.body.encode()),
        }
        for one in shown
    ]
    return {"DashboardEntries": entries, **more}


@cloudwatch.operation
async def delete_dashboards(call: Call, DashboardNames: list[str]) -> dict[str, Any]:
    """Delete dashboards; all of them or, where one does not exist, none."""
    if not DashboardNames:
        raise invalid("The parameter DashboardNames must not be empty.")
    await _delete(call.state, DashboardNames)
    return {}


def _arn(call: Call, dashboard: Dashboard) -> str:
    return f"arn:aws:cloudwatch::{call.account}:dashboard/{dashboard.name}"


@transactional
async def _put(tx: Transaction, dashboard: Dashboard) -> None:
    await dashboards.put(tx, dashboard)


@transactional
async def _find(tx: Transaction, name: str) -> Dashboard | None:
    return await dashboards.get(tx, name)


@transactional
async def _list(tx: Transaction) -> list[Dashboard]:
    return list(await dashboards.list(tx))


@transactional
async def _delete(tx: Transaction, names: list[str]) -> None:
    for name in names:
        if not await dashboards.delete(tx, name):
            raise aws_error("DashboardNotFoundError", f"Dashboard {name} does not exist")
