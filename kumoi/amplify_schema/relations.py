"""Relations resolved: the foreign keys, indexes and join models that they need, and how each field is looked up.

Where a directive names no fields, they are added as Amplify names them: `postCommentsId`, index `gsi-Post.comments`.
"""

from __future__ import annotations

from kumoi.amplify_schema.models import Field, Key, Link, Model, Relation, Schema, TypeRef
from kumoi.amplify_schema.naming import foreign_key, lower, plural, upper
from kumoi.amplify_schema.problems import SchemaProblem


def resolve(schema: Schema) -> None:
    """Give every related field its link; raises SchemaProblem."""
    _join(schema)
    for kind in ("hasMany", "hasOne", "belongsTo"):
        for model in list(schema.models.values()):
            for field in list(model.fields.values()):
                if field.relation is not None and field.relation.kind == kind and field.link is None:
                    field.link = _RESOLVERS[kind](schema, model, field, field.relation)


def _other(schema: Schema, relation: Relation) -> Model:
    if relation.model not in schema.models:
        raise SchemaProblem(f"@{relation.kind} is for models, and {relation.model} is none", relation.line)
    return schema.models[relation.model]


def _check(model: Model, names: tuple[str, ...], relation: Relation) -> None:
    for name in names:
        if name not in model.fields:
            raise SchemaProblem(f"@{relation.kind} names {name}, which {model.name} does not have", relation.line)


def _added(model: Model, names: list[str], like: list[Field]) -> None:
    """Add the fields of a foreign key that are not there, of the types of the key."""
    for name, other in zip(names, like, strict=True):
        if name not in model.fields:
            model.fields[name] = Field(name, TypeRef(other.type.name), other.line, added=True)


def _has_many(schema: Schema, model: Model, field: Field, relation: Relation) -> Link:
    other = _other(schema, relation)
    if relation.references:
        _check(other, relation.references, relation)
        key = _indexed(other, relation.references, f"gsi-{model.name}.{field.name}")
        return Link(other.name, key, model.key.fields[: len(relation.references)], True, relation.limit)
    if relation.fields:
        _check(model, relation.fields, relation)
        index = other.key if relation.index is None else other.index(relation.index)
        if index is None:
            raise SchemaProblem(f"{other.name} has no index named {relation.index}", relation.line)
        if len(relation.fields) > len(index.fields):
            raise SchemaProblem("@hasMany names more fields than the index has", relation.line)
        return Link(other.name, index, relation.fields, True, relation.limit)
    names = [foreign_key(model.name, field.name, key) for key in model.key.fields]
    _added(other, names, [model.fields[key] for key in model.key.fields])
    key = _indexed(other, tuple(names), f"gsi-{model.name}.{field.name}")
    return Link(other.name, key, model.key.fields, True, relation.limit)


def _has_one(schema: Schema, model: Model, field: Field, relation: Relation) -> Link:
    other = _other(schema, relation)
    if relation.references:
        _check(other, relation.references, relation)
        key = _indexed(other, relation.references, f"gsi-{model.name}.{field.name}")
        return Link(other.name, key, model.key.fields[: len(relation.references)], False)
    return _pointing(model, other, field, relation)


def _belongs_to(schema: Schema, model: Model, field: Field, relation: Relation) -> Link:
    other = _other(schema, relation)
    if relation.references:
        _check(model, relation.references, relation)
        return Link(other.name, other.key, relation.references, False)
    if not relation.fields:
        for back in other.fields.values():
            if back.relation is not None and back.relation.kind == "hasMany" and back.relation.model == model.name:
                assert back.link is not None
                return Link(other.name, other.key, back.link.key.fields[: len(other.key.fields)], False)
    return _pointing(model, other, field, relation)


def _pointing(model: Model, other: Model, field: Field, relation: Relation) -> Link:
    """The model has the key of the other, in fields that it names or in added ones."""
    if relation.fields:
        _check(model, relation.fields, relation)
        if len(relation.fields) != len(other.key.fields):
            what = ", ".join(other.key.fields)
            raise SchemaProblem(f"@{relation.kind} needs a field for each of {other.name}'s key: {what}", relation.line)
        return Link(other.name, other.key, relation.fields, False)
    names = [foreign_key(model.name, field.name, key) for key in other.key.fields]
    _added(model, names, [other.fields[key] for key in other.key.fields])
    return Link(other.name, other.key, tuple(names), False)


def _indexed(model: Model, names: tuple[str, ...], wanted: str) -> Key:
    """The index on these fields, which is added where there is none."""
    for index in model.indexes:
        if index.fields[: len(names)] == names:
            return index
    made = Key(names[0], names[1:], wanted)
    model.indexes.append(made)
    return made


def _join(schema: Schema) -> None:
    """Make the model between two that have many of each other."""
    sides: dict[str, list[tuple[Model, Field]]] = {}
    for model in schema.models.values():
        for field in model.fields.values():
            if field.relation is not None and field.relation.kind == "manyToMany":
                sides.setdefault(str(field.relation.name), []).append((model, field))
    for name, ends in sides.items():
        joined = upper(name)
        relation = ends[0][1].relation
        assert relation is not None
        if len(ends) != 2 or ends[0][0].name != _target(ends[1][1]) or ends[1][0].name != _target(ends[0][1]):
            raise SchemaProblem(f"@manyToMany {name} has to be on two models, each a list of the other", relation.line)
        if ends[0][0] is ends[1][0]:
            raise SchemaProblem(
                f"@manyToMany {name} is of {ends[0][0].name} with itself; make the model between", relation.line
            )
        if joined in schema.models:
            raise SchemaProblem(f"@manyToMany makes a model {joined}, which is there already", relation.line)
        schema.models[joined] = made = _between(joined, ends)
        for at, (model, field) in enumerate(ends):
            assert field.relation is not None
            field.link = Link(joined, made.indexes[at], model.key.fields, True, field.relation.limit)


def _target(field: Field) -> str:
    return field.relation.model if field.relation is not None else ""


def _between(name: str, ends: list[tuple[Model, Field]]) -> Model:
    fields = {"id": Field("id", TypeRef("ID", True), added=True)}
    keys: list[tuple[str, ...]] = []
    for model, _ in ends:
        names = [f"{lower(model.name)}{upper(key)}" for key in model.key.fields]
        keys.append(tuple(names))
        for own, key in zip(names, model.key.fields, strict=True):
            fields[own] = Field(own, TypeRef(model.fields[key].type.name, True), model.line, added=True)
    indexes = []
    for at, (model, _) in enumerate(ends):
        mine = keys[at]
        by = "And".join(upper(key) for key in mine)
        indexes.append(Key(mine[0], mine[1:], f"by{upper(model.name)}", f"{lower(plural(name))}By{by}"))
        link = Link(model.name, model.key, mine, False)
        end = lower(model.name)
        fields[end] = Field(end, TypeRef(model.name, True), model.line, link=link, added=True)
        fields[end].relation = Relation("belongsTo", model.name, mine, line=model.line)
    made = Model(name, fields, ends[0][0].line, indexes=indexes, join=True)
    made.rules = tuple(dict.fromkeys(rule for model, _ in ends for rule in model.rules))
    made.queries = {"get": f"get{name}", "list": f"list{name}", "sync": f"sync{name}"}
    made.mutations = {kind: f"{kind}{name}" for kind in ("create", "update", "delete")}
    made.subscriptions = {f"on{upper(kind)}": (f"on{upper(kind)}{name}",) for kind in made.mutations}
    return made


_RESOLVERS = {"hasMany": _has_many, "hasOne": _has_one, "belongsTo": _belongs_to}
