from __future__ import annotations

import pytest

from kumoi.services.logs.filter_pattern import parse

ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


def fields(pattern: str, message: str) -> dict[str, str] | None:
    match = parse(pattern).match(message)
    return None if match is None else {name.removeprefix("$"): value for name, value in match.fields.items()}


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("[a, b, c]", "ERROR one", None),
        ("[a, b, c]", "ERROR one two", {"a": "ERROR", "b": "one", "c": "two"}),
        ("[a, b, c]", 'a "two words" c', {"a": "a", "b": "two words", "c": "c"}),
        ("[a, b, c]", "a [two words] c", {"a": "a", "b": "two words", "c": "c"}),
        ("[a, b, c]", "a  b   c ", {"a": "a", "b": "b", "c": "c"}),
        ("[a, b, c]", "a\tb\tc", {"a": "a", "b": "b", "c": "c"}),
        ("[a, b, c]", 'a "b"c d', {"a": "a", "b": "b", "c": "c d"}),
        ("[a, b, c]", "a b c d", {"a": "a", "b": "b", "c": "c d"}),
        ("[a, b, c]", 'x "y z', {"a": "x", "b": '"y', "c": "z"}),
        ("[a, b, c]", "x [y z q", {"a": "x", "b": "[y", "c": "z q"}),
        ("[a, rest]", "one", None),
        ("[a, rest]", "a b c d", {"a": "a", "rest": "b c d"}),
        ("[a, rest]", 'a "two words" c', {"a": "a", "rest": '"two words" c'}),
        ("[a, rest]", 'a "two words"', {"a": "a", "rest": "two words"}),
        ("[a, rest]", "a  b   c ", {"a": "a", "rest": "b   c "}),
        ("[a, rest]", 'x "y" ', {"a": "x", "rest": "y"}),
        ("[a, rest]", 'x ""', {"a": "x", "rest": ""}),
        ("[a, rest]", "x  ", None),
        ("[a]", "a  b   c ", {"a": "a  b   c "}),
        ("[]", 'a "unclosed', {"1": "a", "2": '"unclosed'}),
        ("[]", 'a "b"c d', {"1": "a", "2": "b", "3": "c", "4": "d"}),
        ("[..., last]", "ERROR", {"last": "ERROR"}),
        ("[..., last]", 'a "two words" c', {"1": "a", "2": "two words", "last": "c"}),
        ("[first, ..., last]", "ERROR", None),
        ("[first, ..., last]", "a b c d", {"first": "a", "2": "b", "3": "c", "last": "d"}),
        ("[first, ...]", "a b", {"first": "a", "2": "b"}),
        ("[, b,]", "a b c d", {"1": "a", "b": "b", "3": "c d"}),
        ("[a,]", "a b c", {"a": "a", "2": "b c"}),
        ("[level=ERROR, rest]", "ERROR one", {"level": "ERROR", "rest": "one"}),
        ("[level=ERROR, rest]", "WARN one", None),
        ("[level=ERROR || level=WARN, rest]", "WARN one", {"level": "WARN", "rest": "one"}),
        ("[a=1, rest]", "1.0 2", {"a": "1.0", "rest": "2"}),
        ('[a="1", rest]', "1.0 2", None),
        ("[a=%ERR%, rest]", "ERROR one", {"a": "ERROR", "rest": "one"}),
    ],
)
def test_recorded_answers(pattern: str, message: str, expected: dict[str, str] | None) -> None:
    assert fields(pattern, message) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "[ip, user, username, timestamp, request, status_code, bytes]",
        r"[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]",
        "[..., request =*.html*, status_code = 4*, bytes]",
        "[..., request =*.html*, status_code = 4*,]",
        "[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]",
        "[ip, user, ..., status_code, bytes > 1000]",
        "[..., (status_code = 4* || status_code = 500) && status_code != 403, bytes]",
        "[ip, user, ...]",
    ],
)
def test_examples_of_the_user_guide(pattern: str) -> None:
    assert parse(pattern).match(ACCESS)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[..., status_code, bytes > 2000]", ACCESS),
        ("[..., status_code > 100]", "a b text"),
        ("[w1!=ERROR && w1!=WARNING, w2]", "WARNING 09/25/2014 12:00:02 Invalid user request"),
        (
            "[level, date, time, method, url=%/service/resource/[0-9]+$%, ms]",
            "I d t POST /service/resource/67/part/1 13",
        ),
    ],
)
def test_what_does_not_match(pattern: str, message: str) -> None:
    assert parse(pattern).match(message) is None


def test_what_nothing_closes_is_looked_for_once() -> None:
    assert len(fields("[]", "[ " * 200_000) or {}) == 200_000
