"""A backend out of a schema: types with Amplify's directives, made into a GraphQL API, tables, resolvers and users.

In: SDL with `@model`, `@auth`, `@hasMany`, `@index` … Out: a CloudFormation template as a value. `reading.py` makes
models of the text, `relations.py` gives them the keys and indexes that relations need, `schema.py` writes what AppSync
gets, `resolvers.py` the programs (JavaScript), `template.py` all of it as resources. Nothing here touches a platform.

Names and behaviour: Amplify's documentation ("Data modeling", "Customize authorization rules").
"""

from __future__ import annotations

from kumoi.amplify_schema.compiling import Backend, compiled
from kumoi.amplify_schema.problems import SchemaProblem

__all__ = ["Backend", "SchemaProblem", "compiled"]
