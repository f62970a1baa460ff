"""What logs, metrics and workflows tell of the last while, for probes: by the platform's clock, through AWS's APIs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from kumoi.experiments.application import Answer, Application
from kumoi.experiments.model import ApiCall, LogsQuery, Metric, Workflow, seconds

Lately = LogsQuery | Metric | Workflow

PATIENCE = 60.0
"""Real seconds that a query of Logs Insights may take."""
_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")
_MINUTE = 60


def title_of(looked: Lately) -> str:
    """What a probe without a title is called."""
    match looked:
        case LogsQuery():
            return f"logs: {looked.query}"
        case Metric():
            return f"{looked.statistic} of {looked.namespace} {looked.name}"
        case Workflow():
            return f"workflow {looked.machine.rpartition(':')[2]}"


def found_in_the_last_while(application: Application, looked: Lately) -> Answer:
    """What is found, as an answer's body; an error of AWS's is in the answer."""
    now = float(application.ask("GET", "clock")["now"])
    begins = now - seconds(looked.within)
    match looked:
        case LogsQuery():
            return _rows(application, looked, begins, now)
        case Metric():
            return _statistic(application, looked, begins, now)
        case Workflow():
            return _executions(application, looked, begins)


def _rows(application: Application, looked: LogsQuery, begins: float, now: float) -> Answer:
    asked = {"logGroupNames": looked.groups, "queryString": looked.query}
    times = {"startTime": int(begins), "endTime": int(now) + 1}
    started = application.call(ApiCall(service="logs", operation="StartQuery", parameters={**asked, **times}))
    if started.error:
        return started
    query = {"queryId": started.body["queryId"]}
    give_up = time.monotonic() + PATIENCE
    while True:
        answer = application.call(ApiCall(service="logs", operation="GetQueryResults", parameters=query))
        if answer.error or answer.body["status"] not in ("Scheduled", "Running"):
            break
        if time.monotonic() > give_up:
            return Answer(0, None, "the query did not end", PATIENCE)
        time.sleep(0.05)
    if not answer.error and answer.body["status"] != "Complete":
        return Answer(0, None, f"the query ended as {answer.body['status']}", answer.seconds)

    def rows(body: Mapping[str, Any]) -> list[dict[str, str]]:
        return [{one["field"]: one["value"] for one in row if one["field"] != "@ptr"} for row in body["results"]]

    return _told(answer, rows)


def _statistic(application: Application, looked: Metric, begins: float, now: float) -> Answer:
    first, last = int(begins // _MINUTE) * _MINUTE, (int(now // _MINUTE) + 1) * _MINUTE
    asked = {
        "Namespace": looked.namespace,
        "MetricName": looked.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in looked.dimensions.items()],
        "Statistics": [looked.statistic],
        "StartTime": datetime.fromtimestamp(first, UTC),
        "EndTime": datetime.fromtimestamp(last, UTC),
        "Period": last - first,
    }
    answer = application.call(ApiCall(service="cloudwatch", operation="GetMetricStatistics", parameters=asked))
    return _told(answer, lambda body: _joined(looked.statistic, [one[looked.statistic] for one in body["Datapoints"]]))


def _joined(statistic: str, values: list[float]) -> float:
    """One number of a period's, or of several where the service cuts it up."""
    if not values:
        return 0.0
    join: dict[str, Callable[[list[float]], float]] = {"Minimum": min, "Maximum": max}
    if statistic == "Average":
        return sum(values) / len(values)
    return float(join.get(statistic, sum)(values))


def _executions(application: Application, looked: Workflow, begins: float) -> Answer:
    counts = {"succeeded": 0, "failed": 0}
    asked: dict[str, Any] = {"stateMachineArn": looked.machine, "maxResults": 1000}
    while True:
        answer = application.call(ApiCall(service="stepfunctions", operation="ListExecutions", parameters=asked))
        if answer.error:
            return answer
        for one in answer.body["executions"]:
            if one["startDate"].timestamp() >= begins:
                counts["succeeded"] += one["status"] == "SUCCEEDED"
                counts["failed"] += one["status"] in _FAILED
        if not answer.body.get("nextToken"):
            ended = sum(counts.values())
            return answer._replace(body={**counts, "ratio": counts["succeeded"] / ended if ended else 1.0})
        asked["nextToken"] = answer.body["nextToken"]


def _told(answer: Answer, read: Callable[[Mapping[str, Any]], Any]) -> Answer:
    return answer if answer.error else answer._replace(body=read(answer.body))
