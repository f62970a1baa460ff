"""DynamoDB's language: attribute values, and the expressions over them; pure.

An expression's text is read by one lexer and parser (`lexer.py`, `parser.py`, remembered by text) into the nodes of
`syntax.py`; a request's placeholders (`placeholders.py`) bind those to conditions, key conditions, updates and
projections. The legacy parameters (`legacy.py`) become the same things. Rules: "Expressions in DynamoDB" and "Legacy
conditional parameters" of the developer guide, and recorded answers of the service for the texts of errors.
"""
