"""`accum` and `addtotals`: sums along records, across a record, and of whole columns.

Source: "accum" and "addtotals" of the user guide. What is summed where no field is named: every column shown that holds
numbers, fields of the platform itself (`@message` …) aside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kumoi.insights.syntax import Accum, AddTotals, Field
from kumoi.insights.values import Expr, Kind, as_number, as_text, number, text

if TYPE_CHECKING:
    from kumoi.insights.compiler import Chain

_TYPES = {Kind.TEXT: "VARCHAR", Kind.NUMBER: "DOUBLE", Kind.TIME: "BIGINT", Kind.TRUTH: "BOOLEAN"}


def accumulate(chain: Chain, command: Accum) -> None:
    """Add a running sum in the order of the records."""
    value = as_number(chain.frame.field(command.field))
    total = chain.extend(number(f"sum({value}) OVER (ORDER BY {chain.ordering()} ROWS UNBOUNDED PRECEDING)"))
    chain.frame.columns[command.name] = total
    chain.also_show(command.name, total)
    chain.chosen |= chain.frame.events is None
    chain.plain = False


def add(chain: Chain, command: AddTotals) -> None:
    """Add a column of each record's sum, and a row of each column's."""
    if command.fields:
        summed = [(field.name, chain.frame.field(field)) for field in command.fields]
    else:
        summed = [(name, value) for name, value in chain.shown if _may_be_numbers(name, value)]
    if command.rows and summed:
        known = f"coalesce({', '.join(as_number(value) for _, value in summed)})"
        whole = " + ".join(f"coalesce({as_number(value)}, 0)" for _, value in summed)
        total = chain.extend(number(f"CASE WHEN {known} IS NOT NULL THEN {whole} END"))
        chain.frame.columns[command.name] = total
        chain.also_show(command.name, total)
        summed.append((command.name, total))
    if command.columns:
        _add_row(chain, {name for name, _ in summed})


def _may_be_numbers(name: str, value: Expr) -> bool:
    return value.kind is Kind.NUMBER or (value.kind in (Kind.TEXT, Kind.JSON) and not name.startswith("@"))


def _add_row(chain: Chain, summed: set[str]) -> None:
    """Fix the records and their order, and put the columns' sums below them."""
    from kumoi.insights.compiler import MATCHED, Order, Step
    from kumoi.insights.frame import Frame

    shared = chain.shared
    held = [(name, text(as_text(one)) if one.kind is Kind.JSON else one) for name, one in chain.showing()]
    if chain.pointers:
        held = [*(one for one in held if one[0] != "@ptr"), ("@ptr", chain.frame.field(Field("@ptr", ("@ptr",))))]
    columns = {name: Expr(shared.name(), value.kind) for name, value in held}
    place = shared.name()
    selected = [f"{value.sql} AS {columns[name].sql}" for name, value in held]
    selected.append(f"row_number() OVER (ORDER BY {chain.ordering()}) AS {place}")
    selected.append(f"{MATCHED if chain.counted else '1'} AS {MATCHED}")
    chain.steps.append(Step(", ".join(selected)))
    below = [_sum(value) if name in summed else f"NULL::{_TYPES[value.kind]}" for name, value in columns.items()]
    chain.steps.append(Step("*", below=f"{', '.join(below)}, count(*) + 1, 0", below_rest="HAVING count(*) > 0"))
    chain.frame = Frame(shared, columns)
    chain.shown = [(name, columns[name]) for name, _ in held if name != "@ptr" or not chain.pointers]
    chain.chosen, chain.plain, chain.counted = True, False, True
    chain.sorted = [Order(place, False)]


def _sum(value: Expr) -> str:
    total = number(f"sum({as_number(value)})")
    return total.sql if value.kind is Kind.NUMBER else as_text(total)
