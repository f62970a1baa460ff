"""What a process answers of a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from kumoi.insights.answering import MOST_BYTES, Answered, Inquiry, answer, read


class Rows(NamedTuple):
    """What a statement answers."""

    rows: list[tuple[Any, ...]]


def test_an_answer_has_no_more_than_so_many_bytes() -> None:
    def ask(sql: str, parameters: Mapping[str, Any], names: tuple[str, ...] = ()) -> Rows:
        return Rows([("x" * (MOST_BYTES // 8), "pointer")] * 10)

    found = msgspec.msgpack.decode(answer(ask, Inquiry("display a", 0, None)), type=Answered)
    assert found.rows == sum(len(read(page)) for page in found.pages) == 7
