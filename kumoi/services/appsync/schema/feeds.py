"""Which mutations feed which subscriptions: `@aws_subscribe` on a subscription, or `@aws_publish` on a mutation."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, value_from_ast_untyped


def feeds(schema: GraphQLSchema) -> dict[str, tuple[str, ...]]:
    """The subscriptions that each mutation feeds."""
    found: dict[str, dict[str, None]] = {}
    for mutation, subscription in _pairs(schema):
        found.setdefault(mutation, {})[subscription] = None
    return {mutation: tuple(subscriptions) for mutation, subscriptions in found.items()}


def unfit(schema: GraphQLSchema) -> str | None:
    """What is wrong with how mutations and subscriptions belong together, if anything is."""
    mutations, subscriptions = schema.mutation_type, schema.subscription_type
    for mutation, subscription in _pairs(schema):
        source = mutations.fields.get(mutation) if mutations is not None else None
        target = subscriptions.fields.get(subscription) if subscriptions is not None else None
        if source is None:
            return f"Subscription {subscription} names the mutation {mutation}, which does not exist."
        if target is None:
            return f"Mutation {mutation} names the subscription {subscription}, which does not exist."
        if get_named_type(source.type) is not get_named_type(target.type):
            return (
                f"Subscription {subscription} has the type {target.type}, but its mutation {mutation} has the type"
                f" {source.type}."
            )
    return None


def _pairs(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    for subscription, mutations in _named(schema.subscription_type, "aws_subscribe", "mutations"):
        for mutation in mutations:
            yield mutation, subscription
    for mutation, subscriptions in _named(schema.mutation_type, "aws_publish", "subscriptions"):
        for subscription in subscriptions:
            yield mutation, subscription


def _named(type_: GraphQLObjectType | None, directive: str, argument: str) -> Iterator[tuple[str, list[str]]]:
    """The fields of a type that have a directive, with the names that it gives."""
    for name, field in (type_.fields if type_ is not None else {}).items():
        for one in (field.ast_node.directives or ()) if field.ast_node is not None else ():
            if one.name.value == directive:
                for given in one.arguments or ():
                    if given.name.value == argument:
                        value = value_from_ast_untyped(given.value)
                        names = value if isinstance(value, list) else [value]
                        yield name, [str(each) for each in names if each is not None]
