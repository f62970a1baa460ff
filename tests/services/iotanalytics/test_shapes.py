"""Shapes of messages: what they say of messages is so, and DuckDB reads by them what is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.clock import Clock
from kumoi.services.iotanalytics.channel_log import ChannelKey
from kumoi.services.iotanalytics.channel_shapes import PATIENCE, ChannelShapes
from kumoi.services.iotanalytics.shapes import Checked, Lines, Shape, Shapeless, joined, merged, quotes_in, shape_of
from kumoi.services.iotanalytics.vectorised import NotVectorised, load
from kumoi.state.sqlite import SqliteState

KEY = ChannelKey("000000000000", "us-east-1", "c", "id")


@pytest.fixture(scope="module")
def cursor() -> Iterator[Any]:
    import duckdb

    with duckdb.connect() as database:
        yield database


def lines(*messages: Any) -> Lines:
    return joined([one if isinstance(one, bytes) else orjson.dumps(one) for one in messages])


@pytest.mark.parametrize(
    ("messages", "types"),
    [
        ([{"a": 1}], {"a": "BIGINT"}),
        ([{"a": 1}, {"a": 1.5}, {"b": "x"}], {"a": "DOUBLE", "b": "VARCHAR"}),
        ([{"o": {"p": True}}, {"o": {"q": [1, 2.5]}}], {"o": {"p": "BOOLEAN", "q": ["DOUBLE"]}}),
        ([{"l": [{"a": 1}, {"b": "x"}]}], {"l": [{"a": "BIGINT", "b": "VARCHAR"}]}),
    ],
)
def test_a_shape_is_found_in_all_messages(messages: list[Any], types: Any) -> None:
    shape = shape_of(lines(*messages))
    assert shape.types == types
    shape.check(lines(*messages))


@pytest.mark.parametrize(
    "messages",
    [
        *([{"a": 1}, {"a": "x"}], [{"a": None}], [[1]], [b"x"], [{}], [{"a": {}}], [{"a": []}], [{"": 1}]),
        *([{"a": 1, "A": 2}], [{"a": 2**63}], [b'{"a": NaN}'], [b'{"a": 1,}'], [{'a"': 1}], [{"a": [1, "x"]}]),
        *([b'{"a":' * 50 + b"1" + b"}" * 50], [b'{"a": 1\r}'], [b""], [b'{"a": "\\ud800"}']),
    ],
)
def test_other_messages_have_no_shape(messages: list[Any]) -> None:
    with pytest.raises(Shapeless):
        shape_of(lines(*messages)).check(lines(*messages))


@pytest.mark.parametrize(
    "other",
    [
        *(b'{"n": 1.0}', b'{"n": "1"}', b'{"n": true}', b'{"m": 1}', b'{"n": null}', b"[1]", b'{"n": 1} {"n": 2}', b""),
        *(b'{"n": 9223372036854775808}', b'{"n": 1e3}', b'{"n": [1]}', b'{"n": {"n": 1}}', b'{"n": 1,}', b"\xff"),
    ],
)
def test_a_message_of_another_shape_is_found(other: bytes) -> None:
    shape = Shape({"n": "BIGINT"})
    shape.check(lines({"n": 1}, {}, {"n": -5}))
    with pytest.raises(Shapeless):
        shape.check(lines({"n": 1}, other))


def test_shapes_are_put_together() -> None:
    assert merged({"a": "BIGINT", "o": {"p": "DOUBLE"}}, {"a": "DOUBLE", "o": {"q": "VARCHAR"}}) == {
        "a": "DOUBLE",
        "o": {"p": "DOUBLE", "q": "VARCHAR"},
    }
    with pytest.raises(Shapeless):
        merged({"a": "BIGINT"}, {"a": "VARCHAR"})


VALUES = st.recursive(
    st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("pqr"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), min_size=1, max_size=4), st.booleans())
def test_what_has_a_shape_is_read_as_it_is(cursor: Any, messages: list[Any], spaced: bool) -> None:
    given_lines = lines(*(json.dumps(one).encode() if spaced else orjson.dumps(one) for one in messages))
    try:
        shape = shape_of(given_lines)
        shape.check(given_lines)
        cursor.execute("CREATE OR REPLACE TEMP TABLE sealed (payload VARCHAR)")
        cursor.executemany(
            "INSERT INTO sealed VALUES (?)", [[one.decode()] for one in given_lines.text.split(b"\n")[:-1]]
        )
        quotes = quotes_in(given_lines.text)
        load(cursor, Checked("SELECT payload FROM sealed", shape, len(messages), quotes), None)
    except (Shapeless, NotVectorised):
        return
    names = list(shape.types)
    found = [dict(zip(names, row, strict=True)) for row in cursor.execute("SELECT * FROM read").fetchall()]
    assert [_there(one) for one in found] == [_there(one) for one in messages]


def _there(value: Any) -> Any:
    """A value without what is missing in it."""
    if isinstance(value, dict):
        return {name: _there(inner) for name, inner in value.items() if _there(inner) not in (None, {})}
    return [_there(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("payload", [b'{"n": 1, "n": 2}', b'{"o": {"p": 1, "p": 2}}', b'{"l": [{"p": 1, "p": 1}]}'])
def test_a_name_that_comes_twice_is_found(cursor: Any, payload: bytes) -> None:
    twice = lines(payload)
    shape = shape_of(twice)
    shape.check(twice)
    cursor.execute("CREATE OR REPLACE TEMP TABLE sealed AS SELECT ? AS payload", [payload.decode()])
    with pytest.raises(NotVectorised):
        load(cursor, Checked("SELECT payload FROM sealed", shape, 1, quotes_in(twice.text)), None)


@pytest.mark.parametrize(
    ("text", "count"),
    [(b'{"a":"b"}', 4), (rb'{"a":"\""}', 4), (rb'{"a":"\\"}', 4), (rb'{"a":"\\\""}', 4), (rb'{"a\u0022":1}', 2)],
)
def test_quotes_within_texts_do_not_count(text: bytes, count: int) -> None:
    assert quotes_in(text) == count


def test_a_channel_knows_the_shapes_of_its_messages(tmp_path: Path) -> None:
    async def run() -> None:
        state = await SqliteState.open(tmp_path / "state.db", clock=Clock())
        here = state.at(KEY.account, KEY.region)
        shapes = ChannelShapes()
        first = await shapes.of(here, KEY, [b'{"a": 1}', b'{"b": "x"}'])
        second = await shapes.of(here, KEY, [b'{"a": 1.5}'])
        assert first != second
        assert None not in (first, second)
        assert await shapes.of(here, KEY, [b'{"a": null}']) is None
        for _ in range(PATIENCE):
            assert await shapes.of(here, KEY, [b'{"a": 1}']) is None
        assert await shapes.of(here, KEY, [b'{"a": 1}']) == second
        again = ChannelShapes()  # another process
        assert await again.of(here, KEY, [b'{"a": 1}']) == second
        found = await again.shape(here, KEY, [str(first), str(second)])
        assert found.types == {"a": "DOUBLE", "b": "VARCHAR"}
        with pytest.raises(Shapeless):
            await again.shape(here, KEY, ["unknown"])
        await state.close()

    asyncio.run(run())
