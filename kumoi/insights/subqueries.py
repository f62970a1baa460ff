"""Queries within conditions: `field in (another query)`. Each is answered once, before the query around it.

Of the answer's columns the one counts that is named like the field; where there is but one, that. Source: "subqueries"
of the user guide.
"""

# ruff: noqa: S608  (names in the SQL are made here)

from __future__ import annotations

from typing import TYPE_CHECKING

from kumoi.insights import syntax
from kumoi.insights.plan import Reading
from kumoi.insights.syntax import Field, Found, Malformed
from kumoi.insights.values import Expr, as_text, truth

if TYPE_CHECKING:
    from kumoi.insights.compiler import Chain
    from kumoi.insights.frame import Frame


def found(frame: Frame, one: Found) -> Expr:
    """Whether a value is among those of another query; false where it is missing."""
    shared = frame.shared
    if shared.within:
        raise Malformed("A query within a query cannot contain another one")
    subject = as_text(frame.expression(one.subject))
    shared.within = True
    try:
        chain = _answered(frame, one.query)
    finally:
        shared.within = False
    prefix, values = f"{shared.name()}_", shared.name()
    shared.relations += [*chain.before, *chain.relations(prefix)]
    value = as_text(_column(chain, one.subject))
    distinct = f"SELECT DISTINCT {value} AS value FROM {chain.last(prefix)} WHERE {value} IS NOT NULL"
    shared.relations.append(f"{values} AS MATERIALIZED ({distinct})")
    return truth(f"coalesce({subject} IN (SELECT value FROM {values}), false)")


def _answered(frame: Frame, query: syntax.Query) -> Chain:
    from kumoi.insights.compiler import Chain
    from kumoi.insights.frame import Frame

    shared = frame.shared
    view = shared.name()
    reading = shared.views[view] = Reading(query.source or shared.source)
    chain = Chain(shared, Frame(shared, events=reading), view, shared.views)
    for command in query.commands:
        if isinstance(command, syntax.Join | syntax.Pattern | syntax.RelevantFields):
            raise Malformed("A query within a query can contain no join, pattern or relevantfields")
        chain.add(command)
    if chain.limit is not None:
        chain.cut()
    return chain


def _column(chain: Chain, subject: syntax.Expression) -> Expr:
    shown = dict(chain.shown)
    named = shown.get(subject.name) if isinstance(subject, Field) else None
    if named is not None:
        return named
    if len(shown) != 1:
        raise Malformed("A query within a query must return the field that the query around it refers to")
    return next(iter(shown.values()))
