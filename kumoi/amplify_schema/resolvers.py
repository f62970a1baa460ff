"""The programs of an API's fields: JavaScript of `programs/`, each with what it has to know of its model as `SPEC`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kumoi.amplify_schema.models import Field, Model, Rule, Schema
from kumoi.amplify_schema.schema import holds_many, owner_fields

_IMPORTS = """import { util, runtime, extensions } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';

"""
NOTHING = "NONE_DS"
"""The data source of fields that need none."""


class Resolver(NamedTuple):
    """A field's resolver: its data source, program, and what that knows. A change of items may meet conflicts."""

    type_name: str
    field: str
    source: str
    program: str
    spec: dict[str, Any]
    changes: bool = False


class Pipeline(NamedTuple):
    """A field that the functions of several data sources resolve, one after another."""

    type_name: str
    field: str
    sources: tuple[str, ...]
    program: str
    spec: dict[str, Any]


def table_source(model: Model) -> str:
    """The name of the data source of a model's table."""
    return f"{model.name}Table"


def function_source(name: str) -> str:
    """The name of the data source of a function."""
    return "".join(part for part in name if part.isalnum()) + "LambdaDataSource"


def resolvers_of(schema: Schema, versioned: bool) -> Iterator[Resolver | Pipeline]:
    """All resolvers of an API."""
    for model in schema.models.values():
        yield from _queries(model, versioned)
        yield from _mutations(model)
        yield from _subscriptions(model)
        for field in model.fields.values():
            yield from _of_field(schema, model, field)
    for type_name, fields in (*schema.roots.items(), *schema.objects.items()):
        for field in fields:
            if field.functions:
                yield _functions(type_name, field)


def _queries(model: Model, versioned: bool) -> Iterator[Resolver]:
    source, names = table_source(model), model.queries
    if names.get("get"):
        yield Resolver("Query", str(names["get"]), source, "get", _spec(model, "get"))
    if names.get("list"):
        keyed = model.key.partition != "id" or bool(model.key.sorts)
        given: dict[str, Any] = _asked(model.key.partition, model.key.sorts) if keyed else _asked(None, ())
        yield Resolver("Query", str(names["list"]), source, "list", _spec(model, "list", **given, limit=100))
    if names.get("sync") and versioned:
        given = _asked(None, ())
        spec = _spec(model, "sync", **given, limit=100, catchesUp=True)
        yield Resolver("Query", str(names["sync"]), source, "list", spec)
    for index in model.indexes:
        if index.query:
            given = _asked(index.partition, index.sorts)
            yield Resolver(
                "Query", index.query, source, "list", _spec(model, "list", **given, limit=100, index=index.name)
            )


def _asked(partition: str | None, sorts: Sequence[str]) -> dict[str, Any]:
    argument = None
    if partition is not None and sorts:
        argument = sorts[0] if len(sorts) == 1 else sorts[0] + "".join(one[:1].upper() + one[1:] for one in sorts[1:])
    return {"partition": partition, "sorts": list(sorts), "sortArgument": argument}


def _mutations(model: Model) -> Iterator[Resolver]:
    source = table_source(model)
    times = [name for name in (model.created, model.updated) if name]
    defaults = {field.name: _default(field) for field in model.fields.values() if field.default is not None}
    for kind, name in model.mutations.items():
        if name:
            given: dict[str, Any] = {"updated": model.updated}
            if kind == "create":
                generates = "id" in model.fields and model.fields["id"].type.name in ("ID", "String")
                given = {"defaults": defaults, "times": times, "generates": generates}
            yield Resolver("Mutation", name, source, kind, _spec(model, kind, **given), True)


def _default(field: Field) -> Any:
    text = str(field.default)
    if field.type.name in ("Int", "AWSTimestamp"):
        return int(text)
    if field.type.name == "Float":
        return float(text)
    if field.type.name == "Boolean":
        return text == "true"
    return json.loads(text) if field.type.name == "AWSJSON" else text


def _subscriptions(model: Model) -> Iterator[Resolver]:
    for names in model.subscriptions.values():
        for name in names:
            spec = _spec(model, "listen", owners=owner_fields(model))
            yield Resolver("Subscription", name, NOTHING, "subscribe", spec)


def _of_field(schema: Schema, model: Model, field: Field) -> Iterator[Resolver | Pipeline]:
    link = field.link
    if field.functions:
        yield _functions(model.name, field)
    elif link is not None:
        other = schema.models[link.model]
        source, table = list(link.fields), table_source(other)
        unlike = field.rules is not None or set(other.rules) != set(model.rules)
        given: dict[str, Any] = {
            "guard": None if field.rules is None else _reading(model, field.rules),
            "redacted": unlike and bool(model.subscriptions) and not field.type.required,
            "source": source,
        }
        if link.key.name is None and not link.many:
            yield Resolver(model.name, field.name, table, "get", _spec(other, "get", **given))
            return
        given |= _asked(link.key.partition, link.key.sorts)
        given |= {"index": link.key.name, "limit": link.limit, "one": not link.many}
        yield Resolver(model.name, field.name, table, "list", _spec(other, "list", **given))
    elif field.rules is not None:
        redacted = bool(model.subscriptions)
        spec = {"field": field.name, "rules": _reading(model, field.rules), "redacted": redacted}
        yield Resolver(model.name, field.name, NOTHING, "field", spec)


def _functions(type_name: str, field: Field) -> Resolver | Pipeline:
    rules = [_plain(rule) for rule in field.rules or ()]
    spec = {"type": type_name, "field": field.name, "rules": rules, "redacted": bool(rules)}
    sources = tuple(function_source(name) for name in field.functions)
    if len(sources) == 1:
        return Resolver(type_name, field.name, sources[0], "function", spec)
    return Pipeline(type_name, field.name, sources, "function", spec)


def _spec(model: Model, operation: str, **more: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "model": model.name,
        "key": list(model.key.fields),
        "rules": [_rule(model, rule) for rule in model.rules if operation in rule.operations],
        **more,
    }
    if operation in ("create", "update", "delete"):
        spec["guarded"] = [field.name for field in model.fields.values() if field.rules is not None]
    if operation in ("create", "update"):
        spec["composites"] = [list(key.sorts) for key in (model.key, *model.indexes) if len(key.sorts) > 1]
        spec["protected"] = {
            field.name: [_rule(model, rule) for rule in field.rules if operation in rule.operations]
            for field in model.fields.values()
            if field.rules is not None
        }
    return spec


def _reading(model: Model, rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Who may read a field that has rules of its own."""
    return [_rule(model, rule) for rule in rules if rule.operations & {"get", "list"}]


def _rule(model: Model, rule: Rule) -> dict[str, Any]:
    return {**_plain(rule), "many": holds_many(model, rule)}


def _plain(rule: Rule) -> dict[str, Any]:
    return {
        "provider": rule.provider,
        "groups": list(rule.groups) if rule.groups is not None else None,
        "field": rule.field,
        "claim": rule.claim,
        "owner": rule.is_owner,
    }


def code(program: str) -> str:
    """The text of a program; what it knows follows, by `known`."""
    parts = [(Path(__file__).parent / "programs" / f"{name}.js").read_text("utf-8") for name in ("access", program)]
    return _IMPORTS + "\n".join(parts)


def known(spec: dict[str, Any]) -> str:
    """What a program knows of its field, as its last statement."""
    return f"\nconst SPEC = {json.dumps(spec)};\n"
