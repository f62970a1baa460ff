"""Template texts to values: JSON, or YAML with CloudFormation's short forms (`!Sub`, `!GetAtt a.b`).

YAML's own guesses are narrower than in YAML 1.1, as CloudFormation has them (`kumoi/plain_yaml.py`). A key that stands
twice is refused, and what aliases make longer than a template may be.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import orjson
import yaml

from kumoi.plain_yaml import PlainLoader
from kumoi.services.cloudformation.template.bounds import MOST_RESOURCES, MOST_WRITTEN, template_error
from kumoi.wire.errors import aws_error

SECTIONS = frozenset(
    (
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Rules",
        "Mappings",
        "Conditions",
        "Transform",
        "Globals",
        "Hooks",
        "Resources",
        "Outputs",
    )
)
_MEMBERS = frozenset(
    (
        *("Type", "Properties", "DependsOn", "Condition", "Metadata", "CreationPolicy", "UpdatePolicy"),
        *("DeletionPolicy", "UpdateReplacePolicy", "Connectors", "IgnoreGlobals"),
    )
)


def parse_template(text: str) -> dict[str, Any]:
    """Read a template; ValidationError where it is none. Its sections have their types, its resources a Type."""
    template = parse_text(text)
    if not isinstance(template, dict):
        raise template_error("unsupported structure.")
    unknown = [name for name in template if name not in SECTIONS]
    if unknown:
        raise aws_error("ValidationError", f"Invalid template property or properties [{', '.join(map(str, unknown))}]")
    for section in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs"):
        if not isinstance(template.get(section, {}), dict):
            raise template_error(f"Every {section} member must be an object.")
    for section in ("Parameters", "Outputs"):
        if not all(isinstance(one, dict) for one in template.get(section, {}).values()):
            raise template_error(f"Every {section} object must be an object.")
    return template


def check_resources(template: dict[str, Any]) -> None:
    """Refuse a template whose resources are not as they should be; after transforms."""
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise template_error("At least one Resources member must be defined.")
    if len(resources) > MOST_RESOURCES:
        raise template_error(
            f"Number of resources, {len(resources)}, is greater than maximum allowed, {MOST_RESOURCES}"
        )
    _check_outputs(template.get("Outputs", {}))
    for name, resource in resources.items():
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}", str(name)):
            raise template_error(f"Resource name {name} is non alphanumeric.")
        if not isinstance(resource, dict):
            raise template_error(f"Resource {name} must be an object.")
        if not isinstance(resource.get("Type"), str):
            raise template_error(f"[/Resources/{name}] Every Resources object must contain a Type member.")
        unknown = [member for member in resource if member not in _MEMBERS]
        if unknown:
            raise aws_error("ValidationError", f"Invalid template resource property '{unknown[0]}'")
        for member in ("Properties", "CreationPolicy", "UpdatePolicy", "Metadata"):
            if not isinstance(resource.get(member, {}), dict):
                raise template_error(f"[/Resources/{name}/{member}] {member} must be an object.")
        for member in ("Condition", "DeletionPolicy", "UpdateReplacePolicy"):
            if not isinstance(resource.get(member, ""), str):
                raise template_error(f"[/Resources/{name}/{member}] {member} must be a string.")
        needed = resource.get("DependsOn", [])
        if not all(isinstance(one, str) for one in (needed if isinstance(needed, list) else [needed])):
            raise template_error(f"[/Resources/{name}/DependsOn] DependsOn must be a string or list of strings.")


def _check_outputs(outputs: dict[str, Any]) -> None:
    for name, output in outputs.items():
        if not isinstance(output, dict) or output.get("Value") is None:
            raise template_error(f"Output {name} is malformed. The Value field of every Outputs member must be given.")
        if not isinstance(output.get("Condition", ""), str) or not isinstance(output.get("Description", ""), str):
            raise template_error(f"Condition and Description of output {name} must be strings.")
        if not isinstance(output.get("Export", {}), dict):
            raise template_error(f"Export of output {name} must be an object.")


def parse_text(text: str) -> Any:
    """JSON or YAML as plain values, short forms written out."""
    stripped = text.lstrip()
    if stripped.startswith("{"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # flow-style YAML begins like JSON
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506  (our loader makes plain values only)
        long = _length(found, {}) > MOST_WRITTEN
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise template_error(f"YAML not well-formed.{where}") from None
    except RecursionError:
        raise template_error("the template is nested too deeply.") from None
    if long:
        raise template_error(f"with its aliases written out it is longer than {MOST_WRITTEN} characters.")
    return found


def _length(value: Any, known: dict[int, int]) -> int:
    """The characters of a value as if it were written out; what aliases share is looked at once."""
    if not isinstance(value, (dict, list)):
        return len(str(value)) + 1
    found = known.get(id(value))
    if found is None:
        inside = (*value, *value.values()) if isinstance(value, dict) else value
        found = known[id(value)] = 1 + sum(_length(one, known) for one in inside)
    return found


class _Loader(PlainLoader):
    """Plain YAML with the short forms."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    loader.flatten_mapping(node)
    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key that is no text", key_node.start_mark)
        key = str(key_node.value)
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key}", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """`!Name value` as {"Fn::Name": value}; Ref and Condition have no prefix, GetAtt splits at its first dot."""
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = _mapping(loader, node)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_multi_constructor("!", _short_form)
