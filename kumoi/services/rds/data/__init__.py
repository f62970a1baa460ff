"""The RDS Data API: statements and transactions by HTTP calls, run by SQLite.

A statement's way: `parsing` reads it; `table_names` and `declarations` give tables and columns SQLite's names and
types; `set_functions`, `json_values`, `typed_operators`, `inserts` and `lateral` change what depends on the types of
columns (`scopes` finds them), `expressions` and `named_functions` everything else; `dialect` puts the parts together.
`database` runs it: by itself, or step by step where it changes a table (`alterations`), a schema or a type
(`catalog`). What statements call is in `functions` and the modules that it names.
"""
