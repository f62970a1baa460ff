"""One type of a schema's definition put in, replaced or taken out; the rest of the text stays as it is, comments too.

What comes out is not checked: whether the whole is a schema still, its compiler says. Pure, but for threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    TypeDefinitionNode,
    TypeExtensionNode,
    build_client_schema,
    introspection_from_schema,
    parse,
    print_type,
)

from kumoi.services.appsync.schema import BadSchema
from kumoi.services.appsync.schema.compiled import MOST_TOKENS, Compiled


class NoSuchType(Exception):
    """The definition has no type of that name."""


def as_text(given: str, format: str, found: Compiled | None) -> tuple[str, str]:
    """The name and the text of a type given as SDL, or as JSON, as an introspection describes it; raises BadSchema."""
    text = given if format == "SDL" else _from_json(given, found)
    try:
        definitions = parse(text, max_tokens=MOST_TOKENS).definitions
    except (GraphQLSyntaxError, RecursionError):
        raise BadSchema("Unable to parse the type definition.") from None
    if len(definitions) != 1 or not isinstance(definitions[0], TypeDefinitionNode):
        raise BadSchema("The definition has to define one type.")
    return definitions[0].name.value, text


def with_type(definition: str, name: str, text: str) -> str:
    """A definition with a type more; raises BadSchema where there is one of that name."""
    if _types(definition, name, TypeDefinitionNode):
        raise BadSchema(f"Type with name {name} already exists.")
    return f"{definition.rstrip()}\n\n{text.strip()}\n".lstrip()


def with_other_type(definition: str, name: str, text: str) -> str:
    """A definition in which the type of a name is another; what extends it stays. Raises NoSuchType."""
    nodes = _types(definition, name, TypeDefinitionNode)
    if not nodes:
        raise NoSuchType
    return _spliced(definition, nodes, text.strip())


def without_type(definition: str, name: str) -> str:
    """A definition without a type and what extends it. Raises NoSuchType."""
    nodes = _types(definition, name, TypeDefinitionNode)
    if not nodes:
        raise NoSuchType
    return _spliced(definition, [*nodes, *_types(definition, name, TypeExtensionNode)], "").lstrip()


def _types(definition: str, name: str, kind: type) -> list[Any]:
    document = parse(definition) if definition.strip() else DocumentNode(definitions=())
    return [node for node in document.definitions if isinstance(node, kind) and node.name.value == name]  # type: ignore[attr-defined]


def _spliced(definition: str, nodes: list[Any], text: str) -> str:
    for node in sorted(nodes, key=lambda one: int(one.loc.start), reverse=True):
        definition = definition[: node.loc.start] + text + definition[node.loc.end :]
    return definition


def _from_json(given: str, found: Compiled | None) -> str:
    try:
        type_ = orjson.loads(given)
    except orjson.JSONDecodeError:
        raise BadSchema("Unable to parse the type definition.") from None
    if not isinstance(type_, Mapping) or not isinstance(type_.get("name"), str):
        raise BadSchema("Unable to parse the type definition.")
    described: Any = introspection_from_schema(found.schema) if found is not None else _NOTHING
    types = [one for one in described["__schema"]["types"] if one["name"] != type_["name"]]
    whole = {"__schema": {**described["__schema"], "types": [*types, type_]}}
    try:
        return print_type(build_client_schema(whole).type_map[type_["name"]])  # type: ignore[arg-type]
    except (GraphQLError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise BadSchema(f"Unable to parse the type definition: {error}") from None


_SCALARS = ("Boolean", "Float", "ID", "Int", "String")
_NOTHING = {
    "__schema": {
        "queryType": None,
        "mutationType": None,
        "subscriptionType": None,
        "directives": [],
        "types": [{"kind": "SCALAR", "name": name} for name in _SCALARS],
    }
}
"""What describes an API without a schema."""
