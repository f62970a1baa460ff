"""Where items lie: the short way to a key says what the rules say, whatever is asked."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.dynamodb.keys import _key_of_item, key_named, key_of_item, normalised_key
from kumoi.services.dynamodb.language.values import normalise
from kumoi.services.dynamodb.records import Keys
from kumoi.services.dynamodb.storage import encoded, row_key
from kumoi.state.keys import encode
from kumoi.wire.errors import AwsError

TEXTS = st.one_of(st.text(max_size=4), st.sampled_from(("a", "b\x00", "ü" * 600, "x" * 1024, "x" * 1025, "x" * 2049)))
VALUES = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    st.sampled_from(("0", "1.50", "-7", "1e5", "no")).map(lambda text: {"N": text}),
    st.binary(max_size=4).map(lambda content: {"B": content}),
    st.just({"BOOL": True}),
    st.just({}),
    TEXTS.map(lambda text: {"S": text, "N": "1"}),
)
ATTRIBUTES = st.dictionaries(st.sampled_from(("pk", "sk", "other")), VALUES)
TYPES = st.sampled_from("SNB")
KEYS = st.one_of(
    st.builds(lambda kind: Keys("pk", kind), TYPES),
    st.builds(lambda one, two: Keys("pk", one, "sk", two), TYPES, TYPES),
)


def is_canonical(value: dict[str, Any]) -> bool:
    """Whether a value may be stored as it is."""
    return len(value) == 1 and outcome(normalise, value) == value


def outcome(function: Any, *args: Any) -> Any:
    """What a function answers, or the error that it raises."""
    try:
        return function(*args)
    except AwsError as error:
        return error.code, error.message


@settings(max_examples=100)
@given(KEYS, ATTRIBUTES)
def test_a_key_parameter_is_the_key_that_the_rules_say(keys: Keys, key: dict[str, Any]) -> None:
    assert outcome(key_named, keys, key) == outcome(lambda: normalised_key(keys, key)[1])


@settings(max_examples=100)
@given(KEYS, st.dictionaries(st.sampled_from(("pk", "sk", "other")), VALUES.filter(is_canonical)))
def test_an_item_lies_where_the_rules_say(keys: Keys, item: dict[str, Any]) -> None:
    found = outcome(key_of_item, keys, item)
    assert found == outcome(_key_of_item, keys, item)
    if not isinstance(found[0], str):
        assert encoded(7, found) == encode(row_key(7, found))
