from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kumoi.services.logs.filter_pattern import parse
from kumoi.services.logs.filter_pattern.lexer import Malformed
from kumoi.services.logs.filter_pattern.regex import Regex

TEXTS = [
    "ERROR",
    "WARN",
    "aaaa",
    "aa",
    "cat",
    "a cat",
    "hat",
    "color",
    "colour",
    "a-b",
    "a b",
    "a\nb",
    "123",
    "_",
    "café",
    "key:value",
    "ab",
    "back\\slash",
    "!",
]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("%ERROR|WARN%", ["ERROR", "WARN"]),
        ("%^[hc]at$%", ["cat", "hat"]),
        ("%^a{3,5}$%", ["aaaa"]),
        ("%colou?r%", ["color", "colour"]),
        (r"%\d+%", ["123"]),
        (r"%\w+%", TEXTS[:-1]),
        (r"%a\sb%", ["a b", "a\nb"]),
        (r"%\x3A%", ["key:value"]),
        ("%a.b%", ["a-b", "a b"]),
        (r"%a\-b%", ["a-b"]),
        ("%a+?%", [text for text in TEXTS if "a" in text]),
        ("%^shutting down|^a cat%", ["a cat"]),
        (r"%\W%", ["a cat", "a-b", "a b", "a\nb", "café", "key:value", "back\\slash", "!"]),
        (r"%\\%", ["back\\slash"]),
        ("%af.$%", ["café"]),
    ],
)
def test_recorded_answers(pattern: str, found: list[str]) -> None:
    parsed = parse(pattern)
    assert [text for text in TEXTS if parsed.match(text)] == found


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\W", r"\s", r"\.", "-", " ", "[]x]", "[b-]"])
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "{,2}", "*?"])
SEQUENCES = st.lists(st.tuples(ATOMS, REPEATS).map("".join), max_size=5).map("".join)
EXPRESSIONS = st.lists(
    st.tuples(st.sampled_from(["", "^"]), SEQUENCES, st.sampled_from(["", "$"])).map("".join), min_size=1, max_size=3
).map("|".join)


@settings(max_examples=400, deadline=None)
@given(source=EXPRESSIONS, text=st.text(st.sampled_from("abcx1. -\né"), max_size=10))
def test_the_automaton_finds_what_backtracking_finds(source: str, text: str) -> None:
    python = re.compile(source.replace("{,2}", "{0,2}"), re.ASCII)
    assert Regex(source).search(text) == (python.search(text) is not None)


@pytest.mark.parametrize("source", ["a*" * 12 + "b", "a.*a.*a.*a.*b", "[ab]{0,400}c", "a?" * 200 + "a" * 200 + "b"])
def test_no_expression_takes_more_than_linear_time(source: str) -> None:
    assert not Regex(source).search("a" * 200_000)


@settings(max_examples=200, deadline=None)
@given(source=st.text(st.sampled_from("ab^$?[]{}|\\*+.-,1x d"), max_size=20))
def test_any_source_compiles_or_is_refused(source: str) -> None:
    try:
        regex = Regex(source)
    except Malformed:
        assume(False)
    else:
        regex.search("ab 1\n")


def test_an_expression_too_large_is_refused() -> None:
    with pytest.raises(Malformed, match="Failed to compile"):
        Regex("a{1000}" * 3)
