"""PostgreSQL's arrays as texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kumoi.services.rds.data.arrays import array_value, contains, elements, has, length, overlaps, to_json, written
from kumoi.services.rds.data.functions import BadValue

TEXTS = {
    "{}": [],
    "{a,b}": ["a", "b"],
    ' { a , "b c" } ': ["a", "b c"],
    '{"x,y","q\\"r",NULL,"NULL"}': ["x,y", 'q"r', None, "NULL"],
    "{1,-2}": ["1", "-2"],
}


@pytest.mark.parametrize("text", TEXTS)
def test_elements(text: str) -> None:
    assert elements(text) == TEXTS[text]


@pytest.mark.parametrize("text", ["", "a", "{a", "{a,}", "{a,,b}", '{"a}', "{a}b"])
def test_what_is_no_array(text: str) -> None:
    with pytest.raises(BadValue, match="malformed array literal"):
        elements(text)


@given(st.lists(st.none() | st.text()))
def test_what_is_written_is_read(values: list[str | None]) -> None:
    assert elements(written(values)) == values


def test_operators() -> None:
    assert (contains("{a,b}", "{b}"), contains("{a}", "{a,b}"), contains(None, "{a}")) == (1, 0, None)
    assert (overlaps("{a,b}", "{b,c}"), overlaps("{a}", "{b}")) == (1, 0)
    assert (has("{1,2}", 2), has("{1,2}", 3), has("{1}", None)) == (1, 0, None)
    assert (length("{a,b}"), length("{}")) == (2, None)


def test_values_have_the_type_of_the_array() -> None:
    assert array_value("{1,2}", "_int4") == {"longValues": [1, 2]}
    assert array_value("{t,f}", "_bool") == {"booleanValues": [True, False]}
    assert array_value("{}", "_int4") == {"stringValues": []}
    assert to_json("{1.5,NULL}", "_float8") == "[1.5,null]"
