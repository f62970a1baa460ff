"""Times by Java's patterns."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.java_times import BadTime, formatted, parsed, zone
from kumoi.services.appsync.resolving.javascript import build
from kumoi.services.appsync.resolving.sortable_ids import ksuid, ulid
from kumoi.services.appsync.resolving.zone_tables import named, tables

MOMENT = 1_518_073_085_123  # 2018-02-08T06:58:05.123Z, a Thursday


WRITTEN = [
    ("yyyy-MM-dd HH:mm:ssZ", "", "2018-02-08 06:58:05+0000"),
    ("yyyy-MM-dd HH:mm:ssZ", "Australia/Perth", "2018-02-08 14:58:05+0800"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "+05:30", "2018-02-08T12:28:05.123+05:30"),
    ("EEE, d MMM yyyy h:mm a", "", "Thu, 8 Feb 2018 6:58 AM"),
    ("EEEE MMMM yy", "", "Thursday February 18"),
    ("HH 'o''clock'", "", "06 o'clock"),
    ("D k K A Q X", "", "39 6 6 25085123 1 Z"),
    ("xx x ZZZZ ZZZZZ", "-03:00", "-0300 -03 GMT-03:00 -03:00"),
]


@pytest.mark.parametrize(("pattern", "where", "text"), WRITTEN)
def test_written(pattern: str, where: str, text: str) -> None:
    assert formatted(MOMENT, pattern, zone(where)) == text


READ = [
    ("2018-02-08 14:58:05+0800", "yyyy-MM-dd HH:mm:ssZ", None, MOMENT - 123),
    ("2018-02-08 14:58:05", "yyyy-MM-dd HH:mm:ss", "Australia/Perth", MOMENT - 123),
    ("2018-02-08T06:58:05.123Z", "yyyy-MM-dd'T'HH:mm:ss.SSSX", None, MOMENT),
    ("Thu, 8 Feb 2018 6:58 PM", "EEE, d MMM yyyy h:mm a", None, MOMENT - 5_123 + 43_200_000),
    ("18/2/8", "yy/M/d", None, 1_518_048_000_000),
]


@pytest.mark.parametrize(("text", "pattern", "where", "found"), READ)
def test_read(text: str, pattern: str, where: str | None, found: int) -> None:
    assert parsed(text, pattern, None if where is None else zone(where)) == found


@given(st.integers(-(10**12), 10**13), st.sampled_from(["", "Asia/Tokyo", "+05:30", "-09:30"]))
@settings(max_examples=100)
def test_what_is_written_is_read(milliseconds: int, where: str) -> None:
    pattern = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"
    assert parsed(formatted(milliseconds, pattern, zone(where)), pattern) == milliseconds


@pytest.mark.parametrize("pattern", ["yyyy-'T", "B", "y" * 257])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(BadTime):
        formatted(0, pattern)


def test_what_cannot_be_read() -> None:
    hostile = ("1" * 200, "".join(f"{letter}'1'" for letter in "yMdHms"))
    for text, pattern in (("x", "yyyy"), ("2018-13-01", "yyyy-MM-dd"), ("Nowhere/City", "VV"), hostile, ("1", "dd dd")):
        with pytest.raises(BadTime):
            parsed(text, pattern)
    with pytest.raises(BadTime):
        zone("Nowhere/City")
    with pytest.raises(BadTime):
        formatted(1e30, "yyyy")


@pytest.fixture(scope="module")
def code() -> Callable[..., Any]:
    """Evaluates an expression in a program, which knows the zones that are named."""

    def evaluate(expression: str, *arguments: Any) -> Any:
        context = build(f"const request = (ctx) => {expression}; // Formatted", 2)
        known = {"authType": "", "ids": [], "zones": tables(named(json.dumps(arguments)))}
        outcome = context.call("kumoiResolver(request)", [{"arguments": arguments}, known], now=0.0)
        if outcome.error is not None:
            raise BadTime(outcome.error.message)
        return json.loads(outcome.value or "null")["value"]

    return evaluate


@pytest.mark.parametrize(("pattern", "where", "text"), WRITTEN)
def test_written_by_code(code: Callable[..., Any], pattern: str, where: str, text: str) -> None:
    assert code("util.time.epochMilliSecondsToFormatted(...ctx.args)", MOMENT, pattern, where) == text


@pytest.mark.parametrize(("text", "pattern", "where", "found"), READ)
def test_read_by_code(code: Callable[..., Any], text: str, pattern: str, where: str | None, found: int) -> None:
    assert code("util.time.parseFormattedToEpochMilliSeconds(...ctx.args)", text, pattern, where) == found


@pytest.mark.parametrize("where", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Etc/GMT+5"])
def test_code_and_templates_know_the_same_zones(code: Callable[..., Any], where: str) -> None:
    """Around each change of clocks for sixty years, and half an hour's steps about two of them."""
    changes = [moment for moment, *_ in tables([where])[where]]
    moments = [one + by for one in changes[:120] for by in (-1000, 0, 1000)]
    moments += [one + 1_800_000 * step for one in changes[60:62] for step in range(-6, 7)]
    pattern = "yyyy-MM-dd HH:mm:ss z VV XXX"
    write = "ctx.args[0].map((one) => util.time.epochMilliSecondsToFormatted(one, ctx.args[1], ctx.args[2]))"
    assert code(write, moments, pattern, where) == [formatted(one, pattern, zone(where)) for one in moments]
    local = "yyyy-MM-dd HH:mm:ss"
    texts = [formatted(one, local, zone("-05:00")) for one in moments]
    read = "ctx.args[0].map((one) => util.time.parseFormattedToEpochMilliSeconds(one, ctx.args[1], ctx.args[2]))"
    assert code(read, texts, local, where) == [parsed(one, local, zone(where)) for one in texts]


@pytest.mark.parametrize(
    "expression",
    [
        "nowFormatted('yyyy', 'Nowhere/City')",
        "nowFormatted('B')",
        'nowFormatted("yyyy-\'T")',
        "parseFormattedToEpochMilliSeconds('2018-02-30', 'yyyy-MM-dd')",
        "parseFormattedToEpochMilliSeconds('1'.repeat(200), 'yMd')",
        "epochMilliSecondsToFormatted('x', 'yyyy')",
    ],
)
def test_what_code_cannot_write_or_read(code: Callable[..., Any], expression: str) -> None:
    with pytest.raises(BadTime):
        code(f"util.time.{expression}")


def test_ids_that_sort() -> None:
    assert ulid(1_469_918_176.385)[:10] == "01ARYZ6S41"
    assert [len(make(1.5e9)) for make in (ulid, ksuid)] == [26, 27]
    assert ksuid(1.5e9) < ksuid(1.6e9) and ulid(1.5e9) < ulid(1.6e9)


def test_a_text_full_of_what_might_be_zones_takes_no_long_time() -> None:
    letters = "abcdefghijklmnop"
    text = " ".join(f"Z{''.join(one)}/None" for one in product(letters, repeat=4)) + " Asia/Tokyo"
    began = time.thread_time()
    assert list(tables(named(text))) == ["Asia/Tokyo"]
    assert time.thread_time() - began < 2
