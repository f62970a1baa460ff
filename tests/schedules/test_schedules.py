"""Schedule expressions against tables of AWS's documented examples, and against a minute-by-minute reference."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.schedules import ScheduleError, parse


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def following(expression: str, after: str, count: int = 1, timezone: str = "UTC") -> list[str]:
    schedule, time, found = parse(expression, timezone=timezone), at(after), []
    for _ in range(count):
        following = schedule.next_time(time)
        if following is None:
            break
        time = following
        found.append(datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("expression", "after", "times"),
    [
        ("cron(0 10 * * ? *)", "2026-01-01T10:00:00Z", ["2026-01-02T10:00:00", "2026-01-03T10:00:00"]),
        ("cron(15 12 * * ? *)", "2026-01-01T12:14:59.5Z", ["2026-01-01T12:15:00"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02T18:00:00Z", ["2026-01-05T18:00:00"]),
        ("cron(0 8 1 * ? *)", "2026-01-01T08:00:00Z", ["2026-02-01T08:00:00"]),
        ("cron(0/10 * ? * MON-FRI *)", "2026-01-02T23:45:00Z", ["2026-01-02T23:50:00", "2026-01-05T00:00:00"]),
        ("cron(0/5 8-17 ? * mon-fri *)", "2026-01-02T17:51:00Z", ["2026-01-02T17:55:00", "2026-01-05T08:00:00"]),
        ("cron(15 10 ? * 6L 2026-2028)", "2026-01-01T00:00:00Z", ["2026-01-30T10:15:00", "2026-02-27T10:15:00"]),
        ("cron(0 0 ? * SAT#3 *)", "2026-01-01T00:00:00Z", ["2026-01-17T00:00:00", "2026-02-21T00:00:00"]),
        ("cron(0 0 ? * 3#2 *)", "2026-01-01T00:00:00Z", ["2026-01-13T00:00:00"]),
        ("cron(0 0 ? * 2#5 *)", "2026-01-01T00:00:00Z", ["2026-03-30T00:00:00"]),
        ("cron(0 0 L * ? *)", "2028-02-01T00:00:00Z", ["2028-02-29T00:00:00", "2028-03-31T00:00:00"]),
        ("cron(0 0 15W * ? *)", "2026-02-01T00:00:00Z", ["2026-02-16T00:00:00"]),
        ("cron(0 0 1W 8 ? *)", "2026-01-01T00:00:00Z", ["2026-08-03T00:00:00"]),
        ("cron(0 0 31W 1,5 ? *)", "2026-01-01T00:00:00Z", ["2026-01-30T00:00:00", "2026-05-29T00:00:00"]),
        ("cron(0 0 LW 2 ? 2026)", "2026-01-01T00:00:00Z", ["2026-02-27T00:00:00"]),
        ("cron(0 22-1 * * ? *)", "2026-01-01T21:00:00Z", ["2026-01-01T22:00:00", "2026-01-01T23:00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00Z", ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]),
        ("cron(0 0 30 2 ? *)", "2026-01-01T00:00:00Z", []),
        ("cron(0 0 * * ? 2020)", "2026-01-01T00:00:00Z", []),
        ("at(2026-03-04T05:06:07)", "2026-03-04T05:06:06Z", ["2026-03-04T05:06:07"]),
        ("at(2026-03-04T05:06:07)", "2026-03-04T05:06:07Z", []),
    ],
)
def test_the_next_times(expression: str, after: str, times: list[str]) -> None:
    assert following(expression, after, max(len(times), 1)) == times


@pytest.mark.parametrize(
    "expression",
    [
        *("", "rate", "rate()", "rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(-1 minute)"),
        *("rate(1.5 hours)", "rate(10 seconds)", "rate(2 years)", " rate(1 minute)", "rate(1 minute) "),
        *("rate( 1 minute)", "rate(1  minute)", "rate(99999999999 days)", "rate(٣ days)"),
        *("cron(0 1 * * * *)", "cron(71 8 1 * ? *)", "cron(7 20 * * NOT *)", "cron(0 0 ? * ? *)", "cron(* * * * ?)"),
        *("cron(0 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * 2#6 *)", "cron(0/0 * * * ? *)"),
        *("cron(0 0 * * ? 1969)", "cron(0 0 * * ? 2030-2029)", "cron(0 0 32W * ? *)", "cron(, * * * ? *)"),
        *("cron(1- * * * ? *)", "cron(L * * * ? *)", "cron(0 0 W * ? *)", "cron(0  0 * * ? *)"),
        *("at(2026-01-01)", "at(2026-01-01T00:00:00Z)", "at(2026-02-30T00:00:00)", "at(0000-01-01T00:00:00)"),
    ],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError):
        parse(expression)


def test_a_unit_need_not_agree_where_that_is_said() -> None:
    for expression in ("rate(1 minutes)", "rate(1 minute)"):
        assert parse(expression, agreeing=False).next_time(0.0) == 60.0


def test_only_the_kinds_asked_for_are_read() -> None:
    with pytest.raises(ScheduleError):
        parse("at(2026-01-01T00:00:00)", kinds=("rate", "cron"))


def test_a_time_zone_must_exist() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", "", "Europe"):
        with pytest.raises(ScheduleError):
            parse("rate(1 minute)", timezone=name)


def test_a_rate_counts_from_its_start_without_drift() -> None:
    schedule = parse("rate(5 minutes)", start=100.25)
    assert schedule.next_time(100.25) == 400.25
    assert schedule.next_time(400.2) == 400.25
    assert schedule.next_time(400.25) == 700.25
    assert schedule.next_time(10_000.0) == 10_000.25
    assert schedule.next_time(0.0) == 400.25


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "times"),
    [
        # New York goes forward on 8 March 2026 at 2:00 and back on 1 November at 2:00.
        ("cron(30 2 * * ? *)", "America/New_York", "2026-03-07T00:00:00-05:00", ["03-07T07:30", "03-09T06:30"]),
        ("cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00:00-04:00", ["11-01T05:30", "11-02T06:30"]),
        ("cron(0 9 * * ? *)", "Europe/Berlin", "2026-03-28T00:00:00+01:00", ["03-28T08:00", "03-29T07:00"]),
        ("cron(0,30 1-2 * * ? *)", "America/New_York", "2026-11-01T05:59:00Z", ["11-01T07:00", "11-01T07:30"]),
        ("at(2026-07-01T09:00:00)", "Asia/Tokyo", "2026-01-01T00:00:00Z", ["07-01T00:00"]),
    ],
)
def test_times_are_local_and_changes_of_the_clocks_neither_invent_nor_repeat_any(
    expression: str, timezone: str, after: str, times: list[str]
) -> None:
    assert following(expression, after, len(times), timezone) == [f"2026-{time}:00" for time in times]


def reference(expression: str, after: datetime, minutes: int) -> datetime | None:
    """The next time by trying each minute, for plain values, L, W, LW and #."""
    minute, hour, day_of_month, month, day_of_week, _year = expression[5:-1].split()

    def listed(field: str, value: int) -> bool:
        return field == "*" or str(value) in field.split(",")

    def weekday(day: datetime) -> int:
        return day.isoweekday() % 7 + 1

    def nearest(day: datetime, wanted: int) -> bool:
        length = monthrange(day.year, day.month)[1]
        if wanted > length or weekday(day) in (1, 7):
            return False
        of_month = [one for one in range(1, length + 1) if weekday(day.replace(day=one)) not in (1, 7)]
        target = day.replace(day=wanted)
        return min(of_month, key=lambda one: (abs((day.replace(day=one) - target).days), one)) == day.day

    def day_matches(day: datetime) -> bool:
        length = monthrange(day.year, day.month)[1]
        if day_of_week == "?":
            if day_of_month == "L":
                return day.day == length
            if day_of_month == "LW":
                return nearest(day, length)
            if day_of_month.endswith("W"):
                return nearest(day, int(day_of_month[:-1]))
            return listed(day_of_month, day.day)
        if "#" in day_of_week:
            wanted, count = day_of_week.split("#")
            return weekday(day) == int(wanted) and (day.day - 1) // 7 + 1 == int(count)
        if day_of_week.endswith("L"):
            return weekday(day) == int(day_of_week[:-1]) and day.day > length - 7
        return listed(day_of_week, weekday(day))

    time = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    end = time + timedelta(minutes=minutes)
    while time < end:
        if not (listed(month, time.month) and day_matches(time)):
            time = time.replace(hour=0, minute=0) + timedelta(days=1)
        elif not listed(hour, time.hour):
            time = time.replace(minute=0) + timedelta(hours=1)
        elif not listed(minute, time.minute):
            time += timedelta(minutes=1)
        else:
            return time
    return None


