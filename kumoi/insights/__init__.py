"""CloudWatch Logs Insights' query language: a text becomes a plan, a plan is SQL over log events. Pure.

`parsing.parse` reads a query (`grammar.lark`) into values (`syntax.py`); `compiler.compile_query` turns those into one
SELECT for DuckDB (with `frame.py`, `functions/`, `aggregates.py`, `discovered.py`). Names of the query never become
names in SQL and its texts are parameters, so that nothing a user or a log line says is ever read as SQL. `answering.py`
runs a query to its end, in a process of its own; `rendering.py` makes of the answer what GetQueryResults shows. Ideas
of their own have files of their own: `patterns.py` (with `anomalies.py`), `relevance.py`, `lookups.py`, `totals.py`,
`subqueries.py`.

Rules: "CloudWatch Logs Insights language query syntax" and "Supported logs and discovered fields" of the CloudWatch
Logs user guide, and recorded answers where they are silent.
"""
