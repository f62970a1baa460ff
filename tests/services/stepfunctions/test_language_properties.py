"""What holds of reference paths, result paths and intrinsic functions for any JSON."""

from __future__ import annotations

import base64
import copy
import hashlib
import math
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kumoi.services.stepfunctions.language import intrinsics, json_path
from kumoi.services.stepfunctions.language.json_path import PathMissing
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.services.stepfunctions.language.scope import Scope
from kumoi.services.stepfunctions.language.templates import compile_template

KEYS = st.text("ab .-'é", min_size=1, max_size=4).filter(lambda key: not key.endswith(".$"))
PLAIN = st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text("aé {}'\\", max_size=6)
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)


def scope(document: Any) -> Scope:
    return Scope(document, dict, {})


def call(text: str, document: Any) -> Any:
    """What an intrinsic function answers."""
    return intrinsics.parse(text)(scope(document))


def written(steps: list[str | int]) -> str:
    """A reference path."""
    quoted = (
        str(one) if isinstance(one, int) else "'" + one.replace("\\", "\\\\").replace("'", "\\'") + "'" for one in steps
    )
    return "$" + "".join(f"[{one}]" for one in quoted)


@st.composite
def places(draw: st.DrawFn) -> tuple[Any, list[str | int]]:
    """A document and the steps to something in it, or to where something new may stand."""
    document = draw(OBJECTS)
    steps: list[str | int] = []
    at: Any = document
    for _ in range(draw(st.integers(1, 4))):
        if isinstance(at, dict):
            steps.append(draw(st.sampled_from(sorted(at)) | KEYS if at else KEYS))
            at = at.get(steps[-1])
        elif isinstance(at, list) and at:
            element = draw(st.integers(0, len(at) - 1))
            steps.append(element)
            at = at[element]
        elif at is None:
            steps.append(draw(KEYS))
        else:
            break
    return document, steps


def put(document: Any, steps: list[str | int], value: Any) -> Any:
    """The oracle: a result put into a deep copy; null on the way becomes an object."""
    if not steps:
        return value
    step, *rest = steps
    made = {} if document is None else copy.deepcopy(document)
    made[step] = put(made.get(step) if isinstance(made, dict) else made[step], rest, value)
    return made


@given(places(), JSON)
@settings(max_examples=150)
def test_a_result_stands_where_its_path_says_and_nothing_else_changes(
    place: tuple[Any, list[str | int]], value: Any
) -> None:
    document, steps = place
    before = dumps(document)
    path = json_path.parse(written(steps))
    found = json_path.insert(path, document, value)
    assert found == put(document, steps, value)
    assert path(scope(found)) == value
    assert dumps(document) == before


@given(JSON, KEYS)
@settings(max_examples=100)
def test_a_result_has_a_place_only_in_objects(document: Any, key: str) -> None:
    path = json_path.parse(written([key]))
    if isinstance(document, dict) or document is None:
        assert json_path.insert(path, document, 1)[key] == 1
        return
    try:
        json_path.insert(path, document, 1)
    except PathMissing:
        return
    raise AssertionError(f"{document} has no members")


@given(OBJECTS)
@settings(max_examples=100)
def test_a_template_shapes_what_it_names(document: dict[str, Any]) -> None:
    template = {f"{key}.$": written([key]) for key in document}
    assert compile_template({**template, "fixed": [1]}, "Parameters")(scope(document)) == {**document, "fixed": [1]}


@given(JSON)
@settings(max_examples=100)
def test_json_becomes_text_and_back(value: Any) -> None:
    assert call("States.StringToJson(States.JsonToString($.v))", {"v": value}) == value


@given(st.text(max_size=50))
@settings(max_examples=100)
def test_texts_are_encoded_hashed_and_formatted(text: str) -> None:
    assume(not any("\ud800" <= one <= "\udfff" for one in text))
    given = {"v": text}
    assert call("States.Base64Encode($.v)", given) == base64.b64encode(text.encode()).decode()
    assert call("States.Base64Decode(States.Base64Encode($.v))", given) == text
    assert call("States.Hash($.v, 'SHA-256')", given) == hashlib.sha256(text.encode()).hexdigest()
    assert call("States.Format('<{}>', $.v)", given) == f"<{text}>"


@given(st.lists(JSON, max_size=8), st.integers(1, 9))
@settings(max_examples=100)
def test_arrays(items: list[Any], size: int) -> None:
    given = {"v": items, "n": size}
    parts = call("States.ArrayPartition($.v, $.n)", given)
    assert [one for part in parts for one in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert call("States.ArrayLength($.v)", given) == len(items)
    for at, item in enumerate(items):
        assert call("States.ArrayGetItem($.v, $.at)", {**given, "at": at}) == item
        assert call("States.ArrayContains($.v, $.item)", {**given, "item": item}) is True
    distinct = call("States.ArrayUnique($.v)", given)
    assert {dumps(one) for one in distinct} == {dumps(one) for one in items}
    assert len({dumps(one) for one in distinct}) == len(distinct)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-50, 50).filter(bool))
@settings(max_examples=100)
def test_ranges_and_sums(first: int, last: int, step: int) -> None:
    numbers = list(range(first, last + (1 if step > 0 else -1), step))
    assume(len(numbers) <= intrinsics.MAX_RANGE)
    given = {"a": first, "b": last, "s": step}
    assert call("States.ArrayRange($.a, $.b, $.s)", given) == numbers
    assert call("States.MathAdd($.a, $.b)", given) == first + last
    low, high = sorted((first, last))
    assume(low < high)
    random = call("States.MathRandom($.a, $.b)", {"a": low, "b": high})
    assert low <= random < high
    assert math.floor(random) == random


@given(OBJECTS, OBJECTS)
@settings(max_examples=100)
def test_objects_merge_at_their_first_level(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert call("States.JsonMerge($.a, $.b, false)", {"a": one, "b": other}) == {**one, **other}


@given(st.text("a,;", max_size=12))
@settings(max_examples=100)
def test_texts_split_at_any_of_some_characters(text: str) -> None:
    words = [word for word in text.replace(";", ",").split(",") if word]
    assert call("States.StringSplit($.v, ',;')", {"v": text}) == words
