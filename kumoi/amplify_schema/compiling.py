"""A text compiled: read, related, written, checked."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from graphql import GraphQLError, GraphQLSyntaxError, build_ast_schema, concat_ast, parse, validate_schema
from graphql.validation.validate import validate_sdl

from kumoi.amplify_schema.models import NO_STRANGERS, SCALARS, Schema, Strangers
from kumoi.amplify_schema.problems import SchemaProblem
from kumoi.amplify_schema.reading import read
from kumoi.amplify_schema.relations import resolve
from kumoi.amplify_schema.resolvers import resolvers_of
from kumoi.amplify_schema.rules import MODES
from kumoi.amplify_schema.schema import Writer
from kumoi.amplify_schema.template import key_kind, template_of

CONFLICT_HANDLERS = ("AUTOMERGE", "OPTIMISTIC_CONCURRENCY")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_PRELUDE = "\n".join(
    (
        *(f"scalar {name}" for name in sorted(SCALARS) if name.startswith("AWS")),
        *(f"directive @{name} on OBJECT | FIELD_DEFINITION" for _, name in MODES.values() if "cognito" not in name),
        "directive @aws_cognito_user_pools(cognito_groups: [String]) on OBJECT | FIELD_DEFINITION",
        "directive @aws_auth(cognito_groups: [String]) on FIELD_DEFINITION",
        "directive @aws_subscribe(mutations: [String]) on FIELD_DEFINITION",
        "directive @aws_publish(subscriptions: [String]) on FIELD_DEFINITION",
    )
)


class Backend(NamedTuple):
    """What became of a text: the schema that AppSync gets, the template, and what its author should know."""

    sdl: str
    template: dict[str, Any]
    notes: tuple[str, ...]


def compiled(text: str, name: str, conflicts: str | None = None, strangers: Strangers = NO_STRANGERS) -> Backend:
    """Make a backend of a schema; raises SchemaProblem.

    `strangers` are what rules with the providers oidc and function need.
    `conflicts`: the handler of conflicts of versioned tables, as Amplify's DataStore needs them; None for plain tables.
    """
    if not _NAME.fullmatch(name):
        raise SchemaProblem(f"the name {name!r} has to begin with a letter and hold letters, digits and hyphens")
    schema = read(text)
    resolve(schema)
    _check(schema)
    sdl = Writer(schema, conflicts is not None).written()
    _validate(sdl)
    resolvers = list(resolvers_of(schema, conflicts is not None))
    return Backend(sdl, template_of(name, schema, sdl, resolvers, conflicts, strangers), tuple(schema.notes))


def _check(schema: Schema) -> None:
    """Raise for keys, rules and defaults that could not work."""
    for model in schema.models.values():
        for key in (model.key, *model.indexes):
            for name in key.fields:
                key_kind(model, name)
        for field in model.fields.values():
            if field.default is not None:
                _check_default(schema, field.type.name, field.default, field.line)
            if field.rules is not None and field.type.required and field.link is None and not field.functions:
                if model.subscriptions:
                    raise SchemaProblem(
                        f"{model.name}.{field.name} has @auth and may not be null, so that subscribers would get it:"
                        " let it be null, or have no subscriptions",
                        field.line,
                    )
                schema.notes.append(
                    f"{model.name}.{field.name} has @auth and may not be null: whoever may not read it gets no item."
                )
        for rule in model.rules:
            if rule.field and not rule.is_owner and rule.field not in model.fields:
                raise SchemaProblem(f"groupsField {rule.field} is no field of {model.name}", model.line)


def _check_default(schema: Schema, kind: str, value: str, line: int) -> None:
    if kind not in SCALARS and kind not in schema.enums:
        raise SchemaProblem(f"@default is for scalars and enumerations, not for {kind}", line)
    patterns = {"Int": r"-?\d+", "AWSTimestamp": r"-?\d+", "Float": r"-?\d+(\.\d+)?", "Boolean": "true|false"}
    if not re.fullmatch(patterns.get(kind, r"[\s\S]*"), value):
        raise SchemaProblem(f"@default {value!r} is no {kind}", line)


def _validate(sdl: str) -> None:
    """Raise for a schema that AppSync would refuse."""
    try:
        whole = concat_ast([parse(_PRELUDE), parse(sdl)])
        problems = validate_sdl(whole) or validate_schema(build_ast_schema(whole, assume_valid_sdl=True))
    except (GraphQLError, GraphQLSyntaxError, TypeError) as error:
        raise SchemaProblem(str(error)) from None
    except RecursionError:
        raise SchemaProblem("the schema nests too deep") from None
    if problems:
        raise SchemaProblem("; ".join(problem.message for problem in problems[:5]))
