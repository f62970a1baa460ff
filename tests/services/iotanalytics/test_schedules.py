"""Data sets on the platform's clock: schedules, delta windows, versions and retention."""

from __future__ import annotations

import csv
import io
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock

Put = Callable[..., None]
Pipeline = Callable[..., None]


def contents(client: Any, name: str = "s", **asked: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator("list_dataset_contents").paginate(datasetName=name, **asked)
    return [one for page in pages for one in page["datasetContentSummaries"]]


def values(client: Any, version: str, name: str = "s") -> list[str]:
    answer = client.get_dataset_content(datasetName=name, versionId=version)
    assert answer["status"]["state"] == "SUCCEEDED", answer["status"]
    with urllib.request.urlopen(answer["entries"][0]["dataURI"], timeout=60) as content:
        return [row[0] for row in csv.reader(io.StringIO(content.read().decode()))][1:]


def dataset(client: Any, sql: str, *expressions: str, delta: dict[str, Any] | None = None, **more: Any) -> None:
    query = {"sqlQuery": sql, **({"filters": [{"deltaTime": delta}]} if delta else {})}
    triggers = [{"schedule": {"expression": one}} for one in expressions]
    client.create_dataset(
        datasetName="s", actions=[{"actionName": "q", "queryAction": query}], triggers=triggers, **more
    )


def stored(client: Any, count: int, until: Callable[..., Any], name: str = "p") -> None:
    """Wait until a store has so many rows."""
    probe = f"probe{count}"
    sql = f"SELECT CAST(count(*) AS VARCHAR) FROM {name}"
    client.create_dataset(datasetName=probe, actions=[{"actionName": "q", "queryAction": {"sqlQuery": sql}}])

    def there() -> bool:
        version = client.create_dataset_content(datasetName=probe)["versionId"]
        until(lambda: contents(client, probe)[0]["status"]["state"] != "CREATING", "no content")
        return values(client, version, probe) == [str(count)]

    until(there, f"not {count} rows")


def test_a_schedule_makes_contents_at_its_times(client: Any, kumoi: Any, pipeline: Pipeline) -> None:
    pipeline()
    dataset(client, "SELECT now() AS n", "rate(15 minutes)", versioningConfiguration={"unlimited": True})
    kumoi.advance("1h")
    found = contents(client)
    assert len(found) == 4
    times = [one["scheduleTime"] for one in found]
    assert {a - b for a, b in pairwise(times)} == {timedelta(minutes=15)}
    assert all(one["completionTime"] >= one["scheduleTime"] for one in found)
    assert [one["version"] for one in contents(client, scheduledOnOrAfter=times[1])] == [
        one["version"] for one in found[:2]
    ]
    assert len(contents(client, scheduledBefore=times[1])) == 2
    assert [one["version"] for one in contents(client, PaginationConfig={"PageSize": 3})] == [
        one["version"] for one in found
    ]
    told = datetime.fromisoformat(values(client, found[0]["version"])[0]).replace(tzinfo=UTC)
    assert abs(told - times[0]) < timedelta(minutes=5)
    client.update_dataset(
        datasetName="s", actions=[{"actionName": "q", "queryAction": {"sqlQuery": "SELECT 1 AS one"}}]
    )
    kumoi.advance("1h")
    assert len(contents(client)) == 4


def test_delta_windows_follow_one_another(
    client: Any, kumoi: Any, pipeline: Pipeline, put: Put, until: Callable[..., Any]
) -> None:
    pipeline()
    start = kumoi.now().timestamp()
    put([{"n": minute, "ts": start + 60 * minute + 59} for minute in range(60)])
    stored(client, 60, until)
    delta = {"offsetSeconds": -180, "timeExpression": "from_unixtime(ts)"}
    dataset(
        client,
        "SELECT n FROM p ORDER BY n",
        "rate(15 minutes)",
        delta=delta,
        versioningConfiguration={"maxVersions": 10},
    )
    kumoi.advance("46m")
    first, second, third = (values(client, one["version"]) for one in reversed(contents(client)))
    assert first + second + third == [str(n) for n in range(42)]
    assert len(second) == len(third) == 15
    version = client.create_dataset_content(datasetName="s")["versionId"]
    until(lambda: contents(client)[0]["status"]["state"] != "CREATING", "no content")
    assert values(client, version) == ["42"]  # since the last window, up to three minutes ago
    again = contents(client)[-1]["version"]
    client.create_dataset_content(datasetName="s", versionId=again)
    until(lambda: all(one["status"]["state"] != "CREATING" for one in contents(client)), "no content")
    assert values(client, again) == first


def test_the_latest_contents_are_kept(client: Any, kumoi: Any, pipeline: Pipeline) -> None:
    kumoi.advance(5400 - kumoi.now().timestamp() % 3600)  # half past an hour: none begins between two calls
    pipeline()
    dataset(client, "SELECT 1 AS one", "rate(1 hour)")
    kumoi.advance("3h")
    (latest,) = contents(client)
    client.update_dataset(
        datasetName="s",
        actions=[{"actionName": "q", "queryAction": {"sqlQuery": "SELECT 1 AS one"}}],
        triggers=[{"schedule": {"expression": "cron(0 * * * ? *)"}}],
        versioningConfiguration={"maxVersions": 2},
    )
    kumoi.advance("1h")
    assert latest["version"] in {one["version"] for one in contents(client)}
    kumoi.advance("3h")
    assert len(contents(client)) == 2
    client.delete_dataset_content(datasetName="s")
    assert len(contents(client)) == 1
    client.delete_dataset_content(datasetName="s", versionId="$LATEST")
    assert contents(client) == []


def test_what_is_too_old_is_deleted_by_days(
    client: Any, kumoi: Any, pipeline: Pipeline, put: Put, until: Callable[..., Any]
) -> None:
    pipeline(retentionPeriod={"numberOfDays": 2})
    client.update_channel(channelName="p", retentionPeriod={"numberOfDays": 1})
    put([{"n": 1}])
    stored(client, 1, until)
    kumoi.advance("24h")
    put([{"n": 2}])
    stored(client, 2, until)
    assert len(client.sample_channel_data(channelName="p")["payloads"]) == 2
    kumoi.advance("24h")
    assert client.sample_channel_data(channelName="p")["payloads"] == [b'{"n": 2}']
    kumoi.advance("24h")
    dataset(client, "SELECT n FROM p")
    version = client.create_dataset_content(datasetName="s")["versionId"]
    until(lambda: contents(client)[0]["status"]["state"] != "CREATING", "no content")
    assert values(client, version) == ["2"]
