"""Schedules made by boto3 fire on the platform's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

OFF = {"Mode": "OFF"}


@pytest.fixture
def now(kumoi: Any) -> Callable[[], datetime]:
    """The platform's time."""
    return lambda: datetime.fromtimestamp(kumoi._connection.ask("GET", "clock")["now"], UTC)


def text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def to_half_past(time: datetime) -> float:
    """Seconds until half past the next hour: there, no hour ends between two calls."""
    return 5400 - time.timestamp() % 3600


@pytest.mark.kumoi_clock
def test_each_occurrence_of_an_hour_fires_once_with_its_own_time(
    kumoi: Any, create: Callable[..., str], seen: Callable[..., Any], now: Callable[[], datetime]
) -> None:
    before = now()
    arn = create("cron(0/5 * * * ? *)")
    after = now()
    kumoi.advance(3600)
    items = seen(12)
    first = datetime.fromisoformat(items[0]["scheduled-time"])
    assert before < first <= after + timedelta(minutes=5) and (first.minute % 5, first.second) == (0, 0)
    assert [item["scheduled-time"] for item in items][:12] == [
        text(first + timedelta(minutes=5 * n)) for n in range(12)
    ]
    assert {item["schedule-arn"] for item in items} == {arn}
    assert {item["attempt-number"] for item in items} == {"1"}


@pytest.mark.kumoi_clock
def test_a_minute_that_has_just_begun_is_over(
    kumoi: Any, create: Callable[..., str], seen: Callable[..., Any], now: Callable[[], datetime]
) -> None:
    kumoi.advance(300 - now().timestamp() % 300 + 0.01)
    made = now()
    create("cron(0/5 * * * ? *)")
    kumoi.advance(300)
    assert datetime.fromisoformat(seen(1)[0]["scheduled-time"]) > made


@pytest.mark.kumoi_clock
def test_a_rate_begins_at_once_and_counts_from_there(
    kumoi: Any, create: Callable[..., str], seen: Callable[..., Any], now: Callable[[], datetime]
) -> None:
    create("rate(20 minutes)")
    made = datetime.fromisoformat(seen(1)[0]["scheduled-time"])
    assert abs((now() - made).total_seconds()) < 60
    kumoi.advance(3600)
    assert [item["scheduled-time"] for item in seen(4)] == [text(made + timedelta(minutes=20 * n)) for n in range(4)]


