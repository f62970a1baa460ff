"""Log groups, streams and events, driven by boto3 against a real platform."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

DAY = 86_400_000


@pytest.fixture
def logs(kumoi: Any) -> Any:
    client = kumoi.client("logs")
    client.create_log_group(logGroupName="g")
    for name in ("a", "b"):
        client.create_log_stream(logGroupName="g", logStreamName=name)
    return client


@pytest.fixture
def now(logs: Any, kumoi: Any) -> int:
    """The platform's time in epoch ms: another test may have advanced the clock that all share."""
    logs.create_log_stream(logGroupName="g", logStreamName="now")
    streams = logs.describe_log_streams(logGroupName="g", logStreamNamePrefix="now")["logStreams"]
    logs.delete_log_stream(logGroupName="g", logStreamName="now")
    return int(streams[0]["creationTime"])


def put(logs: Any, stream: str, *events: tuple[int, str]) -> dict[str, Any]:
    batch = [{"timestamp": when, "message": message} for when, message in events]
    return logs.put_log_events(logGroupName="g", logStreamName=stream, logEvents=batch)


def test_events_come_back_in_order_page_by_page(logs: Any, now: int) -> None:
    put(logs, "a", *((now - 1000 + number, f"m{number}") for number in range(10)))
    first = logs.get_log_events(logGroupName="g", logStreamName="a", startFromHead=True, limit=4)
    assert [event["message"] for event in first["events"]] == ["m0", "m1", "m2", "m3"]
    second = logs.get_log_events(
        logGroupName="g", logStreamName="a", startFromHead=True, limit=9, nextToken=first["nextForwardToken"]
    )
    assert [event["message"] for event in second["events"]] == [f"m{number}" for number in range(4, 10)]
    end = logs.get_log_events(logGroupName="g", logStreamName="a", nextToken=second["nextForwardToken"])
    assert end["events"] == []
    assert end["nextForwardToken"] == second["nextForwardToken"]
    put(logs, "a", (now + 1, "later"))
    later = logs.get_log_events(logGroupName="g", logStreamName="a", nextToken=end["nextForwardToken"])
    assert [event["message"] for event in later["events"]] == ["later"]


def test_the_newest_page_comes_first_by_default(logs: Any, now: int) -> None:
    put(logs, "a", *((now + number, f"m{number}") for number in range(6)))
    newest = logs.get_log_events(logGroupName="g", logStreamName="a", limit=2)
    assert [event["message"] for event in newest["events"]] == ["m4", "m5"]
    before = logs.get_log_events(logGroupName="g", logStreamName="a", limit=2, nextToken=newest["nextBackwardToken"])
    assert [event["message"] for event in before["events"]] == ["m2", "m3"]


def test_filtering_interleaves_streams_and_pages(logs: Any, now: int) -> None:
    put(logs, "a", (now, "ERROR one"), (now + 2, "fine"))
    put(logs, "b", (now + 1, "ERROR two"), (now + 3, "ERROR three"))
    pages = list(
        logs.get_paginator("filter_log_events").paginate(
            logGroupName="g", filterPattern="ERROR", PaginationConfig={"PageSize": 2}
        )
    )
    found = [event for page in pages for event in page["events"]]
    assert [(event["logStreamName"], event["message"]) for event in found] == [
        ("a", "ERROR one"),
        ("b", "ERROR two"),
        ("b", "ERROR three"),
    ]
    assert len({event["eventId"] for event in found}) == 3
    only = logs.filter_log_events(logGroupName="g", logStreamNames=["a"], startTime=now + 1, endTime=now + 3)
    assert [event["message"] for event in only["events"]] == ["fine"]
    assert logs.filter_log_events(logGroupName="g", filterPattern='{ $.level = "x" }')["events"] == []


def test_what_is_too_old_or_too_new_is_reported(logs: Any, now: int) -> None:
    assert put(logs, "a", (now - 15 * DAY, "x"))["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    answer = put(logs, "a", (now, "in"), (now + 3 * 3_600_000, "x"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    events = logs.filter_log_events(logGroupName="g")["events"]
    assert [event["message"] for event in events] == ["in"]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([(1, "b"), (0, "a")], "must be in chronological order"),
        ([(-25 * 3_600_000, "a"), (0, "b")], "cannot span more than 24 hours"),
        ([(0, "x" * 600_000), (0, "x" * 600_000)], "Upload too large"),
    ],
)
def test_wrong_batches_are_refused_whole(logs: Any, now: int, events: list[tuple[int, str]], message: str) -> None:
    with pytest.raises(logs.exceptions.InvalidParameterException, match=message):
        put(logs, "a", *((now + offset, text) for offset, text in events))
    assert logs.filter_log_events(logGroupName="g")["events"] == []


