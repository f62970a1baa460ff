"""Activities put together: from the columns of a batch to those of what comes out, and the statement for them."""

# ruff: noqa: S608  (names are quoted, values are literals)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kumoi.iot_sql import SqlError, nodes, parse_expression
from kumoi.presto.column_types import Type, inferred, quoted, type_text
from kumoi.services.iotanalytics.activities.paths import last_name, steps
from kumoi.services.iotanalytics.activities.pure import PURE, told
from kumoi.services.iotanalytics.chain import Activity
from kumoi.services.iotanalytics.vectorised.batch import EXACT, NUMBERS, RESULT, Batch, Column, NotVectorised, inside
from kumoi.services.iotanalytics.vectorised.conditions import Conditions
from kumoi.services.iotanalytics.vectorised.numbers import arithmetic
from kumoi.services.iotanalytics.vectorised.values import Kind, computed, may_be_written

if TYPE_CHECKING:
    import duckdb


@dataclass(slots=True)
class Outcome:
    """What came out: its rows as a SELECT, how many, the types of its columns; and what went wrong."""

    rows: str
    count: int
    types: dict[str, Type]
    wrong: list[str]


def may_be(activities: Sequence[Activity]) -> bool:
    """Whether activities can be vectorised at all."""
    return bool(activities) and all(map(_may_be, activities))


def _may_be(activity: Activity) -> bool:
    if activity.kind in ("filter", "math"):
        return may_be_written(activity.settings[activity.kind])
    if activity.kind == "removeAttributes":
        return all(len(steps(path)) == 1 for path in activity.settings["attributes"])
    return activity.kind in PURE and all(
        isinstance(one, str) for path in activity.settings["attributes"] for one in steps(path)
    )


