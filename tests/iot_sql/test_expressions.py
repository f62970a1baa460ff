"""Filters and math: tables of what expressions are worth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.iot_sql import UNDEFINED, Scope, SqlError, compiled, parse_expression, rendered


def worth(expression: str, **message: Any) -> Any:
    return rendered(compiled(parse_expression(expression))(Scope(message)))


@pytest.mark.parametrize(
    ("expression", "message", "value"),
    [
        ("((temp-32)*5.0)/9.0", {"temp": 68}, 20),
        ("((temp-32)*5.0)/9.0", {"temp": 32}, 0),
        ("(temp-32)*5/9", {"temp": 71.3}, 21.833333333333332),
        ("(50-32)/2", {}, 9),
        ("7 / 2", {}, 3.5),
        ("0.1 + 0.2", {}, 0.3),
        ("8 % 3", {}, 2),
        ("-8 % 3", {}, -2),
        ("- x * -2", {"x": "3"}, 6),
        ("mod(8, 3)", {}, 2),
        ("power(2, 5)", {}, 32),
        ("power(2, 0.5)", {}, 1.4142135623730951),
        ("round(1.5)", {}, 2),
        ("round(-1.5)", {}, -2),
        ("round(-1.1)", {}, -1),
        ("ceil(1.2) + floor(-1.2)", {}, 0),
        ("sign(-7)", {}, -1),
        ("trunc(2.3123, 2)", {}, 2.31),
        ("trunc(2.3123)", {}, 2),
        ("trunc(2.3123, -4)", {}, 2),
        ("trunc(2.30, 9)", {}, 2.3),
        ("atan2(1, 0)", {}, 1.5707963267948966),
        ("tan(3)", {}, -0.1425465430742778),
        ("log(1000)", {}, 3),
        ("ln(1)", {}, 0),
        ("abs(-x.y[1])", {"x": {"y": [0, 4]}}, 4),
        ("9007199254740993 + 0", {}, 9007199254740993),
    ],
)
def test_math(expression: str, message: dict[str, Any], value: Any) -> None:
    found = worth(expression, **message)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "expression",
    [
        *("acos(2)", "sqrt(-1)", "ln(0)", "x + 1", "t + 1", "1 / 0", "1 % 0", "o * 2", "n - 1", "b + 1", "exp(1000)"),
        *("power(0, -1)", "power(10, 64) * power(10, 64) * power(10, 64) * power(10, 64) * power(10, 64)", "a[9] + 1"),
    ],
)
def test_what_has_no_result_is_undefined(expression: str) -> None:
    assert worth(expression, t="warm", o={}, n=None, b=True, a=[1]) is UNDEFINED


@pytest.mark.parametrize(
    ("expression", "message", "value"),
    [
        ("temp > 40 AND hum < 20", {"temp": 41, "hum": 3}, True),
        ("temp > 40 and hum < 20", {"temp": 41, "hum": 33}, False),
        ("temp > 40", {}, UNDEFINED),
        ("NOT temp > 40", {}, UNDEFINED),
        ("temp > 40 OR hum < 20", {"hum": 3}, True),
        ("co <> NULL OR lpg <> NULL", {"lpg": 1}, True),
        ("co <> NULL OR lpg <> NULL", {"co": None}, False),
        ("co = null", {}, True),
        ("co IS NULL", {"co": None}, True),
        ("co IS NOT NULL", {"co": 0}, True),
        ("a = 1", {"a": "1"}, False),
        ("a <> 1", {"a": "1"}, True),
        ("a != b", {"a": 1}, UNDEFINED),
        ("a == 1.0", {"a": 1}, True),
        ("a >= 3", {"a": "3.0"}, True),
        ("a > 3", {"a": "x"}, UNDEFINED),
        ("a > 3", {"a": True}, UNDEFINED),
        ("a AND TRUE", {"a": "True"}, True),
        ("a AND TRUE", {"a": 1}, UNDEFINED),
        ("a = true", {"a": 1}, False),
        ("name = 'it''s'", {"name": "it's"}, True),
        ('name = "north"', {"name": "north"}, True),
        ("\"my name\" = 'x'", {"my name": "x"}, True),
        ("a IN (1, 'b')", {"a": "b"}, True),
        ("a NOT IN (1, 2)", {"a": 2.0}, False),
        ("a BETWEEN 1 AND 3 AND b", {"a": 3, "b": True}, True),
        ("a NOT BETWEEN 1 AND 3", {"a": 3.1}, True),
        ("name LIKE 'a%b_c%'", {"name": "axxbzcq"}, True),
        ("name LIKE '%a'", {"name": "ab"}, False),
        ("name LIKE 'aba%ba'", {"name": "ababa"}, True),
        ("name NOT LIKE '_'", {"name": ""}, True),
        ("a.b[0].c = 1", {"a": {"b": [{"c": 1}]}}, True),
        ("a = [1, 2]", {"a": [1, 2.0]}, True),
        ("CASE a WHEN 1 THEN 'one' ELSE 'many' END = 'many'", {"a": 2}, True),
    ],
)
def test_filters(expression: str, message: dict[str, Any], value: Any) -> None:
    assert worth(expression, **message) is value


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("temp >", "the expression ends too early"),
        ("temp > 40 ) x", "unexpected ')' at character 11"),
        ("nonsense(1)", "there is no function nonsense"),
        ("abs(1, 2)", "abs takes 1 arguments"),
        ("1e999", "a number is too large"),
        ("-" * 300 + "x", "the expression is nested too deeply"),
        ("", "the expression ends too early"),
    ],
)
def test_refusals(expression: str, told: str) -> None:
    with pytest.raises(SqlError) as error:
        compiled(parse_expression(expression))
    assert str(error.value) == told


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
PIECES = st.sampled_from(
    [
        *(
            "a",
            "b",
            "c",
            ".",
            "[0]",
            "1",
            "2.5",
            "'x'",
            '"a"',
            "+",
            "-",
            "*",
            "/",
            "%",
            "(",
            ")",
            "=",
            "<",
            "<>",
            "AND",
        ),
        *("OR", "NOT", "IN", "LIKE", "IS", "NULL", "TRUE", "abs(", "power(", ",", "CASE", "WHEN", "THEN", "END"),
        *("SELECT", "FROM"),
    ]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(PIECES, max_size=10).map(" ".join), st.dictionaries(st.sampled_from("abc"), JSON, max_size=3))
def test_any_text_is_refused_or_has_a_value(expression: str, message: dict[str, Any]) -> None:
    try:
        evaluate = compiled(parse_expression(expression))
    except SqlError:
        return
    rendered(evaluate(Scope(message)))
