"""Random patterns and events: the matcher agrees with a small oracle made in another way.

The oracle takes one object and one scalar of each array of an event in every possible way, writes each such view of the
event down as flat paths, and asks every condition of one view by the words of the user guide. No trees, no index.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.event_pattern import compile_pattern
from kumoi.services.events.records import EventBus, Rule
from kumoi.services.events.rule_index import BusIndex, ListeningRule

NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.text("xyX*", max_size=3)
NUMBERS = st.sampled_from([0, 1, 1.0, -2, 2.5])
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
KEYS = st.one_of(NAMES, NAMES, NAMES, st.tuples(NAMES, NAMES).map(".".join))
EVENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.dictionaries(NAMES, inner, max_size=3), st.lists(inner, max_size=2)),
    max_leaves=8,
)
WORDS = st.text("xyX", min_size=1, max_size=2)
OPERATORS = st.one_of(
    st.booleans().map(lambda value: {"exists": value}),
    st.tuples(st.sampled_from(["prefix", "suffix", "equals-ignore-case"]), TEXTS).map(lambda pair: {pair[0]: pair[1]}),
    st.tuples(st.sampled_from(["prefix", "suffix"]), TEXTS).map(lambda two: {two[0]: {"equals-ignore-case": two[1]}}),
    st.lists(WORDS, max_size=2).map(lambda words: {"wildcard": "*".join(words)}),
    st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS).map(lambda pair: {"numeric": list(pair)}),
    st.one_of(WORDS, NUMBERS, st.lists(WORDS, min_size=1, max_size=2)).map(lambda value: {"anything-but": value}),
    st.tuples(st.sampled_from(["prefix", "suffix", "equals-ignore-case"]), WORDS).map(
        lambda pair: {"anything-but": {pair[0]: pair[1]}}
    ),
)
LEAVES = st.lists(st.one_of(SCALARS, OPERATORS), min_size=1, max_size=2)
PATTERNS = st.recursive(
    st.dictionaries(KEYS, LEAVES, min_size=1, max_size=2),
    lambda inner: st.one_of(
        st.dictionaries(KEYS, st.one_of(LEAVES, inner), min_size=1, max_size=2),
        st.lists(inner, min_size=2, max_size=2).map(lambda two: {"$or": two}),
    ),
    max_leaves=4,
)

Flat = dict[str, Any]


def views(value: Any, path: str = "") -> Iterator[Flat]:
    """Every way to see a value with one object (or array) of each array, and one scalar beside it: path to scalar."""
    if isinstance(value, list):
        compound: list[Flat] = [{}]
        compound += [view for one in value if isinstance(one, list | dict) for view in views(one, path)]
        scalars: list[Flat] = [{}]
        scalars += [{path: one} for one in value if not isinstance(one, list | dict)]
        yield from ({**view, **scalar} for view in compound for scalar in scalars)
    elif isinstance(value, dict):
        each = [list(views(below, f"{path}.{name}")) for name, below in value.items()]
        for chosen in itertools.product(*each):
            yield {name: scalar for one in chosen for name, scalar in one.items()}
    else:
        yield {path: value}


def same(value: Any, other: Any) -> bool:
    if isinstance(value, bool) or isinstance(other, bool) or value is None or other is None:
        return value is other
    return (type(value) is str is type(other) and value == other) or (
        str not in map(type, (value, other)) and value == other
    )


def likes(condition: Any, value: Any) -> bool:
    """Whether a scalar that is there meets one condition."""
    if not isinstance(condition, dict):
        return same(condition, value)
    ((operator, operand),) = condition.items()
    if operator == "exists":
        return bool(operand)
    if operator == "anything-but":
        if isinstance(operand, dict):
            return not likes(operand, value)
        return not any(same(one, value) for one in (operand if isinstance(operand, list) else [operand]))
    if operator == "numeric":
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        comparison, bound = operand
        order = (value > bound) - (value < bound)
        return order in {"=": (0,), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}[comparison]
    if not isinstance(value, str):
        return False
    if operator == "wildcard":
        return glob(operand, value)
    if isinstance(operand, dict):
        value, operand = value.lower(), operand["equals-ignore-case"].lower()
    if operator == "prefix":
        return value[: len(operand)] == operand
    if operator == "suffix":
        return value[max(0, len(value) - len(operand)) :] == operand
    return value.lower() == operand.lower()


def glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(glob(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and text[0] == pattern[0] and glob(pattern[1:], text[1:])


def conditions(pattern: Any, path: str = "") -> Iterator[dict[str, list[Any]]]:
    """Each set of conditions that an `$or` leaves open: path to the alternatives of its leaves."""
    each = []
    for key, value in pattern.items():
        if key == "$or":
            each.append([one for alternative in value for one in conditions(alternative, path)])
        elif isinstance(value, dict):
            each.append(list(conditions(value, f"{path}.{key}")))
        else:
            each.append([{f"{path}.{key}": [value]}])
    for chosen in itertools.product(*each):
        merged: dict[str, list[Any]] = {}
        for one in chosen:
            for name, leaves in one.items():
                merged.setdefault(name, []).extend(leaves)
        yield merged


def oracle(pattern: Any, event: Any) -> bool:
    seen = list(views(event))
    anywhere = {name for view in seen for name in view}
    return any(
        all(
            (name in view and any(likes(one, view[name]) for one in leaf))
            or (name not in anywhere and any(one == {"exists": False} for one in leaf))
            for name, leaves in wanted.items()
            for leaf in leaves
        )
        for wanted in conditions(pattern)
        for view in seen
    )


@settings(max_examples=600, deadline=None)
@given(PATTERNS, st.dictionaries(NAMES, EVENTS, max_size=3))
def test_the_matcher_agrees_with_the_oracle(pattern: Any, event: Any) -> None:
    assert compile_pattern(json.dumps(pattern)).matches(event) is oracle(pattern, event)


@settings(max_examples=150, deadline=None)
@given(st.lists(PATTERNS, max_size=8), st.dictionaries(NAMES, EVENTS, max_size=3))
def test_the_index_of_a_bus_finds_what_matches(patterns: list[Any], event: Any) -> None:
    listening = [
        ListeningRule(
            Rule(bus="b", name=str(number), pattern=json.dumps(pattern), created_by="1", started=0.0),
            compile_pattern(orjson.dumps(pattern)),
            (),
        )
        for number, pattern in enumerate(patterns)
    ]
    index = BusIndex(EventBus(name="b", created=0.0, modified=0.0), listening, [])
    found = [int(one.rule.name) for one in index.matching(event)]
    assert found == [number for number, pattern in enumerate(patterns) if oracle(pattern, event)]
