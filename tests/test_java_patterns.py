"""Patterns from outside: matched as a whole, refused when they are none, stopped when they take for ever."""

from __future__ import annotations

import asyncio

import pytest

from kumoi.java_patterns import BadPattern, first_mismatch


def test_the_first_value_that_does_not_match_is_told() -> None:
    async def check() -> None:
        assert await first_mismatch([]) is None
        assert await first_mismatch([("[a-z]+", "abc"), ("\\d{3}", "123"), ("", "")]) is None
        assert await first_mismatch([("[a-z]+", "abc"), ("\\d{3}", "12é")]) == 1
        assert await first_mismatch([("a", "ab"), ("b", "c")]) == 0

    asyncio.run(check())


@pytest.mark.parametrize(("pattern", "value"), [("(", "x"), ("(a|a)*", "a" * 40 + "b")])
def test_bad_patterns_are_refused(pattern: str, value: str) -> None:
    with pytest.raises(BadPattern):
        asyncio.run(first_mismatch([(pattern, value)]))
