"""A schema's text as models: what each directive says, and clear words for those that nobody can serve here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLSyntaxError, parse, print_ast, value_from_ast_untyped

from kumoi.amplify_schema.models import Field, Key, Model, Relation, Rule, Schema, TypeRef
from kumoi.amplify_schema.naming import lower, plural, upper
from kumoi.amplify_schema.problems import SchemaProblem
from kumoi.amplify_schema.rules import rules_of

MOST_CHARACTERS = 1024 * 1024
MOST_TOKENS = 100_000
MOST_MODELS = 200
ROOTS = ("Query", "Mutation", "Subscription")
_RELATIONS = ("hasMany", "hasOne", "belongsTo", "manyToMany")
_UNSERVED = {
    "searchable": "Kumoi has no OpenSearch; use @index and filters",
    "predictions": "Kumoi has no Rekognition, Translate or Polly",
    "http": "use @function, or an HTTP data source with a resolver of your own",
    "connection": "it is of the old transformer: use @hasMany, @hasOne and @belongsTo",
    "key": "it is of the old transformer: use @primaryKey and @index",
    "versioned": "it is of the old transformer: use --conflicts",
    "mapsTo": "Kumoi does not rename models",
    "refersTo": "Kumoi has no SQL models",
    "sql": "Kumoi has no SQL models",
    "conversation": "Kumoi has no Bedrock",
    "generation": "Kumoi has no Bedrock",
}
_PASSED_ON = frozenset(
    ("deprecated", "aws_api_key", "aws_iam", "aws_oidc", "aws_lambda", "aws_cognito_user_pools", "aws_auth",
     "aws_subscribe", "aws_publish", "specifiedBy", "oneOf")
)  # fmt: skip
_MODEL = {"queries": ("get", "list", "sync"), "mutations": ("create", "update", "delete")}
_SUBSCRIPTIONS = {"onCreate": "create", "onUpdate": "update", "onDelete": "delete"}


def read(text: str) -> Schema:
    """Read a text; raises SchemaProblem."""
    if len(text) > MOST_CHARACTERS:
        raise SchemaProblem(f"the schema is longer than {MOST_CHARACTERS} characters")
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLSyntaxError as error:
        raise SchemaProblem(error.message, error.locations[0].line if error.locations else 0) from None
    except RecursionError:
        raise SchemaProblem("the schema nests too deep") from None
    schema = Schema({}, {name: [] for name in ROOTS}, {}, frozenset(_enums(document.definitions)), [])
    fallback: tuple[Rule, ...] | None = None
    seen: set[str] = set()
    nodes: list[Any] = list(document.definitions)
    for node in nodes:
        line, name = _line(node), _name(node)
        if node.kind == "input_object_type_definition" and name == "AMPLIFY":
            fallback = _global_rule(node)
            continue
        if node.kind == "object_type_definition" and name not in ROOTS:
            if name in seen:
                raise SchemaProblem(f"there are two types named {name}", line)
            seen.add(name)
        if node.kind in ("object_type_definition", "object_type_extension") and name in ROOTS:
            schema.roots[name] += [_field(one, name) for one in node.fields or ()]
        elif node.kind == "object_type_definition" and "model" in _directives(node):
            schema.models[name] = _model(node)
        elif node.kind == "object_type_definition":
            _refuse_unserved(_directives(node), line)
            stray = next((one for one in _directives(node) if one not in _PASSED_ON), None)
            if stray is not None:
                raise SchemaProblem(f"@{stray} is for models and fields, and {name} is no model", line)
            guarded = next((one for one in node.fields or () if "auth" in _directives(one)), None)
            if guarded is not None:
                raise SchemaProblem(f"@auth is for models and their fields, and {name} is no model", _line(guarded))
            schema.objects[name] = [_field(one, name) for one in node.fields or ()]
            schema.others.append(node)
        elif node.kind.endswith("_extension") and not node.kind.startswith("schema"):
            raise SchemaProblem(f"extend is for {', '.join(ROOTS)} only, not for {name}", line)
        elif node.kind == "schema_definition":
            if any(one.type.name.value not in ROOTS for one in node.operation_types):
                raise SchemaProblem(f"the root types are named {', '.join(ROOTS)}", line)
        elif node.kind != "directive_definition":
            schema.others.append(node)
    if not schema.models and not any(schema.roots.values()):
        raise SchemaProblem("no type has @model, and there is no Query: there is nothing to make an API of")
    if len(schema.models) > MOST_MODELS:
        raise SchemaProblem(f"there are {len(schema.models)} models; {MOST_MODELS} are the most")
    _with_rules(schema, fallback)
    return schema


def _with_rules(schema: Schema, fallback: tuple[Rule, ...] | None) -> None:
    for model in schema.models.values():
        if model.rules:
            continue
        model.rules = fallback or rules_of([{"allow": "public"}], model.line)
        if fallback is None:
            schema.notes.append(f"{model.name} has no @auth: whoever has the API key may read and change it.")


def _global_rule(node: Any) -> tuple[Rule, ...] | None:
    for one in node.fields or ():
        if one.name.value == "globalAuthRule" and one.default_value is not None:
            return rules_of(value_from_ast_untyped(one.default_value), _line(node))
    return None


def _enums(definitions: Iterable[Any]) -> set[str]:
    return {node.name.value for node in definitions if node.kind == "enum_type_definition"}


def _model(node: Any) -> Model:
    name, line, directives = _name(node), _line(node), _directives(node)
    _refuse_unserved(directives, line)
    if name in ROOTS:
        raise SchemaProblem(f"{name} cannot be a model", line)
    if node.interfaces:
        raise SchemaProblem(f"{name} is a model, which cannot implement interfaces", line)
    fields = {}
    for one in node.fields or ():
        made = _field(one, name)
        if made.name in fields:
            raise SchemaProblem(f"{name} has two fields named {made.name}", made.line)
        fields[made.name] = made
    model = Model(name, fields, line, node.description.value if node.description else "")
    if "auth" in directives:
        model.rules = rules_of(directives["auth"].get("rules"), line)
    _settings(model, directives["model"])
    _keys(model, node)
    return model


def _settings(model: Model, given: Mapping[str, Any]) -> None:
    many = plural(model.name)
    names = {
        "queries": {"get": f"get{upper(model.name)}", "list": f"list{upper(many)}", "sync": f"sync{upper(many)}"},
        "mutations": {kind: f"{kind}{upper(model.name)}" for kind in _MODEL["mutations"]},
    }
    for part, kinds in _MODEL.items():
        wanted = given.get(part, {})
        if wanted is not None and not isinstance(wanted, Mapping):
            raise SchemaProblem(f"{part} of @model has to be a map or null", model.line)
        chosen: dict[str, str | None] = {
            kind: None if wanted is None else wanted.get(kind, names[part][kind]) for kind in kinds
        }
        setattr(model, part, chosen)
    subscribed = given.get("subscriptions", {})
    if isinstance(subscribed, Mapping) and subscribed.get("level") != "off":
        for kind, mutation in _SUBSCRIPTIONS.items():
            listed = subscribed.get(kind, [f"{kind}{upper(model.name)}"])
            if model.mutations[mutation] is not None:
                model.subscriptions[kind] = tuple(map(str, listed if isinstance(listed, list) else [listed]))
    times = given.get("timestamps", {})
    if times is None:
        model.created = model.updated = None
    elif isinstance(times, Mapping):
        model.created, model.updated = times.get("createdAt", "createdAt"), times.get("updatedAt", "updatedAt")


def _keys(model: Model, node: Any) -> None:
    found: list[Key] = []
    for one in node.fields or ():
        name, line = one.name.value, _line(one)
        for directive in one.directives or ():
            given = _arguments(directive)
            sorts = given.get("sortKeyFields") or []
            sorts = tuple(str(sort) for sort in (sorts if isinstance(sorts, list) else [sorts]))
            if directive.name.value == "primaryKey":
                found.append(Key(name, sorts))
            elif directive.name.value == "index":
                model.indexes.append(_index(model, name, sorts, given, line))
    if len(found) > 1:
        raise SchemaProblem(
            f"{model.name} has two fields with @primaryKey; sortKeyFields names further ones", model.line
        )
    if found:
        model.key = found[0]
    elif "id" not in model.fields:
        model.fields = {"id": Field("id", TypeRef("ID", True), model.line, added=True), **model.fields}
    names = [index.name for index in model.indexes]
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise SchemaProblem(f"{model.name} has two indexes named {double}", model.line)


def _index(model: Model, field: str, sorts: tuple[str, ...], given: Mapping[str, Any], line: int) -> Key:
    by = "And".join(upper(one) for one in (field, *sorts))
    query = given.get("queryField", f"{lower(plural(model.name))}By{by}")
    name = given.get("name") or f"{lower(plural(model.name))}By{by}"
    if query is not None and not isinstance(query, str):
        raise SchemaProblem("queryField of @index has to be a name", line)
    return Key(field, sorts, str(name), query)


def _field(node: Any, owner: str) -> Field:
    directives, line, name = _directives(node), _line(node), node.name.value
    _refuse_unserved(directives, line)
    made = Field(
        name,
        _type(node.type),
        line,
        node.description.value if node.description else "",
        ", ".join(print_ast(one) for one in node.arguments or ()),
        " ".join(print_ast(one) for one in node.directives or () if one.name.value in _PASSED_ON),
    )
    if "default" in directives:
        value = directives["default"].get("value")
        if not isinstance(value, str) or made.type.many:
            raise SchemaProblem(f'@default of {owner}.{name} needs a value as a text: @default(value: "1")', line)
        made.default = value
    if "auth" in directives:
        made.rules = rules_of(directives["auth"].get("rules"), line)
    made.functions = tuple(
        _function(_arguments(one), line) for one in node.directives or () if one.name.value == "function"
    )
    kinds = [kind for kind in _RELATIONS if kind in directives]
    if len(kinds) > 1:
        raise SchemaProblem(f"{owner}.{name} has {' and '.join('@' + kind for kind in kinds)}", line)
    for kind in kinds:
        made.relation = _relation(kind, made.type, directives[kind], owner, line)
    return made


def _relation(kind: str, type_: TypeRef, given: Mapping[str, Any], owner: str, line: int) -> Relation:
    inner = type_
    while inner.item is not None:
        inner = inner.item
    if type_.many != (kind in ("hasMany", "manyToMany")):
        what = "one item, not for a list" if type_.many else "a list, not for one item"
        raise SchemaProblem(f"@{kind} of {owner} is for {what}", line)

    def names(member: str) -> tuple[str, ...]:
        value = given.get(member) or ()
        return (value,) if isinstance(value, str) else tuple(str(one) for one in value)

    relation = given.get("relationName")
    if kind == "manyToMany" and not isinstance(relation, str):
        raise SchemaProblem("@manyToMany needs a relationName", line)
    limit = given.get("limit", 100)
    if not isinstance(limit, int) or limit < 1:
        raise SchemaProblem("limit has to be a whole number from 1", line)
    index = given.get("indexName")
    return Relation(
        kind,
        inner.name,
        names("fields"),
        names("references"),
        None if index is None else str(index),
        limit,
        relation,
        line,
    )


def _function(given: Mapping[str, Any], line: int) -> str:
    name = given.get("name")
    if not isinstance(name, str) or not name:
        raise SchemaProblem("@function needs the name of a function", line)
    return name


def _type(node: Any) -> TypeRef:
    required = node.kind == "non_null_type"
    inner = node.type if required else node
    if inner.kind == "list_type":
        return TypeRef("", required, _type(inner.type))
    return TypeRef(inner.name.value, required)


def _refuse_unserved(directives: Mapping[str, Any], line: int) -> None:
    for name in directives:
        if name in _UNSERVED:
            raise SchemaProblem(f"@{name} is not supported: {_UNSERVED[name]}", line)
        if name not in _PASSED_ON and name not in (
            *_RELATIONS, "model", "auth", "primaryKey", "index", "default", "function",
        ):  # fmt: skip
            raise SchemaProblem(f"@{name} is a directive that nobody knows", line)


def _directives(node: Any) -> dict[str, dict[str, Any]]:
    return {one.name.value: _arguments(one) for one in node.directives or ()}


def _arguments(directive: Any) -> dict[str, Any]:
    return {one.name.value: value_from_ast_untyped(one.value) for one in directive.arguments or ()}


def _name(node: Any) -> str:
    return node.name.value if getattr(node, "name", None) is not None else ""


def _line(node: Any) -> int:
    return node.loc.start_token.line if node.loc is not None else 0
