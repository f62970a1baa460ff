"""An interruption ends a query, whenever it comes."""

from __future__ import annotations

import threading

import duckdb
import pytest

from kumoi.interruption import Interruption

ENDLESS = "SELECT sum(a.range * b.range) FROM range(10_000_000) a, range(10_000_000) b"


def test_it_holds_where_it_comes_between_two_statements() -> None:
    interruption = Interruption()
    with duckdb.connect() as database, interruption.reaches(database):
        database.execute("SELECT 1")
        interruption.ask()
        with pytest.raises(duckdb.InterruptException):
            while True:
                database.execute(ENDLESS)
    assert interruption.asked


def test_nothing_is_interrupted_behind_the_block() -> None:
    interruption = Interruption()
    with duckdb.connect() as database:
        with interruption.reaches(database):
            pass
        before = threading.active_count()
        interruption.ask()
        assert threading.active_count() == before
        assert database.execute("SELECT 2").fetchone() == (2,)


def test_one_that_has_not_begun_is_told() -> None:
    interruption = Interruption()
    interruption.ask()
    assert interruption.asked
