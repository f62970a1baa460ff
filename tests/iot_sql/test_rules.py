"""Rules: what statements make of messages, topics, templates, and the functions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.iot_sql import SqlError
from kumoi.iot_sql.rule_functions import _FUNCTIONS, WORLDLY, Pending, World
from kumoi.iot_sql.rules import check_templates, compiled_rule, filled, matches


def world(payload: Any, topic: str = "farm/7/temp", **more: Any) -> World:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return World(topic=topic, now=1_767_323_045.678, payload=content, account="111122223333", **more)


def result(sql: str, payload: Any = None, **more: Any) -> Any:
    about = world(payload if payload is not None else {"t": 21, "d": {"id": "x"}}, **more)
    found = compiled_rule(sql).result(about.payload, about)
    return None if found is None else json.loads(found)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM 'farm/#'", {"t": 21, "d": {"id": "x"}}),
        ("SELECT t FROM 'farm/#' WHERE t > 20", {"t": 21}),
        ("SELECT t FROM 'farm/#' WHERE t > 30", None),
        ("SELECT t FROM 'farm/#' WHERE gone > 30", None),
        ("SELECT t * 1.8 + 32 AS f, d.id, gone FROM 'a'", {"f": 69.8, "id": "x"}),
        (
            "SELECT *, topic(2) AS farm, topic() as t2 FROM 'a'",
            {"t": 21, "d": {"id": "x"}, "farm": "7", "t2": "farm/7/temp"},
        ),
        ("SELECT VALUE d FROM 'a'", {"id": "x"}),
        ("SELECT VALUE {'a': [t, 1], 'b': gone} FROM 'a'", {"a": [21, 1]}),
        ("SELECT timestamp() AS ts, accountid() AS a FROM 'a'", {"ts": 1767323045678, "a": "111122223333"}),
        ("SELECT 'n' + t AS s, 1 + '2' AS c FROM 'a'", {"s": "n21", "c": "12"}),
        ("SELECT CASE t WHEN 21 THEN 'yes' ELSE 'no' END AS c FROM 'a'", {"c": "yes"}),
        (
            "SELECT upper('a') AS a, length('abc') AS l, substring('abcd', 1, 3) AS s FROM 'a'",
            {"a": "A", "l": 3, "s": "bc"},
        ),
        ("SELECT concat('a', 1, true) AS a, concat([1], [2]) AS b FROM 'a'", {"a": "a1true", "b": [1, 2]}),
        ("SELECT indexof('abcd', 'cd') AS i, startswith('ab', 'a') AS s FROM 'a'", {"i": 2, "s": True}),
        (
            "SELECT regexp_matches('aaaa', 'a{2,}') AS m, regexp_substr('hi you', 'y.*') AS s FROM 'a'",
            {"m": True, "s": "you"},
        ),
        (
            "SELECT regexp_replace('abcd', '(b)(c)', '$2$1') AS r, regexp_matches('a', '(') AS bad FROM 'a'",
            {"r": "acbd"},
        ),
        ("SELECT lpad('2', 3, '0') AS l, rpad('2', 3, '0') AS r FROM 'a'", {"l": "002", "r": "200"}),
        (
            "SELECT bitand(6, 3) AS a, bitor(6, 3) AS o, bitxor(6, 3) AS x, bitnot(6) AS n FROM 'a'",
            {"a": 2, "o": 7, "x": 5, "n": -7},
        ),
        ("SELECT parse_time('yyyy-MM-dd', 1767323045678) AS d FROM 'a'", {"d": "2026-01-02"}),
        ("SELECT time_to_epoch('2026-01-02', 'yyyy-MM-dd') AS e FROM 'a'", {"e": 1767312000000}),
        ("SELECT cast('3' AS int) + 1 AS c, cast(t AS string) AS s FROM 'a'", {"c": 4, "s": "21"}),
        ("SELECT md5('a') AS m FROM 'a'", {"m": "0cc175b9c0f1b6a831c399e269772661"}),
        ("SELECT chr(55357) AS c, bitnot(9223372036854775808) AS n, decode('\u00e9', 'base64') AS d FROM 'a'", {}),
        ("SELECT time_to_epoch('2020 2020', 'yyyy yyyy') AS t FROM 'a'", {}),
        (
            "SELECT replace(rpad('', 2000, 'a'), 'a', rpad('', 2000, 'b')) AS r,"
            " regexp_replace(rpad('', 2000, 'a'), 'a', rpad('', 2000, 'b')) AS s FROM 'a'",
            {},
        ),
        ("SELECT decode(encode(*, 'base64'), 'base64') AS d FROM 'a'", {"d": {"t": 21, "d": {"id": "x"}}}),
        ("SELECT get([1, 2], 1) AS g, get(d, 'id') AS i FROM 'a'", {"g": 2, "i": "x"}),
        (
            "SELECT isNull(null) AS n, isUndefined(gone) AS u, nanvl(t, 0) AS v FROM 'a'",
            {"n": True, "u": True, "v": 21},
        ),
        ("SELECT (SELECT VALUE n FROM list WHERE n > 1) AS big FROM 'a'", {"big": []}),
        ("SELECT clientid() AS c, sourceip() AS s FROM 'a'", {}),
        ("SELECT power(2, 3) AS p, mod(8, 3) AS m FROM 'a'", {"p": 8, "m": 2}),
        ("SELECT transform('enrichArray', d, [{'a': 1}]) AS r FROM 'a'", {"r": [{"a": 1, "id": "x"}]}),
    ],
)
def test_statements(sql: str, expected: Any) -> None:
    assert result(sql) == expected


def test_arrays_are_queried() -> None:
    sql = "SELECT (SELECT VALUE v FROM readings WHERE v > 1) AS big FROM 'a'"
    assert result(sql, {"readings": [{"v": 1}, {"v": 2}, {"v": 3}]}) == {"big": [2, 3]}


def test_what_is_no_json_passes_as_it_is() -> None:
    assert compiled_rule("SELECT * FROM 'a'").result(b"\xff\x00") == b"\xff\x00"
    found = compiled_rule("SELECT encode(*, 'base64') AS data FROM 'a'").result(b"\xff\x00", world(b"\xff\x00"))
    assert found == b'{"data":"/wA="}'


def test_what_others_know_is_asked_for() -> None:
    rule = compiled_rule("SELECT get_thing_shadow(d.id, 'role').state AS s FROM 'a'")
    asked = world({"d": {"id": "x"}})
    with pytest.raises(Pending) as pending:
        rule.result(asked.payload, asked)
    assert (pending.value.key[0], pending.value.arguments) == ("get_thing_shadow", ["x", "role"])
    asked.known[pending.value.key] = {"state": {"on": True}}
    assert rule.result(asked.payload, asked) == b'{"s":{"on":true}}'


@pytest.mark.parametrize(
    ("topic_filter", "topic", "meant"),
    [
        *(("a/b", "a/b", True), ("a/b", "a/b/c", False), ("a/+", "a/b", True), ("a/+", "a", False)),
        *(("a/#", "a", True), ("a/#", "a/b/c", True), ("#", "a/b", True), ("+/b", "a/b", True), ("#", "$aws/x", False)),
        *(("$aws/#", "$aws/x", True), ("a/+/c", "a//c", True), ("+", "/a", False), ("a/b", "a/B", False)),
    ],
)
def test_topics(topic_filter: str, topic: str, meant: bool) -> None:
    assert matches(topic_filter, topic) is meant


def test_templates_are_filled_from_the_message() -> None:
    template = "out/${topic(2)}/${d.id}-${gone}-${t * 2}.json"
    assert filled(template, world({"t": 21, "d": {"id": "x"}})) == "out/7/x--42.json"
    with pytest.raises(SqlError):
        check_templates({"key": ["${topic(}"]})


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT", "the expression ends too early"),
        ("SELECT FROM 'a'", "unexpected 'FROM' at character 8"),
        ("SELECT * FROM 'a/#/b'", "# comes last"),
        ("SELECT * FROM 'a/b+'", "is not a topic filter"),
        ("SELECT * FROM t", "FROM names a topic filter in quotes"),
        ("SELECT nonsense() FROM 'a'", "there is no function nonsense"),
        ("SELECT lower() FROM 'a'", "lower takes 1 arguments"),
    ],
)
def test_what_is_no_statement_is_refused(sql: str, told: str) -> None:
    with pytest.raises(SqlError, match=told):
        compiled_rule(sql)


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    NUMBERS | st.text(st.characters(exclude_categories=("Cs",)), max_size=6) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abe1"), inner, max_size=3),
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4))
def test_everything_is_written_as_its_attributes_are(message: dict[str, Any]) -> None:
    payload = json.dumps(message).encode()
    named = compiled_rule("SELECT a, b, c, d FROM 'a'").result(payload)
    assert named is not None
    assert json.loads(compiled_rule("SELECT * FROM 'a'").result(payload) or b"") == json.loads(named)
    whole = [one for one in (compiled_rule("SELECT * FROM 'a'").result(payload), named) if b".0" in (one or b"")]
    assert len(whole) in (0, 2)


@pytest.mark.parametrize("name", sorted(_FUNCTIONS.keys() - WORLDLY))
def test_rules_that_are_not_of_the_world_need_none(name: str) -> None:
    least = _FUNCTIONS[name][0]
    rule = compiled_rule(f"SELECT {name}({', '.join(['t'] * least)}) AS f FROM 'a'")
    assert not rule.worldly
    assert rule.result(b'{"t": 1}') is not None


@pytest.mark.parametrize("sql", ["SELECT topic(2) FROM 'a'", "SELECT * FROM 'a' WHERE lower(clientid()) = 'a'"])
def test_rules_that_ask_where_a_message_came_from_say_so(sql: str) -> None:
    assert compiled_rule(sql).worldly


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM 'a' WHERE REGEXP_MATCHES(t, '(a+)+b')", True),
        ("SELECT regexp_substr(t, 'a') AS f FROM 'a'", True),
        ("SELECT 'regexp_substr' AS f FROM 'a'", False),
    ],
)
def test_rules_that_look_for_patterns_say_so(sql: str, expected: bool) -> None:
    assert compiled_rule(sql).patterns is expected
