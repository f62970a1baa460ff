"""Scheduled actions by boto3, on the platform's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

Capacity = Callable[[], tuple[int, int]]
Refused = Callable[..., tuple[str, str]]


@pytest.mark.kumoi_clock
def test_a_table_has_more_by_day(
    kumoi: Any, scaling: Any, reads: dict[str, str], capacity: Capacity, activities: Any
) -> None:
    scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=50)
    zone = "Asia/Tokyo"
    for name, hour, least in (("morning", 8, 20), ("evening", 20, 2)):
        scaling.put_scheduled_action(
            **reads,
            ScheduledActionName=name,
            Schedule=f"cron(0 {hour} * * ? *)",
            Timezone=zone,
            ScalableTargetAction={"MinCapacity": least, "MaxCapacity": least + 5},
        )
    now = kumoi.now().astimezone(ZoneInfo(zone))
    until_morning = (now.replace(hour=8, minute=0, second=30, microsecond=0) - now).total_seconds() % 86_400
    kumoi.advance(until_morning)
    assert capacity() == (20, 5)
    kumoi.advance("12h")
    assert capacity() == (7, 5)
    told = activities()[-4:]
    assert told == [
        (
            "Setting min capacity to 20 and max capacity to 25",
            "scheduled action name morning was triggered",
            "Successful",
        ),
        ("Setting read capacity units to 20.", "minimum capacity was set to 20", "Successful"),
        (
            "Setting min capacity to 2 and max capacity to 7",
            "scheduled action name evening was triggered",
            "Successful",
        ),
        ("Setting read capacity units to 7.", "maximum capacity was set to 7", "Successful"),
    ]
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 7)
    scaling.register_scalable_target(**reads, SuspendedState={"ScheduledScalingSuspended": True})
    kumoi.advance("1d")
    assert capacity() == (7, 5)
    scaling.register_scalable_target(**reads, SuspendedState={"ScheduledScalingSuspended": False})
    scaling.delete_scheduled_action(**reads, ScheduledActionName="morning")
    kumoi.advance("1d")
    assert capacity() == (7, 5)


@pytest.mark.kumoi_clock
def test_once_and_between_two_moments(kumoi: Any, scaling: Any, reads: dict[str, str], capacity: Capacity) -> None:
    scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=50)
    now = kumoi.now()
    then = (now + timedelta(minutes=10)).astimezone(UTC)

    def put(name: str, schedule: str, least: int, **more: Any) -> None:
        scaling.put_scheduled_action(
            **reads,
            ScheduledActionName=name,
            Schedule=schedule,
            ScalableTargetAction={"MinCapacity": least},
            **more,
        )

    put("once", f"at({then:%Y-%m-%dT%H:%M:%S})", 9)
    start, end = now + timedelta(hours=1), now + timedelta(hours=2, minutes=30)
    put("often", "rate(1 hour)", 12, StartTime=start, EndTime=end)
    kumoi.advance("11m")
    assert capacity()[0] == 9
    kumoi.advance("50m")
    assert capacity()[0] == 12
    scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=3)
    scaling.register_scalable_target(**reads, MaxCapacity=50)
    kumoi.advance("1h")
    assert capacity()[0] == 12
    scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=3)
    kumoi.advance("1d")
    assert capacity()[0] == 3


@pytest.mark.usefixtures("orders")
def test_what_no_action_can_be(scaling: Any, reads: dict[str, str], refused: Refused) -> None:
    good: dict[str, Any] = {"Schedule": "rate(1 hour)", "ScalableTargetAction": {"MinCapacity": 2}}

    def put(**changed: Any) -> tuple[str, str]:
        return refused(scaling.put_scheduled_action, **reads, ScheduledActionName="s", **{**good, **changed})

    assert put()[0] == "ObjectNotFoundException"
    scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=50)
    invalid = "ValidationException"
    assert put(Schedule="every day") == (invalid, "Schedule expression is invalid: every day")
    assert put(Timezone="Mars/Olympus") == (invalid, "Invalid timezone: Mars/Olympus")
    assert put(ScalableTargetAction={})[0] == invalid
    assert put(ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 2})[0] == invalid
    assert put(Schedule="at(2020-01-01T00:00:00)")[0] == invalid
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    assert put(StartTime=moment, EndTime=moment)[0] == invalid
    assert refused(scaling.put_scheduled_action, **reads, ScheduledActionName="s")[0] == invalid


def test_what_is_told_of_an_action(kumoi: Any, scaling: Any, orders: Any, reads: dict[str, str]) -> None:
    scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=50)
    start = datetime(2030, 1, 1, tzinfo=UTC)
    given = {"Schedule": "rate(1 hour)", "Timezone": "Europe/Berlin", "ScalableTargetAction": {"MinCapacity": 2}}
    scaling.put_scheduled_action(**reads, ScheduledActionName="s", **given, StartTime=start)

    def described() -> dict[str, Any]:
        (action,) = scaling.describe_scheduled_actions(ServiceNamespace="dynamodb")["ScheduledActions"]
        assert action.pop("CreationTime")
        assert action.pop("ScheduledActionARN").endswith(":resource/dynamodb/table/orders:scheduledActionName/s")
        return dict(action)

    assert described() == {**reads, **given, "ScheduledActionName": "s", "StartTime": start}
    scaling.put_scheduled_action(**reads, ScheduledActionName="s", ScalableTargetAction={"MaxCapacity": 3})
    changed = {**given, "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 3}}
    assert described() == {**reads, **changed, "ScheduledActionName": "s"}
