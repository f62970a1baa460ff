"""`lookup`: columns of a table that was uploaded, beside the records whose fields equal its keys.

What matches is compared as text, with regard to case; of several rows the first counts. A record without a match keeps
what it has. Source: "lookup" of the user guide.
"""

# ruff: noqa: S608  (names in the SQL are made here)

from __future__ import annotations

from typing import TYPE_CHECKING

from kumoi.insights.plan import LookupTable
from kumoi.insights.syntax import Field, Lookup, Malformed
from kumoi.insights.values import NOTHING, as_text, text

if TYPE_CHECKING:
    from kumoi.insights.compiler import Chain


def add(chain: Chain, command: Lookup) -> None:
    """Add the columns of a lookup to a chain."""
    from kumoi.insights.compiler import Step

    shared = chain.shared
    table = shared.tables.get(command.table)
    if table is None:
        raise Malformed(f"Lookup table {command.table} does not exist")
    keys = [chain.extend(text(as_text(chain.frame.field(field)))).sql for _, field in command.keys]
    columns = {name: shared.name() for name in dict.fromkeys(command.columns)}
    hit, relation = shared.name(), shared.name()
    wanted = [f"r[{_place(command.table, table, name)}] AS {column}" for name, column in columns.items()]
    matching = [f"r[{_place(command.table, table, column)}]" for column, _ in command.keys]
    keyed = [f"{one} AS k{number}" for number, one in enumerate(matching)]
    rows = f"from_json({shared.parameter(table.rows)}::JSON, '[[\"VARCHAR\"]]')"
    listed = f"SELECT unnest({rows}) AS r, generate_subscripts({rows}, 1) AS place"
    shared.relations.append(
        f"{relation} AS MATERIALIZED (SELECT DISTINCT ON ({', '.join(matching)}) {', '.join([*keyed, *wanted])}, "
        f"true AS {hit} FROM ({listed}) ORDER BY place)"
    )
    joined = " AND ".join(f"l.{key} = t.k{number}" for number, key in enumerate(keys))
    selected = ", ".join(["l.*", f"t.{hit}", *(f"t.{column}" for column in columns.values())])
    olds = {name: chain.frame.field(Field(name, tuple(name.split(".")))) for name in columns}
    chain.steps.append(Step(selected, f"AS l LEFT JOIN {relation} AS t ON {joined}"))
    for name, column in columns.items():
        old = olds[name]
        value = text(column if old == NOTHING else f"CASE WHEN {hit} THEN {column} ELSE {as_text(old)} END")
        chain.frame.columns[name] = value
        chain.also_show(name, value)


def _place(name: str, table: LookupTable, column: str) -> int:
    """Where a column stands in a table's rows, from 1."""
    if column not in table.columns:
        raise Malformed(f"Lookup table {name} has no column {column}: it has {', '.join(table.columns)[:500]}")
    return table.columns.index(column) + 1