class Statement:
    """The statement for a batch of messages."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, batch: Batch) -> None:
        self._cursor = cursor
        self._batch = batch
        self._columns = dict(batch.columns)
        self._kept: list[str] = []
        self._wrong: list[tuple[str, str]] = []
        self._told: list[str] = []

    def run(self, activities: Sequence[Activity], stamp: str) -> Outcome:
        """What activities make of the batch; `stamp` is the SQL of a last column."""
        for activity in activities:
            getattr(self, f"_{activity.kind}")(activity)
        names = [name.lower() for name in self._columns]
        if not names or len(set(names)) < len(names) or "__dt" in names:
            raise NotVectorised
        where = " AND ".join(self._kept) or "true"
        count, columns = self._settled(where)
        rows = f"SELECT {', '.join([*(f'{one.sql} AS {quoted(name)}' for name, one in columns.items()), stamp])}"
        self._tell()
        types = {name: one.kind for name, one in columns.items()}
        return Outcome(f"{rows} FROM read WHERE {where}", count, types, self._told)

    def _settled(self, where: str) -> tuple[int, dict[str, Column]]:
        """How many messages are left, and their columns: whole numbers where all are, none that no message has."""
        tests = ["count(*)", *(f"count({column.sql})" for column in self._columns.values())]
        tests += [
            f"bool_and({column.sql} = trunc({column.sql}) AND abs({column.sql}) < {EXACT!r})"
            if column.kind == RESULT
            else "false"
            for column in self._columns.values()
        ]
        row = self._cursor.execute(f"SELECT {', '.join(tests)} FROM read WHERE {where}").fetchone()
        assert row is not None
        present, whole = row[1 : 1 + len(self._columns)], row[1 + len(self._columns) :]
        found = {}
        for (name, column), some, all_whole in zip(self._columns.items(), present, whole, strict=True):
            if not some:
                continue
            sql, kind = column.sql, inferred(column.kind)
            if kind == RESULT:
                kind = "BIGINT" if all_whole else "DOUBLE"
                sql = f"CAST({sql} AS BIGINT)" if all_whole else sql
            found[name.lower()] = Column(sql, kind)
        return row[0], found

    # Activities

    def _filter(self, activity: Activity) -> None:
        expression = activity.settings["filter"]
        try:
            kept = Conditions(self._batch, self._columns).filter(_parsed(expression))
        except NotVectorised:
            kept = self._computed("filter", expression).sql
        self._kept.append(kept)

    def _math(self, activity: Activity) -> None:
        attribute, expression = activity.settings["attribute"], activity.settings["math"]
        try:
            sql = arithmetic(self._batch, self._columns, _parsed(expression))
        except NotVectorised:
            sql = self._computed("math", expression).sql
        before = self._columns.get(attribute)
        self._wrong.append((told(activity), self._so_far(f"{sql} IS NULL")))
        if before is not None:
            if before.kind not in (*NUMBERS, RESULT):
                raise NotVectorised
            sql = f"coalesce({sql}, CAST({before.sql} AS DOUBLE))"
        self._columns[attribute] = Column(sql, RESULT)

    def _computed(self, kind: Kind, expression: str) -> Column:
        """The values of an expression that is no SQL, for the messages that got so far; the others leave the batch."""
        kept = " AND ".join(self._kept) or "true"
        self._tell()
        column = computed(self._batch, self._columns, kind, expression, kept)
        self._kept = []
        return column

    def _tell(self) -> None:
        """Find out which activities had no value for a message of the batch."""
        self._told += [text for text, condition in self._wrong if self._batch.any(condition)]
        self._wrong = []

    def _addAttributes(self, activity: Activity) -> None:  # noqa: N802  (named for the kind of activity)
        added = {name: self._at(path) for path, name in activity.settings["attributes"].items()}
        if len(added) < len(activity.settings["attributes"]):
            raise NotVectorised
        for name, column in added.items():
            if column is None:
                continue
            before = self._columns.get(name)
            if before is not None:
                if before.kind != column.kind:
                    raise NotVectorised
                column = Column(f"coalesce({column.sql}, {before.sql})", column.kind)
            self._columns[name] = column

    def _removeAttributes(self, activity: Activity) -> None:  # noqa: N802  (named for the kind of activity)
        for path in activity.settings["attributes"]:
            self._columns.pop(str(steps(path)[0]), None)
        self._not_empty()

    def _selectAttributes(self, activity: Activity) -> None:  # noqa: N802  (named for the kind of activity)
        chosen: dict[str, Column] = {}
        for path in activity.settings["attributes"]:
            column, name = self._at(path), last_name(path)
            if name in chosen:
                raise NotVectorised
            if column is not None:
                chosen[name] = column
        self._columns = chosen
        self._not_empty()

    def _not_empty(self) -> None:
        if not self._columns:
            raise NotVectorised
        present = " OR ".join(f"({column.sql}) IS NOT NULL" for column in self._columns.values())
        self._kept.append(f"({present})")

    def _so_far(self, condition: str) -> str:
        return " AND ".join([*self._kept, f"({condition})"])

    def _at(self, path: str) -> Column | None:
        """The attribute at a path; None when no message has it."""
        first, *rest = steps(path)
        column = inside(self._columns.get(str(first)), [str(step) for step in rest])
        if column is not None and column.kind == RESULT:
            raise NotVectorised
        return column


def _parsed(text: str) -> nodes.Node:
    try:
        return parse_expression(text)
    except SqlError as error:
        raise NotVectorised from error


def as_declared(outcome: Outcome, declared: Mapping[str, Type], last: str) -> Outcome:
    """What came out with the columns of a data store that declares them; NotVectorised where types differ more.

    `last` is the column behind them.
    """
    columns = []
    for name, kind in declared.items():
        found = outcome.types.get(name)
        if found not in (None, kind) and (found, kind) != ("BIGINT", "DOUBLE"):
            raise NotVectorised
        value = "NULL" if found is None else quoted(name)
        columns.append(f"CAST({value} AS {type_text(kind)}) AS {quoted(name)}")
    rows = f"SELECT {', '.join([*columns, quoted(last)])} FROM ({outcome.rows})"
    return Outcome(rows, outcome.count, dict(declared), outcome.wrong)
