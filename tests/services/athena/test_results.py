"""Pages of answers: whole lines out of pieces of a file."""

from __future__ import annotations

import time

import pytest

from kumoi.services.athena.operations.results import complete_lines


@pytest.mark.parametrize(
    ("content", "most", "ended", "quoted", "lines", "used"),
    [
        (b'"a"\n"b\n', 9, False, True, ['"a"'], 4),
        (b'"a"\n"b\nc"\n"d"', 9, False, True, ['"a"', '"b\nc"'], 10),
        (b'"a"\n"b\nc"\n"d"', 9, True, True, ['"a"', '"b\nc"', '"d"'], 13),
        (b'"a""\n"\n"b"\n', 1, True, True, ['"a""\n"'], 7),
        (b'a"\nb\n', 9, True, False, ['a"', "b"], 5),
        (b"", 9, True, True, [], 0),
    ],
)
def test_lines_are_whole(content: bytes, most: int, ended: bool, quoted: bool, lines: list[str], used: int) -> None:
    assert complete_lines(content, most, ended=ended, quoted=quoted) == (lines, used)


def test_a_value_of_many_lines_is_read_once() -> None:
    content = b'"' + b"ab\n" * 300_000 + b'"\n'
    began = time.thread_time()
    lines, used = complete_lines(content, 1000, ended=True, quoted=True)
    assert (len(lines), used) == (1, len(content))
    assert time.thread_time() - began < 2
