"""Template parameters: values given, kept from before, or by default, checked against their declarations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.java_patterns import BadPattern, first_mismatch
from kumoi.services.cloudformation.template.bounds import template_error
from kumoi.wire.errors import AwsError, aws_error

_TYPES = re.compile(
    r"String|Number|CommaDelimitedList|List<(Number|String|AWS::[A-Za-z0-9:]+)>|AWS::[A-Za-z0-9:]+(<.+>)?"
)
_FROM_SSM = "AWS::SSM::Parameter::Value<"
HIDDEN = "****"


class Parameter(NamedTuple):
    """A parameter's value as it was given, and as the template sees it (a list for list types)."""

    text: str
    value: Any
    secret: bool = False
    resolved: str | None = None


def ssm_names(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Which parameters take their values from Parameter Store: name to the name there."""
    names = {}
    for name, declaration in declared.items():
        if str(declaration.get("Type", "")).startswith(_FROM_SSM):
            names[name] = str(given.get(name, declaration.get("Default", "")))
    return names


def given_values(
    entries: Sequence[Mapping[str, Any]], declared: Mapping[str, Any], before: Mapping[str, str]
) -> dict[str, str]:
    """The values of a request's Parameters; those that use previous values take them from `before`."""
    values: dict[str, str] = {}
    for entry in entries:
        name = entry.get("ParameterKey", "")
        if entry.get("UsePreviousValue"):
            if name not in before:
                raise aws_error(
                    "ValidationError",
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a "
                    f"parameter key not in the previous template",
                )
            values[name] = before[name]
        else:
            values[name] = entry.get("ParameterValue", "")
    unknown = [name for name in values if name not in declared]
    if unknown:
        raise aws_error("ValidationError", f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    return values


def resolve_parameters(
    declared: Mapping[str, Any], given: Mapping[str, str], from_ssm: Mapping[str, str]
) -> dict[str, Parameter]:
    """Every declared parameter's value; ValidationError for what is missing or not allowed."""
    missing = [name for name, one in declared.items() if name not in given and "Default" not in one]
    if missing:
        raise aws_error("ValidationError", f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _parameter(name, declaration, _text(given.get(name, declaration.get("Default", ""))), from_ssm.get(name))
        for name, declaration in declared.items()
    }


async def check_patterns(declared: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> None:
    """Refuse a value that does not match its parameter's AllowedPattern."""
    wanted = [
        (name, str(declaration["AllowedPattern"]), item)
        for name, declaration in declared.items()
        if "AllowedPattern" in declaration and not str(declaration.get("Type", "")).startswith(_FROM_SSM)
        for item in _items(str(declaration.get("Type", "")), parameters[name].text)
    ]
    try:
        mismatch = await first_mismatch([(pattern, item) for _, pattern, item in wanted])
    except BadPattern as error:
        raise template_error(f"an AllowedPattern {error}.") from None
    if mismatch is not None:
        name, pattern, _ = wanted[mismatch]
        raise _unmet(name, declared[name], f"Parameter must match pattern {pattern}")


def _parameter(name: str, declaration: Mapping[str, Any], text: str, found: str | None) -> Parameter:
    kind = str(declaration.get("Type", ""))
    if not _TYPES.fullmatch(kind):
        raise template_error(f"Unrecognized parameter type: {kind}")
    secret = _text(declaration.get("NoEcho", "false")).lower() == "true"
    value = text if found is None else found
    if kind.startswith(_FROM_SSM):
        kind = kind[len(_FROM_SSM) : -1]
    else:
        _check(name, declaration, kind, text)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return Parameter(text, [item.strip() for item in value.split(",")] if value else [], secret, found)
    return Parameter(text, value, secret, found)


def _check(name: str, declaration: Mapping[str, Any], kind: str, text: str) -> None:
    for item in _items(kind, text):
        try:
            problem = _problem(declaration, kind, item)
        except (TypeError, ValueError):
            raise template_error(f"a constraint of parameter {name} is of the wrong type.") from None
        if problem:
            raise _unmet(name, declaration, problem)


def _items(kind: str, text: str) -> list[str]:
    return [item.strip() for item in text.split(",")] if kind == "CommaDelimitedList" else [text]


def _unmet(name: str, declaration: Mapping[str, Any], problem: str) -> AwsError:
    told = declaration.get("ConstraintDescription") or problem
    return aws_error("ValidationError", f"Parameter {name} failed to satisfy constraint: {told}")


def _problem(declaration: Mapping[str, Any], kind: str, text: str) -> str:
    if kind == "Number":
        try:
            number = float(text)
        except ValueError:
            return f"Parameter value {text} must be a number"
        if "MinValue" in declaration and number < float(declaration["MinValue"]):
            return f"must be greater than or equal to {declaration['MinValue']}"
        if "MaxValue" in declaration and number > float(declaration["MaxValue"]):
            return f"must be less than or equal to {declaration['MaxValue']}"
    allowed = declaration.get("AllowedValues")
    if allowed is not None and text not in [_text(one) for one in allowed]:
        return f"Parameter must be one of AllowedValues: [{', '.join(_text(one) for one in allowed)}]"
    if "MinLength" in declaration and len(text) < int(declaration["MinLength"]):
        return f"Parameter must contain at least {declaration['MinLength']} characters"
    if "MaxLength" in declaration and len(text) > int(declaration["MaxLength"]):
        return f"Parameter must contain at most {declaration['MaxLength']} characters"
    return ""


def _text(value: Any) -> str:
    """A value of a declaration as the text it stands for."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