@pytest.mark.kumoi_clock
def test_a_one_time_schedule_fires_once_in_its_time_zone_and_is_deleted_where_asked(
    kumoi: Any, client: Any, create: Callable[..., str], seen: Callable[..., Any], now: Callable[[], datetime]
) -> None:
    due = (now() + timedelta(hours=2)).replace(microsecond=0)
    local = (due + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S")
    zone = {"ScheduleExpressionTimezone": "Asia/Tokyo"}
    create(f"at({local})", "gone", ActionAfterCompletion="DELETE", **zone)
    kumoi.advance("1h")
    assert client.get_schedule(Name="gone")["ActionAfterCompletion"] == "DELETE"
    kumoi.advance("2h")
    assert [item["scheduled-time"] for item in seen(1)] == [text(due)]
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Schedule gone does not exist"):
        client.get_schedule(Name="gone")


@pytest.mark.kumoi_clock
def test_start_and_end_dates_bound_a_recurring_schedule(
    kumoi: Any, client: Any, create: Callable[..., str], seen: Callable[..., Any], now: Callable[[], datetime]
) -> None:
    start = (now() + timedelta(minutes=30)).replace(microsecond=0)
    dates = {"StartDate": start, "EndDate": start + timedelta(minutes=25)}
    create("rate(10 minutes)", ActionAfterCompletion="DELETE", **dates)
    kumoi.advance("3h")
    assert [item["scheduled-time"] for item in seen(3)] == [text(start + timedelta(minutes=10 * n)) for n in range(3)]
    assert client.list_schedules()["Schedules"] == []


@pytest.mark.kumoi_clock
def test_an_occurrence_takes_place_within_its_flexible_window(
    kumoi: Any, create: Callable[..., str], seen: Callable[..., Any], now: Callable[[], datetime]
) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    kumoi.advance(to_half_past(now()))
    before = now()
    create("cron(0 * * * ? *)", FlexibleTimeWindow=window)
    full = before.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    kumoi.advance((full - before).total_seconds() + 2 * 3600 + 15 * 60)
    assert [item["scheduled-time"] for item in seen(3)] == [text(full + timedelta(hours=n)) for n in range(3)]


@pytest.mark.kumoi_clock
def test_a_schedule_that_rests_does_not_fire(
    kumoi: Any,
    client: Any,
    create: Callable[..., str],
    seen: Callable[..., Any],
    target: dict[str, Any],
    now: Callable[[], datetime],
) -> None:
    kumoi.advance(to_half_past(now()))
    create("cron(0 * * * ? *)", State="DISABLED")
    kumoi.advance("3h")
    assert seen(0) == []
    client.update_schedule(Name="s", ScheduleExpression="cron(0 * * * ? *)", Target=target, FlexibleTimeWindow=OFF)
    kumoi.advance("1h")
    assert len(seen(1)) == 1
    client.delete_schedule(Name="s")
    kumoi.advance("3h")
    assert len(seen(1)) == 1


@pytest.mark.kumoi_clock
def test_what_fails_is_tried_again_on_the_clock(
    kumoi: Any, create: Callable[..., str], seen: Callable[..., Any], now: Callable[[], datetime]
) -> None:
    fault = {"action": "fail", "service": "logs", "operation": "CreateLogGroup", "account": kumoi.account, "times": 3}
    kumoi._connection.ask("POST", "faults", fault)
    due = now() + timedelta(minutes=1)
    create(f"at({due.strftime('%Y-%m-%dT%H:%M:%S')})")
    kumoi.advance("1m1s")
    assert seen(0) == []
    kumoi.advance("10s")
    assert [item["attempt-number"] for item in seen(1)] == ["4"]


def test_a_schedule_reads_back_as_it_was_made(client: Any, create: Callable[..., str], target: dict[str, Any]) -> None:
    client.create_schedule_group(Name="g", Tags=[{"Key": "k", "Value": "v"}])
    more = {"Description": "d", "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}}
    arn = create("rate(1 hour)", "s", GroupName="g", State="DISABLED", **more)
    found = client.get_schedule(Name="s", GroupName="g")
    assert arn == found["Arn"] and arn.endswith("schedule/g/s")
    assert {name: found[name] for name in more} == more
    assert (found["State"], found["ScheduleExpressionTimezone"], found["Target"]) == ("DISABLED", "UTC", target)
    assert [one["Name"] for one in client.list_schedules(GroupName="g", State="DISABLED")["Schedules"]] == ["s"]
    assert client.list_schedules(State="ENABLED")["Schedules"] == []


def test_the_same_client_token_makes_a_schedule_once(client: Any, create: Callable[..., str]) -> None:
    first = create("rate(1 hour)", State="DISABLED", ClientToken="t")
    assert create("rate(1 hour)", State="DISABLED", ClientToken="t") == first
    for token, expression in (("t", "rate(2 hours)"), ("other", "rate(1 hour)")):
        with pytest.raises(client.exceptions.ConflictException, match="Schedule s already exists"):
            create(expression, State="DISABLED", ClientToken=token)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"ScheduleExpression": "rate(0 minutes)"}, r"Invalid Schedule Expression rate\(0 minutes\)"),
        ({"ScheduleExpression": "at(2030-01-01T00:00:00Z)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "Mars"}, "Invalid ScheduleExpressionTimezone Mars"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes is required"),
        ({"Target": {"Arn": "nothing", "RoleArn": "arn:aws:iam::000000000000:role/r"}}, "not in correct format"),
        (
            {
                "Target": {
                    "Arn": "arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl",
                    "RoleArn": "arn:aws:iam::000000000000:role/r",
                }
            },
            "none that only read",
        ),
    ],
)
def test_what_could_never_work_is_refused(client: Any, target: dict[str, Any], wrong: Any, text: str) -> None:
    given = {"Name": "s", "ScheduleExpression": "rate(1 hour)", "Target": target, "FlexibleTimeWindow": OFF, **wrong}
    with pytest.raises(client.exceptions.ValidationException, match=text):
        client.create_schedule(**given)


def test_the_unit_of_a_rate_is_in_the_singular_or_the_plural(client: Any, create: Callable[..., str]) -> None:
    for number, expression in enumerate(("rate(1 hours)", "rate(1 hour)", "rate(2 hours)")):
        create(expression, f"s{number}", State="DISABLED")
        assert client.get_schedule(Name=f"s{number}")["ScheduleExpression"] == expression


def test_groups_hold_schedules_and_take_them_along(client: Any, create: Callable[..., str]) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        create("rate(1 hour)", GroupName="g")
    client.create_schedule_group(Name="g")
    for number in range(3):
        create("rate(1 hour)", f"s{number}", GroupName="g", State="DISABLED")
    pages = client.get_paginator("list_schedules").paginate(PaginationConfig={"PageSize": 2})
    assert [[one["Name"] for one in page["Schedules"]] for page in pages] == [["s0", "s1"], ["s2"]]
    assert [group["Name"] for group in client.list_schedule_groups()["ScheduleGroups"]] == ["default", "g"]
    client.delete_schedule_group(Name="g")
    assert client.list_schedules()["Schedules"] == []
    with pytest.raises(ClientError):
        client.delete_schedule_group(Name="default")


def test_groups_have_tags(client: Any) -> None:
    arn = client.create_schedule_group(Name="g", Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
