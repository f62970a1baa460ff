"""Payload templates and expressions of JSONPath states: `{"a.$": "$.x", "b": 1}`, compiled to closures.

A key that ends in `.$` holds a path, or one call of an intrinsic function; everything else stands for itself.
"""

from __future__ import annotations

from typing import Any

from kumoi.services.stepfunctions.language import intrinsics, json_path
from kumoi.services.stepfunctions.language.errors import Invalid, runtime
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.services.stepfunctions.language.scope import Expression, Scope


def compile_expression(text: Any) -> Expression:
    """The value of a `.$` field; Invalid when it is neither a path nor a call."""
    if isinstance(text, str) and intrinsics.is_call(text):
        return intrinsics.parse(text)
    if isinstance(text, str) and text.startswith("$"):
        return json_path.parse(text)
    raise Invalid("must be a valid JSONPath or a valid intrinsic function call")


def compile_template(template: Any, field: str) -> Expression:
    """A template as a function of the scope; `field` names it in errors. Invalid where one of its values is wrong."""
    made = _compile(template, field)
    if made is None:
        return lambda _: template
    return made


def _compile(template: Any, field: str) -> Expression | None:
    """A function, or None where nothing is to be evaluated."""
    if isinstance(template, dict):
        return _compile_object(template, field)
    if isinstance(template, list):
        elements = [_compile(one, field) for one in template]
        if not any(elements):
            return None
        pairs = list(zip(template, elements, strict=True))
        return lambda scope: [one if made is None else made(scope) for one, made in pairs]
    return None


def _compile_object(template: dict[str, Any], field: str) -> Expression | None:
    members: list[tuple[str, Any, Expression | None]] = []
    for key, value in template.items():
        if key.endswith(".$"):
            members.append((key[:-2], None, _guarded(value, key)))
        else:
            members.append((key, value, _compile(value, field)))
    names = [name for name, _, _ in members]
    if len(set(names)) != len(names):
        raise Invalid("holds a field twice, with and without '.$'")
    if not any(made for _, _, made in members):
        return None
    return lambda scope: {name: value if made is None else made(scope) for name, value, made in members}


def _guarded(text: Any, key: str) -> Expression:
    """An expression that ends the execution where its path matches nothing."""
    expression = compile_expression(text)

    def evaluate(scope: Scope) -> Any:
        try:
            return expression(scope)
        except json_path.PathMissing:
            raise runtime(
                f"The JSONPath '{text}' specified for the field '{key}' could not be found in the input "
                f"'{dumps(scope.document)}'"
            ) from None

    return evaluate


def read_path(path: json_path.Path, scope: Scope) -> Any:
    """The value at a path that a field like InputPath names; States.Runtime where there is none."""
    try:
        return path(scope)
    except json_path.PathMissing as missing:
        raise runtime(f"Invalid path '{path.text}' : {missing}") from None
