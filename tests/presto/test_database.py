"""Databases that are sealed, and what is written into their SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from kumoi.presto.column_types import quoted
from kumoi.presto.database import connect, seal, text_literal


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text({other})",
        "SELECT * FROM read_csv({other})",
        "SELECT * FROM glob({other})",
        "COPY (SELECT 1) TO {other}",
        "ATTACH {other}",
        "SELECT * FROM read_text('http://127.0.0.1:9/')",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET memory_limit = '100GB'",
    ],
)
def test_a_sealed_database_reaches_what_it_may_and_nothing_else(tmp_path: Path, sql: str) -> None:
    told, other, folder = tmp_path / "told.txt", tmp_path / "other.txt", tmp_path / "answers"
    told.write_text("yes")
    other.write_text("no")
    folder.mkdir()
    with connect(tmp_path / "spill", threads=1) as database:
        seal(database, [told], [folder])
        assert database.execute(f"SELECT content FROM read_text({text_literal(str(told))})").fetchone() == ("yes",)
        database.execute(f"COPY (SELECT 1) TO {text_literal(str(folder / 'a.csv'))}")
        with pytest.raises(duckdb.Error):
            database.execute(sql.format(other=text_literal(str(other)))).fetchall()
    assert other.read_text() == "no"


@pytest.mark.parametrize("text", ["", "'", "''", '"', "it's; DROP TABLE t --", "\\' OR 1=1", "a\nb"])
def test_texts_and_names_stay_within_their_quotes(tmp_path: Path, text: str) -> None:
    with connect(tmp_path / "spill", threads=1) as database:
        found = database.execute(f"SELECT {text_literal(text)} AS {quoted(text or 'x')}")
        assert [one[0] for one in found.description] == [text or "x"]
        assert found.fetchall() == [(text,)]