def test_streams_by_name_and_by_last_event(logs: Any, now: int) -> None:
    put(logs, "a", (now + 5, "x"))
    put(logs, "b", (now + 1, "x"), (now + 3, "y"))
    by_time = logs.describe_log_streams(logGroupName="g", orderBy="LastEventTime", descending=True)["logStreams"]
    assert [stream["logStreamName"] for stream in by_time] == ["a", "b"]
    assert (by_time[1]["firstEventTimestamp"], by_time[1]["lastEventTimestamp"]) == (now + 1, now + 3)
    pages = list(
        logs.get_paginator("describe_log_streams").paginate(logGroupName="g", PaginationConfig={"PageSize": 1})
    )
    assert [stream["logStreamName"] for page in pages for stream in page["logStreams"]] == ["a", "b"]


def test_groups_with_retention_and_tags(logs: Any, kumoi: Any) -> None:
    logs.put_retention_policy(logGroupName="g", retentionInDays=7)
    arn = f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:g"
    logs.tag_resource(resourceArn=arn, tags={"team": "edge"})
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == {"team": "edge"}
    group = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"][0]
    assert (group["retentionInDays"], group["arn"], group["logGroupArn"]) == (7, f"{arn}:*", arn)
    with pytest.raises(logs.exceptions.ClientError, match="retentionInDays"):
        logs.put_retention_policy(logGroupName="g", retentionInDays=8)


@pytest.mark.kumoi_clock
def test_expired_events_are_not_shown(logs: Any, now: int, kumoi: Any) -> None:
    put(logs, "a", (now, "old"))
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert len(logs.filter_log_events(logGroupName="g")["events"]) == 1
    kumoi.advance("25h")
    assert logs.filter_log_events(logGroupName="g")["events"] == []


def test_a_deleted_stream_and_group_are_gone_with_their_events(logs: Any, now: int) -> None:
    put(logs, "a", (now, "x"))
    logs.delete_log_stream(logGroupName="g", logStreamName="a")
    logs.create_log_stream(logGroupName="g", logStreamName="a")
    assert logs.get_log_events(logGroupName="g", logStreamName="a")["events"] == []
    logs.delete_log_group(logGroupName="g")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log group does not exist"):
        logs.describe_log_streams(logGroupName="g")


def test_refusals(logs: Any) -> None:
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException, match="The specified log group already exists"):
        logs.create_log_group(logGroupName="g")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="The specified log stream does not exist"):
        logs.get_log_events(logGroupName="g", logStreamName="none")
    with pytest.raises(ClientError, match="The specified nextToken is invalid"):
        logs.get_log_events(logGroupName="g", logStreamName="a", nextToken="f/1")


def test_a_pattern_can_be_tried(logs: Any) -> None:
    answer = logs.test_metric_filter(
        filterPattern="[ip, user, status_code = 5*]", logEventMessages=["1.2.3.4 ada 503", "1.2.3.4 ada 200"]
    )
    assert [match["eventNumber"] for match in answer["matches"]] == [1]
    assert answer["matches"][0]["extractedValues"]["$status_code"] == "503"


def test_a_function_that_logs_is_tailed_while_it_runs(kumoi: Any, zipped: Any) -> None:
    client, logs = kumoi.client("lambda"), kumoi.client("logs")
    source = "import time\ndef handler(event, context):\n    print('begun')\n    time.sleep(60)\n    print('done')\n"
    client.create_function(
        FunctionName="slow",
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": source})},
        Timeout=90,
    )
    client.invoke(FunctionName="slow", InvocationType="Event", Payload=b"{}")

    def seen() -> set[str]:
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/slow")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return set()
        return {event["message"].strip() for event in events}

    deadline = time.monotonic() + 60
    while "begun" not in (lines := seen()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "begun" in lines
    assert "done" not in lines
