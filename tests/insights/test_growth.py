"""Functions that make texts longer cannot fill the memory: what they make is bounded, short texts come out whole."""

from __future__ import annotations

from typing import Any

import pytest

LONG = "a" * 5_000


@pytest.fixture(scope="module")
def events(make_events: Any) -> Any:
    return make_events([LONG])


def fifty(text: str) -> str:
    return f"concat({', '.join([text] * 50)})"


def within(function: str, text: str, depth: int) -> str:
    return f"{function}(" * depth + text + ")" * depth


GROWING = {
    "concat": f"{fifty(fifty('@message'))}",
    "replace": f"replace(@message, 'a', {fifty('@message')})",
    "regex_replace": f"regex_replace(@message, 'a', {fifty('@message')})",
    "references": "regex_replace(regex_replace(@message, '(a*)', '"
    + r"\\1" * 500
    + "'), '(a*)', '"
    + r"\\1" * 500
    + "')",
    "jsonStringify": within("jsonStringify", "concat('\"', @message)", 40),
    "base64encode": within("base64encode", "@message", 50),
    "urlencode": within("urlencode", "concat('%', @message)", 50),
    "split": f"jsonStringify({within('split', '@message', 1)[:-1]}, ''))",
}


@pytest.mark.parametrize("expression", GROWING.values(), ids=GROWING)
def test_what_grows_is_bounded(events: Any, expression: str) -> None:
    ((length,),) = (row.values() for row in events.ask(f"fields strlen({expression}) as n"))
    assert 3_000 <= int(length) <= 310_000


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("strlen(replace(@message, 'a', 'bcdefghij'))", "45000"),
        ("strlen(regex_replace(@message, '(a)', '(" + r"\\1" + ")'))", "15000"),
        ("strlen(regex_replace(@message, 'a{50}', " + fifty("'0123456789'") + "))", "50000"),
        ("strlen(replace(@message, '" + "a" * 50 + "', " + fifty("'0123456789'") + "))", "50000"),
        ("strlen(concat(@message, ' ', @message, '" + "x" * 500 + "'))", "10501"),
        ("replace(substr(@message, 0, 3), 'a', '')", None),
        ("replace('abc', 'b', nosuch)", None),
        ("replace('a-b-c', '-', ' ')", "a b c"),
    ],
)
def test_what_fits_is_whole(events: Any, expression: str, answer: str | None) -> None:
    (row,) = events.ask(f"fields {expression} as n")
    assert (row.get("n") or None) == answer
