"""Patterns with `*` and `?`: what they match, and that no pattern takes long, whatever the text."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.policy.patterns import expression


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(expression(pattern), text, re.DOTALL) is not None


@cache
def may_match(pattern: str, text: str) -> bool:
    """What the two wildcards mean, said as plainly as can be."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return may_match(pattern[1:], text) or (text != "" and may_match(pattern, text[1:]))
    return text != "" and pattern[0] in ("?", text[0]) and may_match(pattern[1:], text[1:])


@given(st.text("ab*?", max_size=8), st.text("ab\n", max_size=8))
def test_a_pattern_matches_what_its_wildcards_stand_for(pattern: str, text: str) -> None:
    assert matches(pattern, text) == may_match(pattern, text)


@pytest.mark.parametrize("pattern", ["*a" * 30 + "*b", "/" + "*a?" * 30 + "*b", "*ab" * 30 + "c"])
def test_no_text_takes_long(pattern: str) -> None:
    assert not matches(pattern, "/" + "a" * 8000)
    assert matches(pattern, "/" + "aab" * 40 + ("c" if pattern.endswith("c") else ""))
