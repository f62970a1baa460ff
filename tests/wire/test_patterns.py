"""The models' patterns mean in Python what they mean in Java."""

from __future__ import annotations

import pytest

from kumoi.wire import UnknownService
from kumoi.wire.catalog import CATALOG
from kumoi.wire.model import ServiceModel
from kumoi.wire.patterns import ANYTHING, compiled_pattern

PATTERNS = [
    (r"[a-zA-Z0-9_.-]+", "a.b-c", "a b"),
    (r"^[a-z]+$", "abc", "abc\n"),
    (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "größe 1:/=@-", "a#b"),
    (r"[\p{Alnum}]+", "aZ9", "é"),
    (r"\p{XDigit}{2}", "fF", "g0"),
    (r"[\p{S}\p{P}]+", "+.", "a"),
    (r"\P{Digit}+", "ab", "a1"),
    (r"[\w-_]*", "a-b_c", "a b"),
    (r"[\d-\w]+", "1-a", "+"),
    (r"arn:aws:iam::\d{12}:role\/[a-z]+", "arn:aws:iam::000000000000:role/a", "arn:aws:iam::1:role/a"),
    (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a😀\t", "\x01"),
    (r"\[\p{L}\]", "[a]", "a"),
    (r"a\\[x-z]", "a\\y", "a[x-z]"),
    (r"(?!aws:)[a-z:]+", "a:b", "aws:b"),
    (r"end\z", "end", "end\n"),
]


@pytest.mark.parametrize(("pattern", "yes", "no"), PATTERNS)
def test_patterns(pattern: str, yes: str, no: str) -> None:
    compiled = compiled_pattern(pattern)
    assert compiled is not None
    assert compiled.fullmatch(yes)
    assert not compiled.fullmatch(no)


@pytest.mark.parametrize("pattern", [r"[\s\S]*", r"a{2,1}", r"\p{Nothing}"])
def test_what_says_nothing_or_cannot_be_read_is_not_checked(pattern: str) -> None:
    assert compiled_pattern(pattern) is None


def test_every_pattern_of_the_services_we_carry_can_be_read() -> None:
    unreadable = set()
    for entry in CATALOG:
        try:
            shapes = ServiceModel.load(entry.name).raw["shapes"].values()
        except UnknownService:
            continue
        patterns = {shape["pattern"] for shape in shapes if "pattern" in shape} - ANYTHING
        unreadable |= {pattern for pattern in patterns if compiled_pattern(pattern) is None}
    assert not unreadable
