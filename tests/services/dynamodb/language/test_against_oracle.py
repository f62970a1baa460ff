"""Conditions, updates and numbers against small oracles of their own, on generated items.

An oracle works on Python's values (Decimal, str, list, dict, set) and knows none of the code it checks.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kumoi.services.dynamodb.language.conditions import parse_condition
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.services.dynamodb.language.updates import added, parse_update
from kumoi.wire.errors import AwsError

WIDE = Context(prec=600, Emin=-9999, Emax=9999)

integers = st.integers(-50, 50).map(lambda number: {"N": str(number)})
texts = st.text("ab", max_size=3).map(lambda text: {"S": text})
scalars = st.one_of(integers, texts, st.booleans().map(lambda one: {"BOOL": one}), st.just({"NULL": True}))
lists = st.lists(scalars, max_size=3).map(lambda elements: {"L": elements})
maps = st.dictionaries(st.sampled_from("xy"), scalars, max_size=2).map(lambda members: {"M": members})
sets = st.sets(st.sampled_from("abc"), min_size=1).map(lambda members: {"SS": sorted(members)})
items = st.dictionaries(st.sampled_from("pqr"), st.one_of(scalars, lists, maps, sets), max_size=3)


def plain(value: Any) -> Any:
    """A value as (type, Python's value)."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, Decimal(content)
    if kind == "L":
        return kind, [plain(one) for one in content]
    if kind == "M":
        return kind, {name: plain(one) for name, one in content.items()}
    return kind, set(content) if kind == "SS" else content


def compared(operator: str, left: Any, right: Any) -> bool:
    """What the developer guide says of a comparison; None stands for an attribute that is not there."""
    if operator in ("=", "<>"):
        return (left is not None and left == right) is (operator == "=")
    if left is None or right is None or left[0] != right[0] or left[0] not in ("N", "S"):
        return False
    one, other = left[1], right[1]
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator]


comparisons = st.tuples(
    st.sampled_from(("=", "<>", "<", "<=", ">", ">=")), st.sampled_from("pqr"), st.one_of(integers, texts)
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(st.just("NOT"), inner),
        st.tuples(st.just("AND"), inner, inner),
        st.tuples(st.just("OR"), inner, inner),
    ),
    max_leaves=6,
)


def written(condition: Any, values: dict[str, Any]) -> str:
    """A condition as an expression, its values put under placeholders."""
    if condition[0] == "NOT":
        return f"NOT ({written(condition[1], values)})"
    if condition[0] in ("AND", "OR"):
        return f"({written(condition[1], values)}) {condition[0]} ({written(condition[2], values)})"
    operator, name, value = condition
    placeholder = f":v{len(values)}"
    values[placeholder] = value
    return f"{name} {operator} {placeholder}"


def holds(condition: Any, item: Any) -> bool:
    if condition[0] == "NOT":
        return not holds(condition[1], item)
    if condition[0] == "AND":
        return holds(condition[1], item) and holds(condition[2], item)
    if condition[0] == "OR":
        return holds(condition[1], item) or holds(condition[2], item)
    operator, name, value = condition
    return compared(operator, plain(item.get(name)), plain(value))


@given(conditions, items)
def test_conditions(condition: Any, item: Any) -> None:
    values: dict[str, Any] = {}
    text = written(condition, values)
    assert parse_condition(text, Names(None), Values(values)).holds(item) is holds(condition, item)


@given(items, st.one_of(scalars, lists, maps, sets), st.sampled_from("pqr"))
def test_setting_one_attribute_and_removing_another(item: Any, value: Any, name: str) -> None:
    other = "pqr"[("pqr".index(name) + 1) % 3]
    update = parse_update(f"SET {name} = :v REMOVE {other}", Names(None), Values({":v": value}))
    before = plain({"M": item})
    changed, _ = update.apply(item)
    expected = {key: one for key, one in item.items() if key not in (name, other)} | {name: value}
    assert plain({"M": changed}) == plain({"M": expected})
    assert plain({"M": item}) == before


@given(sets, sets)
def test_adding_to_a_set_and_deleting_from_it(old: Any, value: Any) -> None:
    mine, theirs = set(old["SS"]), set(value["SS"])
    for section, expected in (("ADD", mine | theirs), ("DELETE", mine - theirs)):
        changed, _ = parse_update(f"{section} p :v", Names(None), Values({":v": value})).apply({"p": old})
        assert set(changed["p"]["SS"] if "p" in changed else ()) == expected


class Counted(str):
    """A text that counts how often texts like it are compared."""

    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return str.__eq__(self, other)


def test_deleting_many_members_compares_each_a_few_times() -> None:
    count = 10_000
    old = {"SS": [Counted(number) for number in range(count)]}
    gone = {"SS": [Counted(number) for number in range(0, count, 2)]}
    update = parse_update("DELETE p :v", Names(None), Values({":v": gone}))
    Counted.comparisons = 0
    changed, _ = update.apply({"p": old})
    assert changed["p"]["SS"] == [str(number) for number in range(1, count, 2)]
    assert Counted.comparisons < 3 * count


digits = st.integers(-(10**38) + 1, 10**38 - 1)
numbers = st.tuples(digits, st.integers(-90, 60)).map(lambda parts: Decimal(parts[0]).scaleb(parts[1], WIDE))


@given(numbers, numbers, st.sampled_from("+-"))
def test_sums_are_exact_or_refused(one: Decimal, other: Decimal, operator: str) -> None:
    expected = WIDE.add(one, other) if operator == "+" else WIDE.subtract(one, other)
    shown = "".join(map(str, expected.as_tuple().digits)).strip("0")
    try:
        found = added({"N": format(one, "f")}, {"N": format(other, "f")}, operator)
    except AwsError as error:
        assert "38 significant digits" in error.message
        assert len(shown) > 38
    else:
        assert Decimal(found["N"]) == expected
        assert len(shown) <= 38
