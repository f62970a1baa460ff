"""Expressions written as Python have the value that closures have, for any message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kumoi.iot_sql import UNDEFINED, Scope, SqlError, compiled, nodes, parse_expression, rendered
from kumoi.iot_sql.straight import MOST_DEPTH, NAMES, NotStraight, Reference, Writer


def written(expression: str, message: dict[str, Any]) -> tuple[Any, Any]:
    """Whether an expression is TRUE, and its value as JSON has it."""
    node, lines = parse_expression(expression), []

    def refer(part: nodes.Node) -> Reference:
        found = Reference(f"v{len(lines)}")
        match part:
            case nodes.Attribute(name):
                lines.append(f"v{len(lines)} = message.get({name!r}, U)")
            case nodes.Member(of, name):
                inner = writer.reference(of).variable
                found = Reference(f"v{len(lines)}")
                lines.append(f"v{len(lines)} = {inner}.get({name!r}, U) if type({inner}) is dict else U")
            case _:
                lines.append(f"v{len(lines)} = {writer.constant(compiled(part))}(Scope(message))")
        return found

    constants = {**NAMES, "Scope": Scope}
    writer = Writer(refer, constants)
    source = [f"truth = {writer.is_true(node)}", f"value = {writer.rendered(node)}"]
    exec("\n".join([*lines, *source]), constants, known := {"message": message})
    return known["truth"], known["value"]


NUMBERS = st.one_of(
    st.integers(-1000, 1000),
    st.decimals(-1000, 1000, places=2).map(float),
    st.floats(allow_nan=False),
    st.integers(-(2**70), 2**70),
    st.integers(0, 10**15).map(lambda n: n / 10**6),
    st.builds(lambda a, b: a / b, st.integers(-(10**18), 10**18), st.integers(1, 2**40)),
    st.sampled_from([0.0, -0.0, 1e300, 2.0**53, 2.0**60 + 256, 1e17, 2**53 + 1, 999999999.9999999, 1e9, 10**15, 2.5]),
)
VALUES = NUMBERS | st.sampled_from(["a", "1.5", "true", None, True, False, [1], {"p": 1}, " 7 ", "1e30"])
MESSAGES = st.fixed_dictionaries(
    {"x": NUMBERS, "y": NUMBERS},
    optional={"z": VALUES, "s": VALUES, "o": st.fixed_dictionaries({}, optional={"p": VALUES})},
)
PARTS = st.sampled_from(
    [
        *(
            "x",
            "y",
            "x",
            "y",
            "z",
            "o.p",
            "gone",
            "o",
            "0",
            "1",
            "2",
            "3",
            "0.5",
            "9",
            "1.8",
            "32",
            "1000",
            "1e6",
            "7.25",
        ),
        *("0.000001", "1e20", "'a'", '"s"', "'5'", "TRUE", "NULL"),
    ]
)
TESTS = ["=", "<>", "<", "<=", ">", ">=", "AND", "OR", "LIKE"]
OF_ONE = [
    *("abs", "ceil", "floor", "round", "sign", "trunc", "sqrt", "tan", "exp", "ln", "log", "acos", "sin", "tanh"),
    "cosh",
]
OF_TWO = ["mod", "power", "atan2", "trunc", "remainder"]


def expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(TESTS), inner),
        st.builds("{}({})".format, st.sampled_from(["-", "NOT ", *OF_ONE]), inner),
        st.builds("({}{})".format, inner, st.sampled_from([" IS NULL", " IS NOT NULL"])),
        st.builds("{}({}, {})".format, st.sampled_from(OF_TWO), inner, inner),
        st.builds("({} BETWEEN {} AND {})".format, inner, inner, inner),
        st.builds("({} IN ({}, {}))".format, inner, inner, inner),
    )


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.recursive(PARTS, expressions, max_leaves=6), MESSAGES)
@example("x / 1099511627776", {"x": 2**53 + 1, "y": 0})
@example("(x * y) / 1099511627776", {"x": 94906266, "y": 94906267})
@example("atan2(x * 1, y)", {"x": -0.0, "y": -1})
@example("exp(x) > 235385266837019985", {"x": 40, "y": 0})
@example("-(x * 1e15 * 1e13) + 1", {"x": 3.000001, "y": 0})
@example("trunc(x / 3 * 1e20, 15)", {"x": 1, "y": 0})
@example("round(x)", {"x": -2.5, "y": 0})
@example("x % y", {"x": -7.25, "y": 2})
def test_the_source_has_the_value_of_the_closures(expression: str, message: dict[str, Any]) -> None:
    try:
        node = parse_expression(expression)
        value = compiled(node)(Scope(message))
    except SqlError:
        return
    assert repr(written(expression, message)) == repr((value is True, rendered(value)))


def test_the_usual_is_computed_in_whole_numbers_and_doubles() -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a decimal was made")

    writer = Writer(lambda node: Reference(node.name), {**NAMES})  # type: ignore[attr-defined]
    source = f"({writer.is_true(parse_expression('b > 10 AND h < 90.5'))}, "
    source += (
        f"{writer.rendered(parse_expression('(t - 32) * 5 / 9'))}, {writer.rendered(parse_expression('sqrt(h)'))})"
    )
    slow = dict.fromkeys(("rendered", "compared", "exact"), refuse)
    assert eval(source, {**writer.constants, **slow, "b": 11, "h": 72.25, "t": 71.3}) == (True, 21.833333333333332, 8.5)
    assert eval(source, {**writer.constants, **slow, "b": 11, "h": 72.25, "t": 68}) == (True, 20, 8.5)


@pytest.mark.parametrize("expression", ["-" * (MOST_DEPTH + 1) + "x", "(" * 90 + "x + 1" + ") + 1" * 90])
def test_deep_expressions_are_left_to_closures(expression: str) -> None:
    with pytest.raises(NotStraight):
        Writer(lambda _: Reference("v"), {}).rendered(parse_expression(expression))


def test_what_is_not_written_is_asked_for_as_a_whole() -> None:
    assert written("a[1] + 1", {"a": [1, 2]}) == (False, 3)
    assert written("CASE x WHEN 1 THEN 'one' ELSE y END", {"x": 1, "y": 2}) == (False, "one")
    assert written("a.b.c > 1", {"a": {"b": 3}}) == (False, UNDEFINED)
    assert written("CAST(1 AS string) = CAST(TRUE AS string)", {}) == (False, False)
