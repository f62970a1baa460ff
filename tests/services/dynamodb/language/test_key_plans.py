"""A key condition that is planned is the one that is read, whatever stands in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.dynamodb.language.key_conditions import KeyCondition, parse_key_condition
from kumoi.services.dynamodb.language.key_plans import planned
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.wire.errors import AwsError

KEYS = st.sampled_from(("pk", "sk", "#p", "#s", "other", "pk.x"))
OPERANDS = st.sampled_from((":a", ":b", "pk", "size(sk)"))
TERMS = st.one_of(
    st.builds("{} {} {}".format, KEYS, st.sampled_from(("=", "<", "<=", ">", ">=", "<>")), OPERANDS),
    st.builds("{1} = {0}".format, KEYS, OPERANDS),
    st.builds("{} BETWEEN {} AND {}".format, KEYS, OPERANDS, OPERANDS),
    st.builds("begins_with({}, {})".format, KEYS, OPERANDS),
)
TEXTS = st.lists(TERMS, min_size=1, max_size=2).map(" AND ".join)
NAMES = st.one_of(
    st.none(), st.dictionaries(st.sampled_from(("#p", "#s", "#", "#x")), st.sampled_from(("pk", "sk", "other", "")))
)
VALUES = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from((":a", ":b", ":c", "a")),
        st.sampled_from(({"S": "x"}, {"S": ""}, {"N": "1.50"}, {"N": "no"}, {"B": b"x"}, {}, {"S": "x", "N": "1"})),
    ),
)


def read(text: str, names: Any, values: Any, range_name: str) -> KeyCondition | None:
    """The condition as it is read; None where it, or a name or value, is refused."""
    try:
        known_names, known_values = Names(names), Values(values)
        found = parse_key_condition(text, known_names, known_values, "pk", range_name)
        known_names.check_used()
        known_values.check_used()
    except AwsError:
        return None
    return found


@settings(max_examples=100)
@given(TEXTS, NAMES, VALUES, st.sampled_from(("sk", "")))
def test_what_is_planned_is_what_is_read(text: str, names: Any, values: Any, range_name: str) -> None:
    found = planned(text, names, values, "pk", range_name)
    assert found is None or found == read(text, names, values, range_name)


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("pk = :a", None, {":a": {"S": "x"}}),
        ("#p = :a", {"#p": "pk"}, {":a": {"N": "1.50"}}),
        ("pk = :a AND sk > :b", None, {":a": {"S": "x"}, ":b": {"S": "y"}}),
        (":b <= #s AND pk = :a", {"#s": "sk"}, {":a": {"S": "x"}, ":b": {"B": b"y"}}),
        ("pk = :a AND sk = :a", None, {":a": {"S": "x"}}),
    ],
)
def test_what_is_usual_is_planned(text: str, names: Any, values: Any) -> None:
    found = planned(text, names, values, "pk", "sk")
    assert found is not None
    assert found == read(text, names, values, "sk")
