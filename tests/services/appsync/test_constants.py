"""Copies of what templates write each time."""

from __future__ import annotations

import json
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.appsync.resolving.constants import copier
from kumoi.services.appsync.resolving.templates import constant

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4)
)


@given(VALUES)
@settings(max_examples=100)
def test_a_copy_is_equal_and_shares_nothing_that_changes(value: Any) -> None:
    copied = copier(value)
    first, before = copied(), json.dumps(value)
    spoil(first)
    assert json.dumps(copied()) == json.dumps(value) == before


def spoil(value: Any) -> None:
    if isinstance(value, dict):
        for one in value.values():
            spoil(one)
        value["spoilt"] = True
    if isinstance(value, list):
        for one in value:
            spoil(one)
        value.append("spoilt")


def test_what_is_rendered_is_no_constant() -> None:
    for text in ('{"a": $ctx.args.a}', "#set($a = 1){}", "", "no JSON", '"\\$ctx"'):
        assert constant(text) is None, text
    made, field = constant(' {"version": "2018-05-29", "payload": [{"a": 1}]} '), cast(Any, None)
    assert made is not None and made(field) == {"version": "2018-05-29", "payload": [{"a": 1}]}
