"""Schemas as clients read them: as SDL or as the answer to an introspection query; whole, or type by type.

Describing a large schema takes seconds: for threads, not for the loop.
"""

from __future__ import annotations

from typing import Any

import orjson
from graphql import (
    GraphQLNamedType,
    introspection_from_schema,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
    parse,
    print_ast,
    print_type,
)
from graphql.utilities.print_schema import print_directive

from kumoi.services.appsync.schema.compiled import DIRECTIVES, Compiled
from kumoi.services.appsync.schema.scalars import NAMES

_OURS = frozenset((*DIRECTIVES, "aws_auth", "aws_subscribe", "aws_publish"))


def own_types(found: Compiled) -> list[GraphQLNamedType]:
    """The types that a definition defines."""
    return [
        type_
        for type_ in found.schema.type_map.values()
        if type_.name not in NAMES and not is_introspection_type(type_) and not is_specified_scalar_type(type_)
    ]


def whole(found: Compiled, definition: str, format: str, directives: bool) -> bytes:
    """A schema, as GetIntrospectionSchema answers it."""
    if format == "JSON":
        return orjson.dumps({"data": introspection_from_schema(found.schema)})
    if directives:
        return print_ast(parse(definition)).encode()
    pieces = [
        print_directive(one)
        for one in found.schema.directives
        if not is_specified_directive(one) and one.name not in _OURS
    ]
    return "\n\n".join([*pieces, *(print_type(type_) for type_ in own_types(found))]).encode()


def by_type(found: Compiled, format: str, name: str | None = None) -> list[tuple[GraphQLNamedType, str]]:
    """Each type that a definition defines (or the one of that name), with its text as GetType answers it."""
    types = [type_ for type_ in own_types(found) if name in (None, type_.name)]
    if format == "SDL":
        return [(one, print_ast(one.ast_node) if one.ast_node is not None else print_type(one)) for one in types]
    if not types:
        return []
    described: dict[str, Any] = dict(introspection_from_schema(found.schema))
    texts = {one["name"]: one for one in described["__schema"]["types"]}
    return [(one, orjson.dumps(texts[one.name]).decode()) for one in types]
