"""What SQLite is given for PostgreSQL's and MySQL's statements."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.rds.data.dialect import Refused, translate

POSTGRES = {
    "create table t (id serial primary key, Name varchar(10) not null)": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, name varchar(10) NOT NULL)"
    ),
    "create table t (id bigint generated always as identity, x jsonb, primary key (id))": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x jsonb TEXT)"
    ),
    "create table t (id uuid primary key default gen_random_uuid(), at timestamptz default now())": (
        "CREATE TABLE t (id uuid TEXT PRIMARY KEY DEFAULT (KUMOI_UUID()) NOT NULL,"
        " at timestamptz TEXT DEFAULT (KUMOI_NOW()))"
    ),
    "create table t (p numeric(10,2), c char(3))": "CREATE TABLE t (p numeric(10,2), c bpchar CHAR(3))",
    "create index concurrently if not exists i on t using btree (lower(a), b desc)": (
        "CREATE INDEX IF NOT EXISTS i ON t(LOWER(a), b DESC)"
    ),
    "alter table t add column at timestamp": "ALTER TABLE t ADD COLUMN at timestamp TEXT",
    "drop table if exists t cascade": "DROP TABLE IF EXISTS t",
    "truncate t": "DELETE FROM t",
    "select X, count(*), 1 + 1, y::text from public.T": (
        "SELECT x, COUNT(*) AS count, 1 + 1 AS ?column?, CAST(y AS TEXT) AS y FROM t"
    ),
    "select * from t where at < now() - interval '2 hours' for update": (
        "SELECT * FROM t WHERE at < KUMOI_SHIFT(KUMOI_NOW(), '-', '2', 'hours')"
    ),
    "insert into t (a) values (:a) on conflict (a) do update set a = excluded.a returning id": (
        "INSERT INTO t (a) VALUES (:a) ON CONFLICT(a) DO UPDATE SET a = excluded.a RETURNING id"
    ),
    "select * from information_schema.tables": "SELECT * FROM information_schema_tables",
    "select e'x' as a": "SELECT 'x' AS a",
}


@pytest.mark.parametrize("sql", POSTGRES)
def test_postgresql(sql: str) -> None:
    assert translate(sql, "postgres").sql.replace('"', "") == POSTGRES[sql]


MYSQL = {
    "create table t (id int auto_increment primary key) engine=innodb": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)"
    ),
    "insert into t (x) values (:x) on duplicate key update x = values(x)": (
        "INSERT INTO t (x) VALUES (:x) ON CONFLICT DO UPDATE SET x = excluded.x"
    ),
    "select `A` from t": "SELECT A FROM t",
    "create table t (at datetime default now(), b timestamp default current_timestamp)": (
        "CREATE TABLE t (at timestamp TEXT DEFAULT (KUMOI_NOW()), b timestamptz TEXT DEFAULT (KUMOI_NOW()))"
    ),
    "delete from t where at < date_sub(now(), interval 2 day) or at > utc_timestamp()": (
        "DELETE FROM t WHERE at < KUMOI_SHIFT(KUMOI_NOW(), '-', '2', 'day') OR at > KUMOI_NOW()"
    ),
    "select unix_timestamp()": "SELECT CAST(KUMOI_EXTRACT('epoch', KUMOI_NOW()) AS INTEGER)",
}


@pytest.mark.parametrize("sql", MYSQL)
def test_mysql(sql: str) -> None:
    assert translate(sql, "mysql").sql.replace('"', "") == MYSQL[sql]


REFUSED: dict[str, str] = {
    "": "The SQL statement is empty.",
    "select 1; select 2": "Multistatements aren't supported.",
    "select selec from": "ERROR: syntax error at or near",
    "set search_path = x": "does not run SET",
    "create type mood as enum ('a')": "no TYPE",
    "create extension x": "does not run CREATE",
    "pragma journal_mode": "does not run PRAGMA",
    "attach database 'x' as y": "ATTACH",
    "vacuum into '/tmp/x'": "does not run VACUUM",
    "begin": "BeginTransaction",
    "select * from other.t": 'schema "other" does not exist; SQLState: 3F000',
    "select * from t where a = any(:ids)": "Array parameters are not supported.",
    "with x as (delete from t returning *) select * from x": "inside of WITH",
    "create table t (a int[])": "no type",
    "create table t (id int primary key, n serial)": "single primary key",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_cannot_run_is_refused_by_name(sql: str) -> None:
    with pytest.raises(Refused) as refused:
        translate(sql, "postgres")
    assert REFUSED[sql].lower() in str(refused.value).lower() or "syntax error" in str(refused.value)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 1", "read"),
        ("with x as (select 1) select * from x", "read"),
        ("delete from t", "write"),
        ("create view v as select 1", "schema"),
        ("create database shop", "database"),
    ],
)
def test_kinds(sql: str, kind: str) -> None:
    assert translate(sql, "postgres").kind == kind


def test_names_are_quoted_so_that_none_is_a_word_of_sqlite() -> None:
    assert translate("select nothing, rows from plan", "postgres").sql == 'SELECT "nothing", "rows" FROM "plan"'


def test_placeholders_are_told() -> None:
    statement: Any = translate("insert into t values (:a, :b::json, ':c')", "postgres")
    assert statement.placeholders == {"a", "b"}


WORDS = st.sampled_from(
    [word for sql in (*POSTGRES, *REFUSED) for word in sql.split()] + ["(", ")", ",", ";", "'", '"']
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=15).map(" ".join)))
def test_garbage_is_translated_or_refused(sql: str) -> None:
    for engine in ("postgres", "mysql"):
        try:
            assert translate(sql, engine).kind  # type: ignore[arg-type]
        except Refused as refused:
            assert str(refused)


def test_depth_and_length_are_bounded() -> None:
    deep = "select " + "(" * 20_000 + "1" + ")" * 20_000
    for sql in (deep, "select " + "- " * 400 + "1", "select " + "1+" * 40_000 + "1"):
        with pytest.raises(Refused):
            translate(sql, "postgres")
    assert translate("select " + "1+" * 2_000 + "1", "postgres").type_of(0, lambda _table, _name: "") == ""
