"""Where lines end is found by counting as it is by reading."""

from __future__ import annotations

import tempfile
from itertools import accumulate
from mmap import ACCESS_READ, mmap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.presto import splitting

lines = st.lists(st.one_of(st.just(0), st.integers(0, 30), st.just(900)), min_size=40, max_size=200)


@settings(max_examples=100, deadline=None)
@given(lines, st.data())
def test_lines_end_where_reading_finds_it(lengths: list[int], data: st.DataObject) -> None:
    ends = [0, *accumulate(length + 1 for length in lengths)]
    begin = data.draw(st.integers(0, len(lengths)))
    count = data.draw(st.integers(0, len(lengths)))
    mean = data.draw(st.sampled_from([ends[-1] / len(lengths), 0.01, 5000.0]))
    with tempfile.TemporaryFile() as file:
        file.write(b"".join(b"x" * length + b"\n" for length in lengths))
        file.flush()
        with mmap(file.fileno(), 0, access=ACCESS_READ) as rows:
            found = splitting.end_of(rows, ends[begin], count, mean)
    assert found == ends[min(begin + count, len(lengths))]


def test_pieces_may_be_smaller_than_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "_PIECE", 7)
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789\n" * 50)
        file.flush()
        with mmap(file.fileno(), 0, access=ACCESS_READ) as rows:
            assert [splitting.end_of(rows, 11, count, 11.0) for count in (0, 1, 20, 49, 99)] == [11, 22, 231, 550, 550]
