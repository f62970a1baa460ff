"""What is parsed and checked below Python comes out as what the decoders make of it, or is left to them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.wire import typed_json
from kumoi.wire.codec import Wire
from kumoi.wire.errors import AwsError
from kumoi.wire.operation_codec import OperationCodec
from kumoi.wire.rest_bindings import load_json


def codec_of(service: str, operation: str) -> OperationCodec:
    codec = Wire().codec(service)
    return codec.operation_codec(codec.operation(operation), "json")


PUT, QUERY = codec_of("dynamodb", "PutItem"), codec_of("dynamodb", "Query")


def parsed(codec: OperationCodec, body: bytes) -> dict[str, Any] | None:
    """What the parser takes a body for; None where it leaves it to others."""
    assert codec.parse is not None
    try:
        return codec.parse(body)
    except typed_json.REFUSED:
        return None


texts = st.text(max_size=3) | st.sampled_from(["", "1", "AA==", "AAA", "/+8=", "é", "\x00"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 40), 1 << 40) | st.floats(allow_nan=False) | texts | st.just({}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S", "N", "B", "SS", "BS", "M", "L", "NULL", "BOOL", "X"]), inner, max_size=2
        )
        | st.builds(lambda one: {"S": one}, texts)
        | st.builds(lambda one: {"B": one}, texts)
        | st.builds(lambda one: {"M": {"a": one}}, inner)
        | st.builds(lambda one: {"L": [one]}, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=100)
@given(
    st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2),
    st.sampled_from(["TableName", "X", "Expected"]),
    texts,
)
def test_what_is_parsed_is_what_is_decoded(item: dict[str, Any], name: str, text: str) -> None:
    body = orjson.dumps({name: text, "Item": item})
    found = parsed(PUT, body)
    if found is not None:
        decoded = PUT.read_document(load_json(body))
        assert found == decoded
        assert orjson.dumps(found, default=repr) == orjson.dumps(decoded, default=repr)  # the order, too


def test_a_usual_body_is_parsed() -> None:
    item = {"pk": {"S": "a"}, "n": {"N": "1"}, "b": {"B": "AP8="}, "deep": {"M": {"l": {"L": [{"NULL": True}]}}}}
    expected = item | {"b": {"B": b"\x00\xff"}}
    assert parsed(PUT, orjson.dumps({"TableName": "t", "Item": item})) == {"TableName": "t", "Item": expected}
    assert parsed(QUERY, b'{"TableName": "t", "Limit": 3}') == {"TableName": "t", "Limit": 3}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"Limit": 1.0}',
        b'{"Limit": true}',
        b'{"Limit": 2147483648}',
        b'{"TableName": null}',
        b'{"TableName": "\\ud800"}',
        b'{"TableName": 1}',
        b'{"ExclusiveStartKey": {"a": {"B": "A"}}}',
        b'{"ExclusiveStartKey": ' + b'{"a": {"M": ' * 6000 + b"{}" + b"}}" * 6000 + b"}",
    ],
)
def test_what_is_not_as_the_model_has_it_is_left_to_the_decoders(body: bytes) -> None:
    assert parsed(QUERY, body) is None


def test_the_decoders_say_what_is_wrong() -> None:
    with pytest.raises(AwsError, match="NUMBER_VALUE cannot be converted to String"):
        QUERY.decode(None, {}, {}, b'{"TableName": 1}')  # type: ignore[arg-type]
    assert QUERY.decode(None, {}, {}, b'{"TableName": null, "Limit": 2}') == {"Limit": 2}  # type: ignore[arg-type]
    assert QUERY.decode(None, {}, {}, b"") == {}  # type: ignore[arg-type]


def test_there_is_no_parser_where_members_are_of_other_kinds() -> None:
    assert codec_of("kinesis", "GetShardIterator").parse is None  # a timestamp
