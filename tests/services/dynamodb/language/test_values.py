"""Attribute values: what is one, how large it is, and when two are equal."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.dynamodb.language.values import compare, equal, measured, normalise, size_of
from kumoi.wire.errors import AwsError

INVALID = "One or more parameter values were invalid: "


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels - 1):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
        ({"S": "a", "N": "x"}, "The parameter cannot be converted to a numeric value: x"),
        ({"NULL": False}, INVALID + "Null attribute value types must have the value of true"),
        ({"SS": []}, INVALID + "An string set  may not be empty"),
        ({"NS": []}, INVALID + "An number set  may not be empty"),
        ({"BS": []}, INVALID + "Binary sets should not be empty"),
        ({"SS": ["a", "a"]}, INVALID + "Input collection [a, a] contains duplicates."),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        ({"BS": [b"b", b"b"]}, INVALID + "Input collection [Yg==, Yg==]of type BS contains duplicates."),
        ({"L": [{"M": {"a": {"N": "x"}}}]}, "The parameter cannot be converted to a numeric value: x"),
        (
            deep(33),
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit",
        ),
    ],
)
def test_what_is_no_value_is_refused(value: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as refused:
        normalise(value)
    assert refused.value.message == message
    with pytest.raises(AwsError) as refused:
        measured({"a": value})
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ({"S": ""}, {"S": ""}),
        ({"N": "01.0"}, {"N": "1"}),
        ({"L": [{"N": "1e1"}, {"NULL": True}]}, {"L": [{"N": "10"}, {"NULL": True}]}),
        ({"M": {"a": {"NS": ["1.0", "2"]}}}, {"M": {"a": {"NS": ["1", "2"]}}}),
    ],
)
def test_numbers_within_become_canonical(value: dict[str, Any], canonical: dict[str, Any]) -> None:
    assert normalise(value) == canonical
    assert measured({"a": value})[0] == {"a": canonical}
    assert normalise(deep(32)) == deep(32)


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"a": {"S": "é"}}, 3),
        ({"é": {"B": b"xyz"}}, 5),
        ({"a": {"BOOL": False}, "b": {"NULL": True}}, 4),
        ({"a": {"L": []}}, 4),
        ({"a": {"L": [{"S": "x"}, {"N": "1"}]}}, 1 + 3 + 2 + 3),
        ({"a": {"M": {"bc": {"S": "x"}}}}, 1 + 3 + 1 + 3),
        ({"a": {"SS": ["x", "yz"]}}, 4),
        ({"a": {"NS": ["1", "200"]}}, 1 + 2 + 2),
    ],
)
def test_an_items_size_is_that_of_its_names_and_values(item: dict[str, Any], size: int) -> None:
    assert size_of(item) == size
    assert measured(item) == (item, size)


numbers = st.one_of(
    st.integers(-(10**40), 10**40).map(str), st.sampled_from(["0", "-0", "1.50", "007", "1e3", "x", "٣"])
)
values = st.recursive(
    st.one_of(
        st.text(max_size=3).map(lambda text: {"S": text}),
        st.binary(max_size=3).map(lambda content: {"B": content}),
        numbers.map(lambda text: {"N": text}),
        st.booleans().map(lambda flag: {"BOOL": flag}),
        st.booleans().map(lambda flag: {"NULL": flag}),
        st.lists(numbers, max_size=2).map(lambda found: {"NS": found}),
        st.just({}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: {"L": found}),
        st.dictionaries(st.text(max_size=2), inner, max_size=3).map(lambda found: {"M": found}),
    ),
    max_leaves=6,
)


@settings(max_examples=100)
@given(st.dictionaries(st.text(max_size=3), values, max_size=3))
def test_measuring_is_normalising_and_sizing(item: dict[str, Any]) -> None:
    given_item = copy.deepcopy(item)
    try:
        canonical = {name: normalise(value) for name, value in item.items()}
    except AwsError as refusal:
        with pytest.raises(AwsError) as refused:
            measured(item)
        assert refused.value.message == refusal.message
    else:
        assert measured(item) == (canonical, size_of(canonical))
    assert item == given_item


def test_sets_are_equal_in_any_order_and_lists_in_theirs() -> None:
    assert equal({"SS": ["a", "b"]}, {"SS": ["b", "a"]})
    assert equal({"M": {"x": {"L": [{"NS": ["1", "2"]}]}}}, {"M": {"x": {"L": [{"NS": ["2", "1"]}]}}})
    assert not equal({"L": [{"N": "1"}, {"N": "2"}]}, {"L": [{"N": "2"}, {"N": "1"}]})
    assert not equal({"S": "1"}, {"N": "1"})
    assert not equal({"SS": ["a"]}, {"SS": ["a", "b"]})


def test_only_texts_numbers_and_bytes_have_an_order() -> None:
    assert compare({"N": "9"}, {"N": "10"}) == -1
    assert compare({"S": "9"}, {"S": "10"}) == 1
    assert compare({"S": "\U0001f600"}, {"S": "\ufffd"}) == 1  # by code points, not by UTF-16 units
    assert compare({"B": b"\x80"}, {"B": b"\x7f"}) == 1
    assert compare({"S": "a"}, {"N": "1"}) is None
    assert compare({"BOOL": True}, {"BOOL": False}) is None
