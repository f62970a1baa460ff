"""The schema that AppSync gets: models with connections, inputs, filters, queries, mutations and subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from graphql import print_ast

from kumoi.amplify_schema.inputs import (
    condition_kind,
    filter_fields,
    key_condition,
    shared_inputs,
    subscription_fields,
)
from kumoi.amplify_schema.models import SCALARS, Field, Key, Model, Rule, Schema, TypeRef
from kumoi.amplify_schema.naming import upper
from kumoi.amplify_schema.problems import SchemaProblem
from kumoi.amplify_schema.rules import MODES

_AMPLIFY = frozenset(
    ("model", "auth", "hasMany", "hasOne", "belongsTo", "manyToMany", "index", "primaryKey", "default", "function")
)


class Writer:
    """Writes the schema of an API. `versioned`: items have versions, and clients catch up by Sync."""

    def __init__(self, schema: Schema, versioned: bool) -> None:
        self._schema = schema
        self._versioned = versioned
        self._shared: set[str] = set()
        self._inputs: dict[str, str] = {}
        self._modes = sorted({rule.provider for rule in schema.rules()})
        self._default = next((one for one in MODES if one in self._modes), "apiKey")

    def written(self) -> str:
        """The whole schema."""
        parts: list[str] = []
        roots: dict[str, list[str]] = {"Query": [], "Mutation": [], "Subscription": []}
        for model in self._schema.models.values():
            parts += self._types(model)
            roots["Query"] += self._queries(model)
            roots["Mutation"] += self._mutations(model)
            roots["Subscription"] += self._subscriptions(model)
        for name, fields in self._schema.roots.items():
            roots[name] += [self._own(field) for field in fields]
        if not roots["Query"]:
            roots["Query"].append("_unused: String")
        for node in self._schema.others:
            parts.append(self._other(node))
        parts += [f"type {name} {{\n{_lines(fields)}\n}}" for name, fields in roots.items() if fields]
        parts += self._inputs.values()
        parts += shared_inputs(self._shared)
        return "\n\n".join(parts) + "\n"

    def directives(self, rules: Iterable[Rule]) -> str:
        """The directives that open a type or field for the providers of rules; none for the API's default alone."""
        providers = sorted({rule.provider for rule in rules})
        if providers == [self._default] or not providers:
            return ""
        return "".join(f" @{MODES[provider][1]}" for provider in providers)

    def _types(self, model: Model) -> list[str]:
        rules = [*model.rules, *(rule for field in model.fields.values() for rule in field.rules or ())]
        opened = self.directives(rules)
        fields = [self._field(field) for field in model.fields.values()]
        fields += [f"{name}: {kind}" for name, kind in extra_fields(model, self._versioned) if name not in model.fields]
        connection = ["items: [" + model.name + "]!", "nextToken: String"]
        if self._versioned:
            connection.append("startedAt: AWSTimestamp")
        described = _described(model.description)
        return [
            f"{described}type {model.name}{opened} {{\n{_lines(fields)}\n}}",
            f"type Model{model.name}Connection{opened} {{\n{_lines(connection)}\n}}",
            *self._model_inputs(model),
        ]

    def _field(self, field: Field) -> str:
        arguments = f"({field.arguments})" if field.arguments else ""
        type_ = field.type.written()
        if field.link is not None and field.link.many:
            other = self._schema.models[field.link.model]
            self._shared.add("ModelSortDirection")
            sorts = self._sort_argument(other, field.link.key, len(field.link.fields) - 1)
            listed = [*sorts, *self._list_arguments(other, sorted_too=True)]
            arguments, type_ = f"({', '.join(listed)})", f"Model{other.name}Connection"
        directives = f" {field.directives}" if field.directives else ""
        return f"{_described(field.description)}{field.name}{arguments}: {type_}{directives}"

    def _own(self, field: Field) -> str:
        opened = self.directives(field.rules) if field.rules else ""
        return self._field(field) + ("" if "@aws_" in field.directives else opened)

    def _other(self, node: Any) -> str:
        text = print_ast(_stripped(node))
        if node.kind == "object_type_definition" and len(self._modes) > 1 and "@aws_" not in text.partition("{")[0]:
            opened = "".join(f" @{MODES[provider][1]}" for provider in self._modes)
            head, brace, rest = text.partition("{")
            text = f"{head.rstrip()}{opened} {brace}{rest}"
        return text

    def _list_arguments(self, model: Model, *, sorted_too: bool = False) -> list[str]:
        direction = ["sortDirection: ModelSortDirection"] if sorted_too else []
        return [f"filter: Model{model.name}FilterInput", *direction, "limit: Int", "nextToken: String"]

    def _sort_argument(self, model: Model, key: Key, known: int = 0) -> list[str]:
        """The argument for the sort keys of an index, if it has some that are not known already."""
        sorts = key.sorts[known:] if known > 0 else key.sorts
        if not sorts or (known > 0 and len(key.sorts) > 1):
            return []
        if len(sorts) == 1:
            kind = key_condition(model.fields[sorts[0]].type.name)
            self._shared.add(kind)
            return [f"{sorts[0]}: {kind}"]
        return [f"{composite_argument(key)}: {self._composite(model, key)}"]

    def _composite(self, model: Model, key: Key) -> str:
        base = f"Model{model.name}{upper(_word(key.name)) if key.name else 'Primary'}CompositeKey"
        parts = [f"{name}: {model.fields[name].type.name}" for name in key.sorts]
        self._inputs[f"{base}Input"] = f"input {base}Input {{\n{_lines(parts)}\n}}"
        compared = [f"{name}: {base}Input" for name in ("eq", "le", "lt", "ge", "gt")]
        compared += [f"between: [{base}Input]", f"beginsWith: {base}Input"]
        self._inputs[f"{base}ConditionInput"] = f"input {base}ConditionInput {{\n{_lines(compared)}\n}}"
        return f"{base}ConditionInput"

    def _queries(self, model: Model) -> Iterator[str]:
        names, key = model.queries, model.key
        name, result = model.name, f"Model{model.name}Connection"
        if names.get("get"):
            wanted = ", ".join(f"{one}: {model.fields[one].type.name}!" for one in key.fields)
            yield f"{names['get']}({wanted}): {name}{self.directives(rules_for(model, 'get'))}"
        if names.get("list"):
            given = self._list_arguments(model)
            if key.partition != "id" or key.sorts:
                self._shared.add("ModelSortDirection")
                first = f"{key.partition}: {model.fields[key.partition].type.name}"
                given = [first, *self._sort_argument(model, key), *self._list_arguments(model, sorted_too=True)]
            yield f"{names['list']}({', '.join(given)}): {result}{self.directives(rules_for(model, 'list'))}"
        if names.get("sync") and self._versioned:
            given = [*self._list_arguments(model), "lastSync: AWSTimestamp"]
            yield f"{names['sync']}({', '.join(given)}): {result}{self.directives(rules_for(model, 'sync'))}"
        for index in model.indexes:
            if index.query:
                self._shared.add("ModelSortDirection")
                first = f"{index.partition}: {model.fields[index.partition].type.name}!"
                given = [first, *self._sort_argument(model, index), *self._list_arguments(model, sorted_too=True)]
                yield f"{index.query}({', '.join(given)}): {result}{self.directives(rules_for(model, 'list'))}"

    def _mutations(self, model: Model) -> Iterator[str]:
        for kind, name in model.mutations.items():
            if name:
                given = f"input: {upper(kind)}{model.name}Input!, condition: Model{model.name}ConditionInput"
                yield f"{name}({given}): {model.name}{self.directives(rules_for(model, kind))}"

    def _subscriptions(self, model: Model) -> Iterator[str]:
        owners = owner_fields(model)
        for kind, names in model.subscriptions.items():
            mutation = model.mutations[kind.removeprefix("on").lower()]
            given = [f"filter: ModelSubscription{model.name}FilterInput", *(f"{owner}: String" for owner in owners)]
            opened = self.directives(rules_for(model, "listen"))
            for name in names:
                yield f'{name}({", ".join(given)}): {model.name} @aws_subscribe(mutations: ["{mutation}"]){opened}'

    def _model_inputs(self, model: Model) -> list[str]:
        created, updated = [], []
        times = (model.created, model.updated)
        for field in model.stored():
            required = field.type.required and field.name not in times and field.name != "id"
            kind = self._input_type(field.type, field.line)
            created.append(f"{field.name}: {kind.written(required=required)}")
            updated.append(f"{field.name}: {kind.written(required=field.name in model.key.fields)}")
        key = [f"{name}: {model.fields[name].type.name}!" for name in model.key.fields]
        version = ["_version: Int"] if self._versioned else []
        name = model.name
        found = [
            _input(f"Create{name}Input", [*created, *version]),
            _input(f"Update{name}Input", [*updated, *version]),
            _input(f"Delete{name}Input", [*key, *version]),
        ]
        filters = list(filter_fields(self._schema, model, extra_fields(model, self._versioned), self._shared))
        filters_name, condition = f"Model{name}FilterInput", f"Model{name}ConditionInput"
        found.append(_input(filters_name, [*filters, *condition_kind(filters_name)]))
        plain = [one for one in filters if one.partition(":")[0] not in model.key.fields]
        found.append(_input(condition, [*plain, *condition_kind(condition)]))
        if model.subscriptions:
            subscribed = f"ModelSubscription{name}FilterInput"
            listed = subscription_fields(self._schema, model, extra_fields(model, self._versioned), self._shared)
            found.append(_input(subscribed, [*listed, f"and: [{subscribed}]", f"or: [{subscribed}]"]))
        for one, kinds in (("Create", "create"), ("Update", "update"), ("Delete", "delete")):
            if not model.mutations[kinds]:
                found = [text for text in found if not text.startswith(f"input {one}{name}Input ")]
        return found

    def _input_type(self, type_: TypeRef, line: int) -> TypeRef:
        """A field's type as an input has it: objects that are no models become inputs of their own."""
        if type_.item is not None:
            return TypeRef("", type_.required, self._input_type(type_.item, line))
        name = type_.name
        if name in SCALARS or name in self._schema.enums:
            return type_
        if name in self._schema.models:
            raise SchemaProblem(f"a field is of the model {name}: it needs @hasMany, @hasOne or @belongsTo", line)
        if name not in self._schema.objects:
            raise SchemaProblem(f"there is no type {name} that an item could hold", line)
        made = f"{name}Input"
        if made not in self._inputs:
            self._inputs[made] = ""
            fields = [
                f"{field.name}: {self._input_type(field.type, field.line).written()}"
                for field in self._schema.objects[name]
            ]
            self._inputs[made] = _input(made, fields)
        return TypeRef(made, type_.required)


