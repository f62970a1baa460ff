"""A schema, compiled from its definition: with AWS's scalars and directives, and who may see each field.

The library for GraphQL is imported here and below, at the first use of an API.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSyntaxError,
    build_ast_schema,
    concat_ast,
    parse,
    validate_schema,
    value_from_ast_untyped,
)
from graphql.language import DirectiveNode
from graphql.validation.validate import validate_sdl

from kumoi.services.appsync.schema import BadSchema
from kumoi.services.appsync.schema.feeds import feeds, unfit
from kumoi.services.appsync.schema.scalars import NAMES, read, written

DIRECTIVES = {
    "aws_api_key": "API_KEY",
    "aws_iam": "AWS_IAM",
    "aws_oidc": "OPENID_CONNECT",
    "aws_lambda": "AWS_LAMBDA",
    "aws_cognito_user_pools": "AMAZON_COGNITO_USER_POOLS",
}
"""The way of authorization that each directive opens a field or type for."""
MOST_TOKENS = 250_000
"""Names, brackets and texts of a definition: more than the largest one holds that says something."""
PRELUDE = parse(
    "\n".join(f"scalar {name}" for name in NAMES)
    + """
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_oidc on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String]) on OBJECT | FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String]) on FIELD_DEFINITION
directive @aws_subscribe(mutations: [String]) on FIELD_DEFINITION
directive @aws_publish(subscriptions: [String]) on FIELD_DEFINITION
"""
)


class Opening(NamedTuple):
    """What a directive says: a way of authorization, and the groups it is limited to (None: everybody)."""

    mode: str
    groups: tuple[str, ...] | None = None


class Compiled:
    """A schema ready to run. `openings` are those of types (field None) and fields.

    `feeds` are the subscriptions that each mutation feeds.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.openings: dict[tuple[str, str | None], tuple[Opening, ...]] = {}
        self.group_limits: dict[tuple[str, str], tuple[str, ...]] = {}
        self.documents: OrderedDict[tuple[bool, str], Any] = OrderedDict()
        self.kept_characters = 0
        self.feeds = feeds(schema)
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
                self._collect(type_)

    @cached_property
    def has_groups(self) -> bool:
        """Whether it matters in which groups somebody is."""
        limited = any(one.groups is not None for openings in self.openings.values() for one in openings)
        return limited or bool(self.group_limits)

    def field_exists(self, type_name: str, field: str) -> bool:
        """Whether a resolver may be on this field."""
        type_ = self.schema.type_map.get(type_name)
        return isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and field in type_.fields

    def _collect(self, type_: GraphQLObjectType) -> None:
        nodes = [type_.ast_node, *type_.extension_ast_nodes]
        found = [one for node in nodes if node is not None for one in node.directives or ()]
        if openings := _openings(found):
            self.openings[type_.name, None] = openings
        for name, field in type_.fields.items():
            directives = list((field.ast_node and field.ast_node.directives) or ())
            if openings := _openings(directives):
                self.openings[type_.name, name] = openings
            for directive in directives:
                if directive.name.value == "aws_auth":
                    self.group_limits[type_.name, name] = _groups(directive) or ()


def compiled(definition: str) -> Compiled:
    """Compile a definition; raises BadSchema."""
    try:
        document = parse(definition, max_tokens=MOST_TOKENS)
    except (GraphQLSyntaxError, RecursionError):
        raise BadSchema("Failed to parse schema document - ensure it's a valid SDL-formatted document.") from None
    own = [_name(node) for node in document.definitions]
    for kind, name in own:
        if kind == "scalar_type_definition":
            raise BadSchema(f"Custom scalars are not allowed in schemas: {name}")
        if name.startswith("AWS") and kind.endswith("type_definition"):
            raise BadSchema(f"Type names must not begin with AWS: {name}")
    whole = concat_ast([PRELUDE, document])
    try:
        problems = validate_sdl(whole)
        if problems:
            raise BadSchema("; ".join(problem.message for problem in problems[:5]))
        schema = build_ast_schema(whole, assume_valid_sdl=True)
        problems = validate_schema(schema)
    except (GraphQLError, TypeError, RecursionError) as error:
        raise BadSchema(str(error)) from None
    if problems:
        raise BadSchema("; ".join(problem.message for problem in problems[:5]))
    if (why := unfit(schema)) is not None:
        raise BadSchema(why)
    for name in NAMES:
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        _bind(scalar)
    return Compiled(schema)


def _bind(scalar: GraphQLScalarType) -> None:
    """Give one of AWS's scalars its rules."""
    for name, rule in (("coerce_output_value", written), ("coerce_input_value", read)):
        setattr(scalar, name, partial(rule, scalar.name))


def _name(node: Any) -> tuple[str, str]:
    name = getattr(node, "name", None)
    return node.kind, name.value if name is not None else ""


def _openings(directives: Sequence[DirectiveNode]) -> tuple[Opening, ...]:
    return tuple(
        Opening(DIRECTIVES[directive.name.value], _groups(directive))
        for directive in directives
        if directive.name.value in DIRECTIVES
    )


def _groups(directive: DirectiveNode) -> tuple[str, ...] | None:
    for argument in directive.arguments or ():
        if argument.name.value == "cognito_groups":
            groups = value_from_ast_untyped(argument.value)
            return tuple(str(group) for group in (groups if isinstance(groups, list) else [groups]))
    return None
