"""Archives keep a bus's events, replays send them once more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

START = datetime(2020, 1, 1, tzinfo=UTC)
END = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def bus(kumoi: Any) -> str:
    return f"arn:aws:events:us-east-1:{kumoi.account}:event-bus/default"


@pytest.fixture
def archive(client: Any, bus: str) -> str:
    return str(
        client.create_archive(ArchiveName="a", EventSourceArn=bus, EventPattern='{"source": ["app"]}')["ArchiveArn"]
    )


@pytest.fixture
def replay(client: Any, bus: str) -> Callable[..., dict[str, Any]]:
    """Replay an archive to its bus; answers the replay's description once it has ended."""

    def run(archive: str, name: str = "again", start: datetime = START, end: datetime = END, **more: Any) -> Any:
        given = {"EventStartTime": start, "EventEndTime": end, "Destination": {"Arn": bus, **more}}
        started = client.start_replay(ReplayName=name, EventSourceArn=archive, **given)
        assert started["State"] == "STARTING"
        deadline = time.monotonic() + 60
        while (described := client.describe_replay(ReplayName=name))["State"] in ("STARTING", "RUNNING"):
            assert time.monotonic() < deadline, described
            time.sleep(0.02)
        return described

    return run


def test_what_an_archive_kept_is_replayed_with_the_replays_name(
    client: Any,
    archive: str,
    replay: Callable[..., Any],
    listen: Callable[..., str],
    put: Callable[..., Any],
    logged: Callable[..., list[str]],
) -> None:
    put({"n": 1})
    put({"n": 2}, source="other")
    described = client.describe_archive(ArchiveName="a")
    assert (described["State"], described["EventCount"], described["RetentionDays"]) == ("ENABLED", 1, 0)
    assert described["SizeBytes"] > 100
    listen({"source": ["app", "other"]})
    ended = replay(archive)
    assert ended["State"] == "COMPLETED"
    assert ended["ReplayEndTime"] >= ended["ReplayStartTime"]
    (message,) = logged(1)
    event = json.loads(message)
    assert event["detail"] == {"n": 1}
    assert list(event)[6:8] == ["region", "replay-name"]
    assert event["replay-name"] == "again"
    assert client.describe_archive(ArchiveName="a")["EventCount"] == 1


def test_a_replay_goes_to_some_rules_and_takes_a_time_span(
    client: Any,
    archive: str,
    replay: Callable[..., Any],
    listen: Callable[..., str],
    put: Callable[..., Any],
    logged: Callable[..., list[str]],
) -> None:
    for number in range(3):
        put({"n": number})
    first = listen({"source": ["app"]}, name="first", group="/first")
    listen({"source": ["app"]}, name="second", group="/second")
    replay(archive, FilterArns=[first])
    assert len(logged(3, "/first")) == 3
    replay(archive, "nothing", start=END - timedelta(days=1))
    replay(archive, "all")
    assert len(logged(3, "/second")) == 3
    assert len(logged(6, "/first")) == 6


def test_more_than_a_page_is_replayed_whole(
    client: Any, archive: str, replay: Callable[..., Any], listen: Callable[..., str], logged: Callable[..., list[str]]
) -> None:
    for batch in range(45):
        client.put_events(
            Entries=[
                {"Source": "app", "DetailType": "made", "Detail": json.dumps({"n": batch * 10 + n})} for n in range(10)
            ]
        )
    listen({"source": ["app"]}, InputPath="$.detail.n")
    replay(archive)
    assert sorted(map(int, logged(450))) == list(range(450))


def test_a_pattern_stays_until_it_is_given_empty(client: Any, bus: str, put: Callable[..., Any]) -> None:
    client.create_archive(ArchiveName="some", EventSourceArn=bus, EventPattern='{"source": ["other"]}')
    client.update_archive(ArchiveName="some", Description="kept")
    assert client.describe_archive(ArchiveName="some")["EventPattern"] == '{"source": ["other"]}'
    client.update_archive(ArchiveName="some", EventPattern="")
    assert "EventPattern" not in client.describe_archive(ArchiveName="some")
    put()
    assert client.describe_archive(ArchiveName="some")["EventCount"] == 1


