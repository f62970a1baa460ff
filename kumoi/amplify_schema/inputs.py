"""Inputs of filters and conditions: which each type of field has, and those that all models share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kumoi.amplify_schema.models import NUMBERS, TEXTS, Model, Schema, TypeRef

_ORDER = ("eq", "le", "lt", "ge", "gt")
_ALWAYS = {
    f"Model{prefix}{kind}Input"
    for prefix in ("", "Subscription")
    for kind in ("String", "ID", "Int", "Float", "Boolean")
}
"""Inputs that are there whether or not a field needs them."""
_SIZED = ("attributeExists: Boolean", "attributeType: ModelAttributeTypes")


def _compared(kind: str, *names: str) -> list[str]:
    return [f"{name}: {kind}" for name in names]


def _definitions() -> dict[str, str]:
    made = {
        "ModelSortDirection": "enum ModelSortDirection {\n  ASC\n  DESC\n}",
        "ModelAttributeTypes": "enum ModelAttributeTypes {\n"
        + "\n".join(f"  {one}" for one in ("binary", "binarySet", "bool", "list", "map", "number", "numberSet"))
        + "\n  string\n  stringSet\n  _null\n}",
        "ModelSizeInput": _input("ModelSizeInput", [*_compared("Int", "ne", *_ORDER), "between: [Int]"]),
    }
    for kind in ("String", "ID"):
        compared = [*_compared(kind, "ne", *_ORDER, "contains", "notContains"), f"between: [{kind}]"]
        compared.append(f"beginsWith: {kind}")
        made[f"Model{kind}Input"] = _input(
            f"Model{kind}Input",
            [*compared, *_SIZED, "size: ModelSizeInput"],
        )
        made[f"ModelSubscription{kind}Input"] = _input(
            f"ModelSubscription{kind}Input",
            [*compared, f"in: [{kind}]", f"notIn: [{kind}]"],
        )
    for kind in ("Int", "Float"):
        compared = [*_compared(kind, "ne", *_ORDER), f"between: [{kind}]"]
        made[f"Model{kind}Input"] = _input(f"Model{kind}Input", [*compared, *_SIZED])
        made[f"ModelSubscription{kind}Input"] = _input(
            f"ModelSubscription{kind}Input", [*compared, f"in: [{kind}]", f"notIn: [{kind}]"]
        )
    made["ModelBooleanInput"] = _input("ModelBooleanInput", [*_compared("Boolean", "ne", "eq"), *_SIZED])
    made["ModelSubscriptionBooleanInput"] = _input("ModelSubscriptionBooleanInput", _compared("Boolean", "ne", "eq"))
    for kind in ("String", "ID", "Int", "Float"):
        begins = [f"beginsWith: {kind}"] if kind in ("String", "ID") else []
        made[f"Model{kind}KeyConditionInput"] = _input(
            f"Model{kind}KeyConditionInput", [*_compared(kind, *_ORDER), f"between: [{kind}]", *begins]
        )
    return made


def shared_inputs(used: Iterable[str]) -> list[str]:
    """The definitions of the shared inputs that are used, those of enumerations among them."""
    known, found = _definitions(), []
    wanted = set(used) | _ALWAYS
    if any(name.startswith("Model") and name in known and _SIZED[1] in known[name] for name in wanted):
        wanted |= {"ModelAttributeTypes", "ModelSizeInput"}
    for name in sorted(wanted):
        if name in known:
            found.append(known[name])
        elif name.endswith("ListInput"):
            enum = name.removeprefix("Model").removesuffix("ListInput")
            listed = [f"eq: [{enum}]", f"ne: [{enum}]", f"contains: {enum}", f"notContains: {enum}"]
            found.append(_input(name, listed))
        else:
            enum = name.removeprefix("Model").removesuffix("Input")
            found.append(_input(name, _compared(enum, "eq", "ne")))
    return found


def _kind(type_name: str) -> str | None:
    """The scalar whose comparisons a type has; None for one that is no scalar."""
    if type_name in NUMBERS:
        return NUMBERS[type_name]
    if type_name in ("ID", "Boolean"):
        return type_name
    return "String" if type_name in TEXTS else None


def key_condition(type_name: str) -> str:
    """The input that a sort key of that type is asked with."""
    return f"Model{_kind(type_name) or 'String'}KeyConditionInput"


def condition_kind(name: str) -> list[str]:
    """How conditions are combined."""
    return [f"and: [{name}]", f"or: [{name}]", f"not: {name}"]


def filter_fields(schema: Schema, model: Model, extra: Iterable[tuple[str, str]], used: set[str]) -> Iterator[str]:
    """The fields of a model's filter."""
    for name, type_ in _comparable(model, extra):
        inner = _innermost(type_)
        kind = _kind(inner)
        if kind is not None:
            used.add(f"Model{kind}Input")
            yield f"{name}: Model{kind}Input"
        elif inner in schema.enums:
            made = f"Model{inner}{'List' if type_.many else ''}Input"
            used.add(made)
            yield f"{name}: {made}"


def subscription_fields(
    schema: Schema, model: Model, extra: Iterable[tuple[str, str]], used: set[str]
) -> Iterator[str]:
    """The fields of a filter of subscriptions."""
    owners = {rule.field for rule in model.rules if rule.is_owner}
    groups = {rule.field for rule in model.rules if not rule.is_owner} - {None}
    for name, type_ in _comparable(model, extra):
        inner = _innermost(type_)
        if name in groups:
            continue
        if name in owners or name == "_deleted":
            yield f"{name}: {'ModelStringInput' if name in owners else 'ModelBooleanInput'}"
            continue
        kind = _kind(inner) or ("String" if inner in schema.enums else None)
        if kind is not None:
            used.add(f"ModelSubscription{kind}Input")
            yield f"{name}: ModelSubscription{kind}Input"


def _comparable(model: Model, extra: Iterable[tuple[str, str]]) -> Iterator[tuple[str, TypeRef]]:
    yield from ((field.name, field.type) for field in model.stored())
    yield from ((name, TypeRef(kind.rstrip("!"))) for name, kind in extra if name not in ("_version", "_lastChangedAt"))


def _innermost(type_: TypeRef) -> str:
    while type_.item is not None:
        type_ = type_.item
    return type_.name


def _input(name: str, fields: Iterable[str]) -> str:
    return f"input {name} {{\n" + "\n".join(f"  {one}" for one in fields) + "\n}"