def owner_fields(model: Model) -> list[str]:
    """The fields of owners that subscriptions can be limited by: those that hold one."""
    return list(
        dict.fromkeys(
            rule.field for rule in model.rules if rule.is_owner and rule.field and not holds_many(model, rule)
        )
    )


def holds_many(model: Model, rule: Rule) -> bool:
    """Whether the field of a rule is a list."""
    field = model.fields.get(rule.field or "")
    return field is not None and field.type.many


def rules_for(model: Model, operation: str) -> Sequence[Rule]:
    """The rules of an operation; where nobody may do it, those of the model: it is there, and refuses."""
    return [rule for rule in model.rules if operation in rule.operations] or model.rules


def extra_fields(model: Model, versioned: bool) -> list[tuple[str, str]]:
    """The fields that items have beside those that are written down."""
    found = [(name, "AWSDateTime!") for name in (model.created, model.updated) if name]
    if versioned:
        found += [("_version", "Int!"), ("_deleted", "Boolean"), ("_lastChangedAt", "AWSTimestamp!")]
    found += [(rule.field, "String") for rule in model.rules if rule.is_owner and rule.field]
    return [one for at, one in enumerate(found) if one[0] not in model.fields and one not in found[:at]]


def composite_argument(key: Key) -> str:
    """The argument for several sort keys: `yearMonth`."""
    return key.sorts[0] + "".join(upper(one) for one in key.sorts[1:])


def _stripped(node: Any) -> Any:
    from graphql import REMOVE, Visitor, visit

    class Strip(Visitor):
        def enter_directive(self, directive: Any, *_: Any) -> Any:
            return REMOVE if directive.name.value in _AMPLIFY else None

    return visit(node, Strip())


def _word(name: str | None) -> str:
    return "".join(upper(part) for part in "".join(c if c.isalnum() else " " for c in name or "").split())


def _described(text: str) -> str:
    escaped = text.replace('"""', '\\"""')
    return f'"""\n{escaped}\n"""\n' if text else ""


def _lines(fields: Iterable[str]) -> str:
    return "\n".join(f"  {field}" for field in fields)


def _input(name: str, fields: Iterable[str]) -> str:
    return f"input {name} {{\n{_lines(fields)}\n}}"
