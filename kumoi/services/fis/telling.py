"""Templates and experiments as the API tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.names import arn
from kumoi.services.fis.records import ActionRun, Experiment, Report, TargetAccount, Template

_OPTIONS = {"accountTargeting": "single-account", "emptyTargetResolutionMode": "fail"}


def template_arn(account: str, region: str, template_id: str) -> str:
    """A template's ARN."""
    return arn("fis", region, account, f"experiment-template/{template_id}")


def experiment_arn(account: str, region: str, experiment_id: str) -> str:
    """An experiment's ARN."""
    return arn("fis", region, account, f"experiment/{experiment_id}")


def moment(when: float) -> datetime:
    """Epoch seconds as a timestamp."""
    return datetime.fromtimestamp(round(when, 3), UTC)


def told_template(account: str, region: str, one: Template, accounts: int = 0) -> dict[str, Any]:
    """A template, with how many target accounts it has."""
    told = {
        **summed_template(account, region, one),
        "targets": one.targets,
        "actions": one.actions,
        "stopConditions": one.stop_conditions,
        "roleArn": one.role,
        "experimentOptions": _OPTIONS | one.options,
        "targetAccountConfigurationsCount": accounts,
    }
    if one.logs:
        told["logConfiguration"] = one.logs
    if one.report:
        told["experimentReportConfiguration"] = one.report
    return told


def summed_template(account: str, region: str, one: Template) -> dict[str, Any]:
    """A template in a list."""
    return {
        "id": one.id,
        "arn": template_arn(account, region, one.id),
        "description": one.description,
        "creationTime": moment(one.created),
        "lastUpdateTime": moment(one.updated),
        "tags": one.tags,
    }


def summed_experiment(account: str, region: str, one: Experiment) -> dict[str, Any]:
    """An experiment in a list."""
    state: dict[str, Any] = {"status": one.status, "reason": one.reason}
    if one.error is not None:
        state["error"] = {"accountId": account, "code": one.error, "location": "experiment"}
    return {
        "id": one.id,
        "arn": experiment_arn(account, region, one.id),
        "experimentTemplateId": one.template.id,
        "state": state,
        "creationTime": moment(one.created),
        "tags": one.tags,
        "experimentOptions": _OPTIONS | one.template.options | {"actionsMode": one.mode},
    }


def told_experiment(account: str, region: str, one: Experiment) -> dict[str, Any]:
    """An experiment."""
    told = {
        **summed_experiment(account, region, one),
        "roleArn": one.template.role,
        "targets": one.template.targets,
        "actions": {action.name: _told_action(action) for action in one.actions},
        "stopConditions": one.template.stop_conditions,
        "targetAccountConfigurationsCount": len(one.accounts),
    }
    if one.template.logs:
        told["logConfiguration"] = one.template.logs
    if one.template.report:
        told["experimentReportConfiguration"] = one.template.report
    if one.report is not None:
        told["experimentReport"] = _told_report(one.report)
    if one.started is not None:
        told["startTime"] = moment(one.started)
    if one.ended is not None:
        told["endTime"] = moment(one.ended)
    return told


def told_account(one: TargetAccount) -> dict[str, str]:
    """A target account."""
    told = {"accountId": one.account, "roleArn": one.role}
    return told | ({"description": one.description} if one.description else {})


def _told_report(report: Report) -> dict[str, Any]:
    state: dict[str, Any] = {"status": report.status, "reason": report.reason}
    if report.error is not None:
        state["error"] = {"code": report.error}
    listed = [] if report.arn is None else [{"arn": report.arn, "reportType": "html"}]
    return {"state": state, "s3Reports": listed}


def _told_action(action: ActionRun) -> dict[str, Any]:
    told = {**action.definition, "state": {"status": action.status, "reason": action.reason}}
    if action.started is not None:
        told["startTime"] = moment(action.started)
    if action.ended is not None:
        told["endTime"] = moment(action.ended)
    return told
