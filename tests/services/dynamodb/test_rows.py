"""How items are stored: as JSON, or as msgpack where there is binary in them; what was put in comes out."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from kumoi.services.dynamodb.language.values import size_of
from kumoi.services.dynamodb.storage import Row
from kumoi.services.dynamodb.streams.records import image_of
from kumoi.state.schema import VERSION
from kumoi.wire import cbor
from kumoi.wire.json_shapes import Written, dumps

ITEMS: list[dict[str, Any]] = [
    {"pk": {"S": "a"}},
    {"pk": {"S": 'ü "quoted" \x00 \u2028'}, "n": {"N": "-1.5"}, "no": {"NULL": True}, "set": {"SS": ["a", "b"]}},
    {"pk": {"B": b"\x00\xff"}},
    {"pk": {"S": "a"}, "deep": {"L": [{"M": {"bytes": {"BS": [b"{", b"}"]}}}]}},
]


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_comes_out_of_its_row_as_it_went_in(item: dict[str, Any]) -> None:
    row = Row(Row.of(item).raw)
    assert row.item == item
    assert row.size == size_of(item)
    assert image_of(row.packed) == item


@pytest.mark.parametrize("item", ITEMS)
def test_what_is_answered_is_what_the_item_would_be_written_as(item: dict[str, Any]) -> None:
    written = Row(Row.of(item).raw).written
    assert dumps({"Item": written}) == dumps({"Item": item})
    assert cbor.decode(cbor.encode({"Item": written})) == {"Item": item}


def test_only_an_item_without_binary_is_answered_as_it_is_stored() -> None:
    assert [isinstance(Row.of(item).written, Written) for item in ITEMS] == [True, True, False, False]


@pytest.mark.parametrize("item", ITEMS)
def test_rows_and_images_that_were_stored_as_msgpack_are_read(item: dict[str, Any]) -> None:
    packed = msgspec.msgpack.encode(item)
    assert Row(size_of(item).to_bytes(4) + packed).item == item
    assert image_of(msgspec.Raw(packed)) == item
    assert image_of(msgspec.Raw(b"\xc0")) is None
    assert orjson.loads(dumps(Row(size_of(item).to_bytes(4) + packed).written)) == orjson.loads(dumps(item))


def test_data_with_rows_of_json_are_refused_by_a_kumoi_that_knows_msgpack_only() -> None:
    assert Row.of({"pk": {"S": "a"}}).raw[4:] == b'{"pk":{"S":"a"}}'
    assert VERSION > 1