def values(low: int, high: int) -> st.SearchStrategy[str]:
    some = st.lists(st.integers(low, high), min_size=1, max_size=3, unique=True)
    return st.just("*") | some.map(lambda numbers: ",".join(map(str, numbers)))


days = st.one_of(
    st.tuples(values(1, 31) | st.integers(1, 31).map("{}W".format) | st.sampled_from(["L", "LW"]), st.just("?")),
    st.tuples(
        st.just("?"),
        values(1, 7)
        | st.integers(1, 7).map("{}L".format)
        | st.tuples(st.integers(1, 7), st.integers(1, 5)).map("{0[0]}#{0[1]}".format),
    ),
)


@settings(max_examples=150, deadline=None)
@given(values(0, 59), values(0, 23), days, values(1, 12), st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))
def test_the_next_time_is_the_first_minute_that_matches(
    minute: str, hour: str, day: tuple[str, str], month: str, after: datetime
) -> None:
    expression = f"cron({minute} {hour} {day[0]} {month} {day[1]} *)"
    moment = after.replace(tzinfo=UTC)
    expected = reference(expression, moment, 3 * 366 * 1440)
    found = parse(expression).next_time(moment.timestamp())
    if expected is None:
        assert found is None or found >= (moment + timedelta(days=3 * 366)).timestamp()
    else:
        assert found == expected.timestamp()


@given(st.text("rateconm(0123456789*?/-,LW# MONJAN:T)", max_size=40))
def test_no_text_fails_in_another_way(text: str) -> None:
    for expression in (text, f"cron({text})", f"rate({text})", f"at({text})"):
        try:
            parse(expression).next_time(1.7e9)
        except ScheduleError:
            continue