def test_refusals(client: Any, archive: str, bus: str) -> None:
    client.create_event_bus(Name="other")
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException, match="Archive a already exists."):
        client.create_archive(ArchiveName="a", EventSourceArn=bus)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Event bus nowhere does not exist."):
        client.create_archive(ArchiveName="b", EventSourceArn=bus.replace("default", "nowhere"))
    with pytest.raises(client.exceptions.InvalidEventPatternException):
        client.create_archive(ArchiveName="b", EventSourceArn=bus, EventPattern="{")
    with pytest.raises(ClientError, match="At least one of EventPattern, RetentionDays or Description must be prov"):
        client.update_archive(ArchiveName="a")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Archive b does not exist."):
        client.describe_archive(ArchiveName="b")
    given = {"ReplayName": "r", "EventStartTime": START, "EventEndTime": END, "Destination": {"Arn": bus}}
    with pytest.raises(ClientError, match="EventSourceArn is not valid. Reason: Archive b does not exist."):
        client.start_replay(**given, EventSourceArn=archive.removesuffix("a") + "b")
    with pytest.raises(ClientError, match="Reason: EventStartTime must be before EventEndTime."):
        client.start_replay(**{**given, "EventStartTime": END}, EventSourceArn=archive)
    with pytest.raises(ClientError, match="Destination.Arn is not valid. Reason: Cross event bus replay is not permit"):
        client.start_replay(
            **{**given, "Destination": {"Arn": bus.replace("default", "other")}}, EventSourceArn=archive
        )
    client.start_replay(**given, EventSourceArn=archive)
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException, match="Replay r already exists."):
        client.start_replay(**given, EventSourceArn=archive)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Replay s does not exist."):
        client.cancel_replay(ReplayName="s")
    deadline = time.monotonic() + 60
    while client.describe_replay(ReplayName="r")["State"] != "COMPLETED":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(client.exceptions.IllegalStatusException):
        client.cancel_replay(ReplayName="r")
    assert [one["ReplayName"] for one in client.list_replays(State="COMPLETED")["Replays"]] == ["r"]
    assert [one["ArchiveName"] for one in client.list_archives(NamePrefix="a")["Archives"]] == ["a"]
    client.delete_archive(ArchiveName="a")
    assert client.list_archives()["Archives"] == []


@pytest.mark.slow
def test_archived_events_and_replays_outlive_a_crash(killable: Any) -> None:
    killable.start()
    client, logs = killable.client("events"), killable.client("logs")
    bus = "arn:aws:events:us-east-1:000000000000:event-bus/default"
    archive = client.create_archive(ArchiveName="a", EventSourceArn=bus)["ArchiveArn"]
    for batch in range(50):
        client.put_events(
            Entries=[
                {"Source": "app", "DetailType": "made", "Detail": json.dumps({"n": batch * 10 + n})} for n in range(10)
            ]
        )
    killable.kill()
    killable.start()
    assert client.describe_archive(ArchiveName="a")["EventCount"] == 500
    logs.create_log_group(logGroupName="/seen")
    client.put_rule(Name="r", EventPattern='{"source": ["app"]}')
    group = "arn:aws:logs:us-east-1:000000000000:log-group:/seen:*"
    client.put_targets(Rule="r", Targets=[{"Id": "log", "Arn": group, "InputPath": "$.detail.n"}])
    client.start_replay(
        ReplayName="again", EventSourceArn=archive, EventStartTime=START, EventEndTime=END, Destination={"Arn": bus}
    )
    killable.kill()
    killable.start()
    deadline = time.monotonic() + 60
    seen: set[str] = set()
    while len(seen) < 500:
        assert time.monotonic() < deadline, f"{len(seen)} of 500 events"
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName="/seen"):
            seen |= {event["message"] for event in page["events"]}
        time.sleep(0.1)
    assert client.describe_replay(ReplayName="again")["State"] in ("RUNNING", "COMPLETED")
