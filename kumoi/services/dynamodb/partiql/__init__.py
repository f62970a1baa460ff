"""PartiQL: the SQL that DynamoDB understands; pure.

A statement's text is read by a lexer and a parser of its own (`lexer.py`, `parser.py`, remembered by text) into
`syntax.py`, whose conditions, paths and assignments are those of the expression language. `binding.py` gives a
statement its parameters and makes it a condition, an update or an item; `plan.py` finds the keys in a WHERE clause.
Rules: "PartiQL - a SQL-compatible query language for Amazon DynamoDB" of the developer guide, and recorded answers of
the service for the texts of errors.
"""
