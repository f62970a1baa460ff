"""Presto's SQL: what would be answered differently by DuckDB, what is refused, and how answers are written."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from kumoi.presto.engine import Run
from kumoi.presto.outputs import Format, Output, Window
from kumoi.presto.refusals import QueryRefused
from kumoi.presto.tables import Relation

Answer = Callable[..., str]


EXPRESSIONS = [
    ("n / 2", "3"),
    ("-n / 2", "-3"),
    ("n / 2.0", "3.5"),
    ("x / 2", "1.25"),
    ("(n + 1) / 3", "2"),
    ("sum(n) / 2", "3"),
    ("avg(n)", "7.0"),
    ("regexp_replace(s, '(x)', '<$1$1>')", "a<xx>b"),
    ("regexp_replace(s, '(x)', '\\$1')", "a$1b"),
    ("from_unixtime(1767323045)", "2026-01-02 03:04:05.000"),
    ("from_unixtime(1767323045, 'Europe/Berlin')", "2026-01-02 04:04:05.000"),
    ("t AT TIME ZONE 'America/New_York'", "2026-01-01 22:04:05.678"),
    ("at_timezone(t, 'Europe/Berlin')", "2026-01-02 04:04:05.678"),
    ("from_iso8601_timestamp('2026-01-02T03:04:05+01:00')", "2026-01-02 02:04:05.000"),
    ("to_iso8601(t)", "2026-01-02T03:04:05.678Z"),
    ("to_iso8601(d)", "2026-01-31"),
    ("d + interval '1' day", "2026-02-01"),
    ("date_add('month', 1, d)", "2026-02-28"),
    ("date '2026-01-01' - interval '1' day", "2025-12-31"),
    ("t + interval '1' hour", "2026-01-02 04:04:05.678"),
    ("sequence(date '2026-01-30', d, interval '1' day)", "[2026-01-30, 2026-01-31]"),
    ("current_date", "2026-01-02"),
    ("now()", "2026-01-02 03:04:05.000"),
    ("date_trunc('hour', t)", "2026-01-02 03:00:00.000"),
    ("date_diff('day', date '2026-01-01', d)", "30"),
    ("day_of_week(d)", "6"),
    ("format_datetime(t, 'yyyy-MM-dd''T''HH:mm:ss.SSS E')", "2026-01-02T03:04:05.678 Fri"),
    ("parse_datetime('02/01/26 03:04', 'dd/MM/yy HH:mm')", "2026-01-02 03:04:00.000"),
    ("date_format(t, '%Y/%m/%d %H:%i')", "2026/01/02 03:04"),
    ("date_parse('2026-01-02', '%Y-%m-%d')", "2026-01-02 00:00:00.000"),
    ("reduce(a, 0, (s, e) -> s + e, s -> s * 10)", "60"),
    ("reduce(a, 0, (s, e) -> s + e, s -> s)", "6"),
    ("reduce(a, 0, (s, e) -> s + e, s -> s * s + n)", "43"),
    ("reduce(a, 0, (s, e) -> s + e, s -> cardinality(filter(ARRAY[1, 6], s -> s > 5)) + s)", "7"),
    ("transform(a, e -> e * 2)", "[2, 4, 6]"),
    ("filter(a, e -> e > 1)", "[2, 3]"),
    ("a[1]", "1"),
    ("element_at(m, 'k')", "1"),
    ("cardinality(a)", "3"),
    ("array_join(a, '-')", "1-2-3"),
    ("o.q", "z"),
    ("o", "{p=1, q=z}"),
    ("rows", "[{p=1, q=z}, {p=2, q=null}]"),
    ("m", "{k=1}"),
    ("map_agg(s, n)", "{axb=7}"),
    ("multimap_agg(s, n)", "{axb=[7]}"),
    ("width_bucket(x, 0, 10, 4)", "2"),
    ("url_extract_host('https://me@example.org:8080/a/b?x=1&y=2#f')", "example.org"),
    ("url_extract_port('https://me@example.org:8080/a/b?x=1&y=2#f')", "8080"),
    ("url_extract_path('https://me@example.org:8080/a/b?x=1&y=2#f')", "/a/b"),
    ("url_extract_parameter('https://example.org/?x=1&y=2', 'y')", "2"),
    ("json_extract_scalar('{\"a\": {\"b\": 3}}', '$.a.b')", "3"),
    ("CAST(12345678.9 AS double)", "1.23456789E7"),
    ("CAST(0.00012 AS double)", "1.2E-4"),
    ("CAST(1e20 AS double)", "1.0E20"),
    ("-x * 1e-300", "-2.5E-300"),
    ("x * 4", "10.0"),
    ("n > 3", "true"),
    ("try(n / 0)", ""),
    ("CAST(NULL AS varchar)", ""),
    ("concat(s, '\"q\"')", 'axb"q"'),
    ("approx_distinct(n)", "1"),
    ("count_if(n > 3)", "1"),
    ("CAST(row(1, 'a') AS row(x integer, y varchar))", "{x=1, y=a}"),
]
AGGREGATES = ("sum(", "avg(", "_agg(", "distinct(", "count_if(")


@pytest.mark.parametrize("aggregates", [False, True])
def test_expressions(answer: Answer, aggregates: bool) -> None:
    asked = [one for one in EXPRESSIONS if any(name in one[0] for name in AGGREGATES) is aggregates]
    columns = ", ".join(f"{expression} AS v{number}" for number, (expression, _) in enumerate(asked))
    _, line = csv.reader(io.StringIO(answer(f"SELECT {columns} FROM t")))
    assert dict(zip(dict(asked), line, strict=True)) == dict(asked)


@pytest.mark.parametrize(
    ("sql", "lines"),
    [
        ("SELECT n + 1, s, count(*) FROM t GROUP BY 1, 2", ['"_col0","s","_col2"', '"8","axb","1"']),
        ("SELECT k, v FROM t CROSS JOIN UNNEST(m) AS u(k, v)", ['"k","v"', '"k","1"']),
        (
            "SELECT e, i FROM t CROSS JOIN UNNEST(a) WITH ORDINALITY AS u(e, i) ORDER BY i LIMIT 1",
            ['"e","i"', '"1","1"'],
        ),
        ("SELECT p, q FROM t, UNNEST(rows) AS u(p, q) ORDER BY p", ['"p","q"', '"1","z"', '"2",']),
        ("SELECT `n` FROM `t`", ['"n"', '"7"']),
        ("WITH q AS (SELECT n FROM t) SELECT q.n FROM q JOIN t ON q.n = t.n", ['"n"', '"7"']),
        ("SELECT N FROM T UNION ALL SELECT 1", ['"n"', '"7"', '"1"']),
        ("SELECT b FROM t AS u(b, c, d, e, f, g, h, i, j)", ['"b"', '"7"']),
        ("SELECT n FROM t WHERE d >= current_date - interval '7' day", ['"n"', '"7"']),
    ],
)
def test_queries(answer: Answer, sql: str, lines: list[str]) -> None:
    assert answer(sql).splitlines() == lines


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DROP TABLE t", "Only queries can be run, not DROP."),
        ("INSERT INTO t VALUES (1)", "Only queries can be run, not INSERT."),
        ("COPY t TO '/tmp/x'", "Only queries can be run, not COPY."),
        ("SELECT 1; SELECT 2", "A query is one SELECT statement."),
        ("", "A query is one SELECT statement."),
        ("SELECT * FROM read_csv('/etc/passwd')", "no table"),
        ("SELECT * FROM read_parquet('/etc/passwd')", "no table"),
        ("SELECT * FROM duckdb_settings()", "no table"),
        ("SELECT * FROM '/etc/passwd'", "Table /etc/passwd does not exist."),
        ('SELECT * FROM "/etc/passwd"', "Table /etc/passwd does not exist."),
        ("SELECT getenv('HOME')", "Function getenv not registered."),
        ("SELECT current_setting('threads')", "Function current_setting not registered."),
        ("SELECT read_text('/etc/passwd')", "Function read_text not registered."),
        ("SELECT numeric_histogram(3, x) FROM t", "Function numeric_histogram not registered."),
        ("SELECT * FROM gone", "Table gone does not exist."),
        ("SELECT gone FROM t", 'Referenced column "gone" not found'),
        ("SELECT n / 0 FROM t", "Division by zero"),
        ("SELECT format_datetime(t, s) FROM t", "The pattern of a date must be a text"),
        ("SELECT format_datetime(t, 'q') FROM t", "q is no part of a date's pattern"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "nested too deeply"),
        ("SELECT * FROM t WHERE n = ?", "PLACEHOLDER cannot be used in a query."),
    ],
)
def test_refusals(answer: Answer, sql: str, told: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        answer(sql)
    assert told in str(refused.value)


def test_a_window_narrows_each_table(answer: Answer) -> None:
    moment = 1_767_323_045.678
    for window, rows in (((0, moment), 0), ((0, moment + 0.001), 1), ((moment + 0.001, moment + 9), 0)):
        found = answer("SELECT q.n FROM t AS q JOIN t ON q.n = t.n", window=Window("t", *window))
        assert len(found.splitlines()) == 1 + rows
    with pytest.raises(QueryRefused):
        answer("SELECT n FROM t", window=Window("(SELECT max(t) FROM t)", 0, 1))


def test_answers_are_written_in_several_forms(tables: dict[str, Relation], tmp_path: Path) -> None:
    numbers = "SELECT CAST(e AS integer) AS i FROM t CROSS JOIN UNNEST(a) AS u(e)"
    sql = f"SELECT CAST(i / 2 AS varchar) AS k, i FROM ({numbers}) ORDER BY i"
    outputs = [Output("csv.gz"), Output("ndjson"), Output("csv", ("K",)), Output("parquet")]
    found = Run(sql, now=0.0).run(tables, tmp_path / "out", outputs)
    packed, lines, split, parquet = found.files
    assert gzip.decompress(packed[0].path.read_bytes()) == b'"k","i"\n"0","1"\n"1","2"\n"1","3"\n'
    assert json.loads(lines[0].path.read_text().splitlines()[0]) == {"k": "0", "i": 1}
    assert [(one.key, one.rows) for one in split] == [(("0",), 1), (("1",), 2)]
    assert split[1].path.read_text() == '"i"\n"2"\n"3"\n'
    assert parquet[0].path.read_bytes()[:4] == b"PAR1"
    with pytest.raises(QueryRefused, match="no column gone"):
        Run(sql, now=0.0).run(tables, tmp_path / "other", [Output("csv", ("gone",))])


@pytest.mark.parametrize("form", ["csv", "csv.gz", "ndjson", "ndjson.gz", "parquet"])
@pytest.mark.parametrize("text", ["'one'", "concat('tw', chr(10), 'o')"])
def test_each_key_has_its_rows_in_order_whatever_they_hold(
    tables: dict[str, Relation], tmp_path: Path, form: Format, text: str
) -> None:
    sql = f"""SELECT IF(i % 3 = 0, NULL, i % 3) AS k, {text} AS "text", i, 20000 - i AS back
        FROM t CROSS JOIN UNNEST(sequence(1, 20000)) AS u(i)"""
    ((*written,),) = Run(sql, now=0.0).run(tables, tmp_path / "out", [Output(form, ("k",))]).files
    assert [(one.key, one.rows) for one in written] == [(("1",), 6667), (("2",), 6667), ((None,), 6666)]
    for one, first in zip(written, (1, 2, 3), strict=True):
        with duckdb.connect() as database:
            kind = {"c": "read_csv", "n": "read_json", "p": "read_parquet"}[form[0]]
            rows = database.execute(f"SELECT i, back, text FROM {kind}('{one.path}')").fetchall()
        assert [row[:2] for row in rows] == [(i, 20_000 - i) for i in range(first, 20_001, 3)]
        assert {row[2] for row in rows} == {"one" if text == "'one'" else "tw\no"}
