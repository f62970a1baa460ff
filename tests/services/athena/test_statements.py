"""Statements read: a table of texts and what they ask for."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kumoi.services.athena.commands import (
    AlterTable,
    CreateAs,
    CreateDatabase,
    CreateTable,
    Drop,
    Execute,
    Insert,
    Partitions,
    Place,
    Query,
    Repair,
    Show,
    Unload,
    kind_of,
)
from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.statements import read


@pytest.mark.parametrize(
    ("text", "kind", "asked"),
    [
        ("SELECT 1;", "DML", Query("SELECT 1")),
        ("-- all\nSELECT 1", "DML", Query("SELECT 1")),
        ("CREATE DATABASE IF NOT EXISTS a COMMENT 'c'", "DDL", CreateDatabase("a", "c", None, True)),
        ("create schema A", "DDL", CreateDatabase("a", None, None, False)),
        ("DROP DATABASE a CASCADE", "DDL", Drop("DATABASE", Place(None, "a"), False, True)),
        ("DROP TABLE IF EXISTS a.`B`", "DDL", Drop("TABLE", Place("a", "b"), True, False)),
        ("DROP VIEW v", "DDL", Drop("VIEW", Place(None, "v"), False, False)),
        ("SHOW TABLES IN a 'x*'", "UTILITY", Show("TABLES", "a", "x*")),
        ("SHOW DATABASES", "UTILITY", Show("DATABASES")),
        ("SHOW COLUMNS IN a.t", "UTILITY", Show("COLUMNS", place=Place("a", "t"))),
        ("SHOW CREATE TABLE t", "UTILITY", Show("CREATE TABLE", place=Place(None, "t"))),
        ("DESCRIBE `a`.t", "UTILITY", Show("DESCRIBE", place=Place("a", "t"))),
        ("MSCK REPAIR TABLE a.t", "DDL", Repair(Place("a", "t"))),
        (
            "ALTER TABLE t ADD IF NOT EXISTS PARTITION (y='2020', m=1) LOCATION 's3://b/y/' PARTITION (y='2021', m=2)",
            "DDL",
            Partitions(
                Place(None, "t"), True, True, [({"y": "2020", "m": "1"}, "s3://b/y/"), ({"y": "2021", "m": "2"}, None)]
            ),
        ),
        (
            "ALTER TABLE a.`t` ADD COLUMNS (x int COMMENT 'c', y array<int>)",
            "DDL",
            AlterTable(
                Place("a", "t"), [{"Name": "x", "Type": "int", "Comment": "c"}, {"Name": "y", "Type": "array<int>"}]
            ),
        ),
        (
            "ALTER TABLE t REPLACE COLUMNS (x int)",
            "DDL",
            AlterTable(Place(None, "t"), [{"Name": "x", "Type": "int"}], True),
        ),
        ("ALTER TABLE t SET TBLPROPERTIES ('a'='b')", "DDL", AlterTable(Place(None, "t"), properties={"a": "b"})),
        ("ALTER TABLE t SET LOCATION 's3://b/p/'", "DDL", AlterTable(Place(None, "t"), location="s3://b/p/")),
        ("INSERT INTO t (a) VALUES (1)", "DML", Insert(Place(None, "t"), ["a"], "SELECT * FROM (VALUES (1))")),
        (
            "UNLOAD (SELECT 1) TO 's3://b/x/' WITH (format = 'PARQUET', partitioned_by = ARRAY['a', 'b'])",
            "DML",
            Unload("SELECT 1", "s3://b/x/", {"format": "PARQUET", "partitioned_by": ["a", "b"]}),
        ),
        (
            "CREATE TABLE n.t WITH (format='JSON', partitioned_by=ARRAY['x']) AS SELECT 1 AS a, 2 AS x WITH NO DATA",
            "DDL",
            CreateAs(
                Place("n", "t"), "SELECT 1 AS a, 2 AS x", {"format": "JSON", "partitioned_by": ["x"]}, False, False
            ),
        ),
        ("EXECUTE p USING 'a', 2", "DML", Execute("p", ["'a'", "2"])),
    ],
)
def test_what_is_asked_for(text: str, kind: str, asked: Any) -> None:
    found = read(text)
    assert found == asked
    assert kind_of(found) == kind


def test_a_table_is_read_whole() -> None:
    found = read(
        """CREATE EXTERNAL TABLE IF NOT EXISTS farm.t (a int COMMENT 'x', `b` string, s struct<x:int,y:array<string>>,
        d decimal(10,2)) COMMENT 'c' PARTITIONED BY (day string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
        WITH SERDEPROPERTIES ('mapping.a'='A') LOCATION 's3://b/p/' TBLPROPERTIES ('k'='v')"""
    )
    assert isinstance(found, CreateTable)
    assert [(one["Name"], one["Type"]) for one in found.columns] == [
        ("a", "int"), ("b", "string"), ("s", "struct<x:int,y:array<string>>"), ("d", "decimal(10,2)")
    ]  # fmt: skip
    assert (found.columns[0]["Comment"], found.comment, found.exists_ok) == ("x", "c", True)
    assert [one["Name"] for one in found.keys] == ["day"]
    assert (found.storage["serde"], found.storage["serde_properties"]) == (
        "org.openx.data.jsonserde.JsonSerDe", {"mapping.a": "A"}
    )  # fmt: skip
    assert (found.location, found.properties) == ("s3://b/p/", {"k": "v"})


@pytest.mark.parametrize(
    "text",
    ["", ";", "SELECT 1; SELECT 2", "EXPLAIN SELECT 1", "DELETE FROM t", "(((", "SHOW", "\0", "CREATE TABLE t (a int",
     "ALTER TABLE t ADD PARTITION (a)", "ALTER TABLE t RENAME TO u",
     "ALTER TABLE t PARTITION (a = '1') SET LOCATION 's3://b/p/'", "CREATE FUNCTION f AS 1", "x" * 300_000,
     "ALTER TABLE t ADD PARTITION (a = '1' b = '2')", "UNLOAD (SELECT 1) TO 's3://b/p' WITH (format)",
     "SELECT " + "(" * 20_000 + "1" + ")" * 20_000],
)  # fmt: skip
def test_what_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(StatementFailed):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        f"ALTER TABLE t ADD PARTITION ({'a' * 250_000})",
        f"UNLOAD (SELECT 1) TO 's3://b/p' WITH ({'a' * 250_000})",
        f"UNLOAD ({') TO s WITH ('.replace('s', chr(39) * 2) * 15_000}x",
    ],
)
def test_a_long_statement_that_is_none_is_refused_at_once(text: str) -> None:
    """Each of them took minutes when what is listed was searched for."""
    began = time.thread_time()
    with pytest.raises(StatementFailed):
        read(text)
    assert time.thread_time() - began < 5
