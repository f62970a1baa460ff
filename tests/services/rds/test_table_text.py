"""The text of a CREATE TABLE, changed a column or a constraint at a time."""

from __future__ import annotations

from kumoi.services.rds.data.table_text import (
    constraint,
    not_null,
    nullable,
    of_type,
    with_column,
    with_default,
    with_item,
    without_constraint,
)

TABLE = (
    """CREATE TABLE "t" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "a, b" numeric(10,2) DEFAULT (f(')')) NOT NULL,"""
    """ CONSTRAINT "c" CHECK ("a, b" > 0))"""
)


def test_columns_change() -> None:
    assert with_column(TABLE, "a, b", with_default("'x y'")) == TABLE.replace(
        "DEFAULT (f(')')) NOT NULL", "NOT NULL DEFAULT 'x y'"
    )
    assert with_column(TABLE, "a, b", with_default("")) == TABLE.replace("DEFAULT (f(')')) ", "")
    assert with_column(TABLE, "a, b", nullable) == TABLE.replace(" NOT NULL", "")
    assert with_column(TABLE, "a, b", not_null) == TABLE
    assert with_column(TABLE, "a, b", of_type("timestamp TEXT")) == TABLE.replace("numeric(10,2)", "timestamp TEXT")
    assert with_column(TABLE, "other", not_null) is None


def test_constraints_come_and_go() -> None:
    assert constraint(TABLE, "c") == 'CONSTRAINT "c" CHECK ("a, b" > 0)'
    without = without_constraint(TABLE, "c")
    assert without is not None
    assert without == TABLE.replace(', CONSTRAINT "c" CHECK ("a, b" > 0)', "")
    assert with_item(without, 'CONSTRAINT "c" CHECK ("a, b" > 0)') == TABLE
    assert without_constraint(TABLE, "d") is None
