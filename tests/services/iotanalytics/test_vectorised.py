"""Activities in one statement: whenever they can be done so, the rows are those that come of messages one by one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from time import thread_time
from typing import Any

import duckdb
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kumoi.names import uuid
from kumoi.services.iotanalytics.activities.pure import step
from kumoi.services.iotanalytics.chain import Activity
from kumoi.services.iotanalytics.records import DatastoreRecord
from kumoi.services.iotanalytics.segments import FIRST, SegmentFiles
from kumoi.services.iotanalytics.shapes import Checked, Shapeless, joined, quotes_in, shape_of
from kumoi.services.iotanalytics.vectorised import NotVectorised

DAY = "2026-01-02 00:00:00"
STORE = DatastoreRecord(
    name="d", id="d", created=0, updated=0, storage={}, format={"jsonConfiguration": {}}, partitions=None
)


def source() -> tuple[str, str, int, int]:
    """Messages of a pipeline that had none before."""
    return uuid(), "", 0, 0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = SegmentFiles(tmp_path_factory.mktemp("segments"))
    yield found
    found.close()


def rows(files: SegmentFiles, segments: list[Any]) -> tuple[set[str], Counter[str]]:
    """The columns and the rows of segments."""
    if not segments:
        return set(), Counter()
    (segment,) = segments
    path = Path(files.root / segment.path)
    with duckdb.connect() as database:
        answer = database.execute(f"SELECT * FROM read_parquet('{path}')")
        names = [one[0] for one in answer.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    path.unlink()
    return set(segment.columns), Counter(repr(plain(row)) for row in found)


def plain(value: Any) -> Any:
    """A value without what it lacks, whole doubles as whole numbers: types depend on what else is in a batch.

    Objects that are all empty are texts.
    """
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in sorted(value.items()) if plain(inner) not in (None, {}, "{}")}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def one_by_one(files: SegmentFiles, activities: list[Activity], messages: list[dict[str, Any]]) -> Any:
    kept, wrong = [], []
    compiled = [step(one) for one in activities]
    for message in messages:
        found: Any = orjson.loads(orjson.dumps(message))
        for apply in compiled:
            found = apply(found, wrong)
            if found is None:
                break
        if found is not None:
            kept.append(orjson.dumps(found))
    return rows(files, files.write(STORE, joined(kept), DAY, source(), 0.0) if kept else []), set(wrong)


def at_once(files: SegmentFiles, activities: list[Activity], messages: list[dict[str, Any]]) -> Any:
    lines, of = [orjson.dumps(one) for one in messages], source()
    rows(files, files.transform(STORE, activities, joined(lines[:1]), DAY, of, 0.0)[0])  # its shape is remembered
    made, wrong = files.transform(STORE, activities, joined(lines), DAY, of, 0.0)
    return rows(files, made), set(wrong)


def activity(kind: str, **settings: Any) -> Activity:
    return Activity(kind, {"name": "x", **settings})


NUMBERS = st.integers(-1000, 1000) | st.decimals(-1000, 1000, places=2).map(float)
MESSAGES = st.fixed_dictionaries(
    {"n": st.integers(-5, 5)},
    optional={
        "x": NUMBERS,
        "y": NUMBERS,
        "s": st.sampled_from(["a", "ab", "b", ""]),
        "b": st.booleans(),
        "o": st.fixed_dictionaries({}, optional={"p": NUMBERS, "q": st.sampled_from(["a", "z"])}),
    },
)
FILTERS = st.sampled_from(
    [
        *(
            "x > 3",
            "x >= y",
            "NOT x < 2.5 OR b",
            "s = 'a' AND x <> 1",
            "s LIKE 'a%'",
            "n IN (1, 2, 3.0)",
            "b",
            "b = TRUE",
        ),
        *("x BETWEEN -10 AND 10.5", "x IS NULL", "y <> NULL OR s = NULL", "o.p < 0", "gone > 1", "gone = NULL"),
        *("sqrt(x) > 2", "x % 2 = 0", "round(x) IN (1, 2) OR s LIKE '%b'", 'b <> "s" AND s <> "none"', "abs(o.p) < y"),
        *("NOT gone = 1", "s = 'a' OR s = 'b'", "NOT (b AND x > 0)", "t > 0", "x > 'a'", "s > 1", "x = s", "x + 1 > 2"),
    ]
)
MATH = st.sampled_from(
    [
        *("(x - 32) * 5 / 9", "x + y", "x * 1.8 + 32", "x / y", "-x", "x * x * 0.001", "n / 3", "(x + y) / (x - y)"),
        *("x / 10 * 3", "o.p + 1", "gone + 1", "s + 1", "0.1 + 0.2", "1 / 0", "x / 3 + 1", "sqrt(x)", "t * 2"),
        *(
            "tan(x) + 1",
            "round(x / 3)",
            "x % y",
            "trunc(x, 1)",
            "power(x, 2)",
            "ln(o.p)",
            "abs(gone)",
            "exp(n) * x",
            "b",
        ),
        *("atan2(x, y)", "sqrt(t)", "mod(n, 3)", "sqrt(2)", "ceil(x) - floor(y)", "exp(x)", "sign(x) * n"),
    ]
)
ACTIVITIES = st.lists(
    st.one_of(
        FILTERS.map(lambda text: activity("filter", filter=text)),
        st.builds(
            lambda attribute, text: activity("math", attribute=attribute, math=text),
            st.sampled_from(["t", "x", "n", "s"]),
            MATH,
        ),
        st.dictionaries(
            st.sampled_from(["x", "o.p", "o", "gone", "s"]), st.sampled_from(["t", "u", "x"]), min_size=1
        ).map(lambda pairs: activity("addAttributes", attributes=pairs)),
        st.lists(st.sampled_from(["x", "n", "o.p", "o", "gone"]), min_size=1, max_size=3).map(
            lambda paths: activity("removeAttributes", attributes=paths)
        ),
        st.lists(st.sampled_from(["x", "n", "o.p", "s", "gone"]), min_size=1, max_size=3).map(
            lambda paths: activity("selectAttributes", attributes=paths)
        ),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACTIVITIES, st.lists(MESSAGES, min_size=1, max_size=6))
@example([activity("filter", filter="x > 3")], [{"n": 0, "o": {"q": "a"}}, {"n": 0, "x": 4, "o": {}}])
def test_both_ways_make_the_same_rows(files: Any, activities: list[Activity], messages: list[dict[str, Any]]) -> None:
    try:
        found = at_once(files, activities, messages)
    except NotVectorised:
        return
    assert found == one_by_one(files, activities, messages)


@pytest.mark.parametrize(
    "chosen",
    [
        [activity("filter", filter="battery > 10 AND hum < 90.5"), activity("math", attribute="c", math="(f-32)*5/9")],
        [activity("math", attribute="f", math="f * 1.8 + 32"), activity("removeAttributes", attributes=["hum"])],
        [
            activity("addAttributes", attributes={"at.lat": "lat"}),
            activity("selectAttributes", attributes=["lat", "f"]),
        ],
        [activity("filter", filter="id LIKE 's1%' OR NOT ok"), activity("math", attribute="h", math="hum / 7")],
        [activity("math", attribute="h", math="sqrt(hum)"), activity("filter", filter="h > 2 AND round(f) % 2 = 0")],
        [activity("filter", filter="tan(f) < 1"), activity("math", attribute="f", math="log(hum) + f / 3")],
        [activity("filter", filter="hum <> 3"), activity("math", attribute="f", math="1 / (hum % 2)")],
    ],
)
def test_what_sensors_send_is_done_at_once(files: Any, chosen: list[Activity]) -> None:
    messages = [
        {
            "id": f"s{n}",
            "f": round(20 + n * 1.7, 1),
            "hum": n,
            "battery": 100 - n,
            "ok": n % 3 == 0,
            "at": {"lat": n / 8, "tags": ["a"]},
        }
        for n in range(120)
    ]
    found = at_once(files, chosen, messages)
    assert found[0][1]
    assert found == one_by_one(files, chosen, messages)


@pytest.mark.parametrize(
    "payload",
    [b'{"n": null}', b'{"n": 1}\n', b"[1]", b'{"n": NaN}', b'{"n": 1,}', b'{"n": 1, "n": 2}', b"x", b'{"n":1e400}'],
)
def test_what_might_be_read_differently_passes_one_by_one(files: Any, payload: bytes) -> None:
    with pytest.raises((NotVectorised, Shapeless)):
        lines = joined([b'{"n": 3}', payload])
        files.transform(STORE, [activity("filter", filter="n > 0")], lines, DAY, source(), 0.0)


def test_what_only_later_messages_have_is_stored_too(files: Any) -> None:
    kept = [b'{"n": 1}'] * FIRST + [b'{"n": 2.5, "later": "x"}']
    (segment,) = files.write(STORE, joined(kept), DAY, source(), 0.0)
    assert (segment.rows, segment.columns) == (FIRST + 1, {"n": "DOUBLE", "later": "VARCHAR"})


def test_a_name_that_comes_twice_in_a_sealed_message_is_found_by_its_quotes(files: Any) -> None:
    lines = joined([b'{"n": 3}', b'{"n": 1, "n": 2}'])
    shape = shape_of(lines)
    shape.check(lines)
    sealed = """SELECT unnest(['{"n": 3}', '{"n": 1, "n": 2}']) AS payload"""
    with pytest.raises(NotVectorised):
        files.transform(STORE, [], Checked(sealed, shape, 2, quotes_in(lines.text)), DAY, source(), 0.0)
    once = """SELECT unnest(['{"n": 3}', '{"n": 1}']) AS payload"""
    assert files.transform(STORE, [], Checked(once, shape, 2, 4), DAY, source(), 0.0)[0][0].rows == 2


@pytest.mark.parametrize("each", [1, 10_000])
def test_messages_of_ever_new_attributes_are_given_up_at_once(each: int) -> None:
    names = [f"a{n}" for n in range(10_000)]
    lines = joined([orjson.dumps(dict.fromkeys(names[at : at + each], 1)) for at in range(0, len(names), each)])
    before = thread_time()
    with pytest.raises(Shapeless):
        shape_of(lines)
    assert thread_time() - before < 0.5
