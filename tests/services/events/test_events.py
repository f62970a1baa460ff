"""Events put by boto3 reach the targets of the rules they match."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_an_event_reaches_the_target_of_a_rule_that_matches(
    kumoi: Any, listen: Callable[..., str], put: Callable[..., Any], logged: Callable[..., list[str]]
) -> None:
    listen({"source": ["app"], "detail": {"state": ["done"]}})
    put({"state": "new"})
    answer = put({"state": "done"}, Resources=["r"], Time=datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC))
    (message,) = logged(1)
    assert message == json.dumps(
        {
            "version": "0",
            "id": answer["EventId"],
            "detail-type": "made",
            "source": "app",
            "account": kumoi.account,
            "time": "2026-01-02T03:04:05Z",
            "region": "us-east-1",
            "resources": ["r"],
            "detail": {"state": "done"},
        },
        separators=(",", ":"),
    )


def test_entries_are_taken_or_refused_one_by_one_and_in_order(client: Any) -> None:
    good = {"Source": "app", "DetailType": "made", "Detail": "{}"}
    answer = client.put_events(
        Entries=[
            {**good, "Detail": '"text"'},
            good,
            {**good, "Detail": "{"},
            {"DetailType": "made", "Detail": "{}"},
            {"Source": "app", "Detail": "{}"},
            {"Source": "app", "DetailType": "made"},
            {**good, "Source": "aws.s3"},
            {**good, "EventBusName": "nowhere"},
        ]
    )
    assert answer["FailedEntryCount"] == 6
    assert [entry.get("ErrorCode", "taken") for entry in answer["Entries"]] == [
        "MalformedDetail",
        "taken",
        "MalformedDetail",
        "InvalidArgument",
        "InvalidArgument",
        "InvalidArgument",
        "NotAuthorizedForSourceException",
        "taken",
    ]
    assert (
        answer["Entries"][3]["ErrorMessage"] == "Parameter Source is not valid. Reason: Source is a required argument."
    )


def test_batches_have_their_limits(client: Any) -> None:
    entry = {"Source": "app", "DetailType": "made", "Detail": "{}"}
    with pytest.raises(ClientError, match="less than or equal to 10"):
        client.put_events(Entries=[entry] * 11)
    big = {**entry, "Detail": json.dumps({"text": "x" * 600_000})}
    assert client.put_events(Entries=[big])["FailedEntryCount"] == 0
    with pytest.raises(ClientError, match="Total size of the entries in the request is over the limit"):
        client.put_events(Entries=[big, big])


def test_rules_that_change_are_heeded_at_once(
    client: Any, listen: Callable[..., str], put: Callable[..., Any], logged: Callable[..., list[str]]
) -> None:
    listen({"detail-type": ["made"]})
    put({"n": 1})
    client.disable_rule(Name="rule")
    put({"n": 2})
    client.enable_rule(Name="rule")
    put({"n": 3})
    client.put_rule(Name="rule", EventPattern='{"detail": {"n": [5]}}')
    put({"n": 4})
    put({"n": 5})
    client.remove_targets(Rule="rule", Ids=["log"])
    put({"n": 5})
    client.delete_rule(Name="rule")
    assert sorted(json.loads(message)["detail"]["n"] for message in logged(3)) == [1, 3, 5]


def test_a_bus_hands_events_to_another_but_no_further(
    kumoi: Any, client: Any, listen: Callable[..., str], put: Callable[..., Any], logged: Callable[..., list[str]]
) -> None:
    for bus in ("second", "third"):
        client.create_event_bus(Name=bus)
    role = f"arn:aws:iam::{kumoi.account}:role/events"
    for bus, following in (("default", "second"), ("second", "third")):
        client.put_rule(Name="on", EventBusName=bus, EventPattern='{"source": ["app"]}')
        arn = f"arn:aws:events:us-east-1:{kumoi.account}:event-bus/{following}"
        client.put_targets(Rule="on", EventBusName=bus, Targets=[{"Id": "bus", "Arn": arn, "RoleArn": role}])
    listen({"source": ["app"]}, bus="second", group="/second")
    listen({"source": ["app"]}, bus="third", group="/third")
    answer = put({"n": 1})
    (message,) = logged(1, "/second")
    assert json.loads(message)["id"] == answer["EventId"]
    put({"n": 2}, EventBusName="third")
    (message,) = logged(1, "/third")
    assert json.loads(message)["detail"] == {"n": 2}


def test_the_pattern_of_an_event_can_be_tried(client: Any) -> None:
    event = {"id": "1", "account": "1", "source": "app", "time": "t", "region": "r", "detail-type": "made"}
    ask = client.test_event_pattern
    assert ask(EventPattern='{"source": ["app"]}', Event=json.dumps(event))["Result"] is True
    assert ask(EventPattern='{"source": ["other"]}', Event=json.dumps(event))["Result"] is False
    for wrong in ("{}", "[]", "{", json.dumps({"id": "1"})):
        with pytest.raises(ClientError, match="Parameter Event is not valid"):
            ask(EventPattern='{"source": ["app"]}', Event=wrong)
    with pytest.raises(client.exceptions.InvalidEventPatternException, match="Event pattern is not valid. Reason: "):
        ask(EventPattern="[]", Event=json.dumps(event))


def test_what_a_target_gets_of_an_event(
    client: Any, listen: Callable[..., str], put: Callable[..., Any], logged: Callable[..., list[str]]
) -> None:
    transformer = {"InputPathsMap": {"who": "$.detail.user.name"}, "InputTemplate": '{"hello": <who>, "t": "<who>!"}'}
    listen({"source": ["app"]}, name="constant", group="/constant", Input='{"fixed": true}')
    listen({"source": ["app"]}, name="path", group="/path", InputPath="$.detail.user")
    listen({"source": ["app"]}, name="template", group="/template", InputTransformer=transformer)
    put({"user": {"name": "Ann"}})
    assert logged(1, "/constant") == ['{"fixed": true}']
    assert logged(1, "/path") == ['{"name":"Ann"}']
    assert logged(1, "/template") == ['{"hello": "Ann", "t": "Ann!"}']
