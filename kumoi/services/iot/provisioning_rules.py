"""Provisioning templates: what they say is to be made for a device, once their parameters are known. Pure.

Source: developer guide, "Provisioning templates": Parameters, Mappings, Resources (a thing, a certificate, policies)
and DeviceConfiguration; Ref, Fn::Join, Fn::Select, Fn::Split, Fn::Sub and Fn::FindInMap in any value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kumoi.services.iot.naming import invalid

THING, CERTIFICATE, POLICY = "AWS::IoT::Thing", "AWS::IoT::Certificate", "AWS::IoT::Policy"
PSEUDO = "AWS::IoT::Certificate::"
_SECTIONS = frozenset(("Parameters", "Mappings", "Resources", "DeviceConfiguration"))
_PROPERTIES: Mapping[str, frozenset[str]] = {
    THING: frozenset(("ThingName", "AttributePayload", "ThingTypeName", "ThingGroups")),
    CERTIFICATE: frozenset(
        (
            *("CertificateSigningRequest", "CertificateId", "CertificatePem", "CACertificatePem", "Status"),
            "ThingPrincipalType",
        )
    ),
    POLICY: frozenset(("PolicyName", "PolicyDocument")),
}
_OVERRIDES: Mapping[str, Mapping[str, frozenset[str]]] = {
    THING: {
        "AttributePayload": frozenset(("DO_NOTHING", "REPLACE", "MERGE", "FAIL")),
        "ThingTypeName": frozenset(("DO_NOTHING", "REPLACE", "FAIL")),
        "ThingGroups": frozenset(("DO_NOTHING", "REPLACE", "FAIL")),
    },
    CERTIFICATE: {"Status": frozenset(("DO_NOTHING", "REPLACE", "FAIL"))},
    POLICY: {},
}
_SOURCES = ("CertificateSigningRequest", "CertificateId", "CertificatePem")
_SUBSTITUTED = re.compile(r"\$\{(!?)([^}]*)\}")
_INDEX = re.compile(r"[0-9]{1,9}")
MOST_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Resource:
    """A thing, certificate or policy: its properties, and what is done where there is another already."""

    name: str
    kind: str
    properties: Mapping[str, Any]
    overrides: Mapping[str, str] = field(default_factory=dict)

    def override(self, name: str) -> str:
        """What is done about a property of something that is there already."""
        return self.overrides.get(name, "DO_NOTHING")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made, with every value known, and what the device is told."""

    thing: Resource | None
    certificate: Resource | None
    policies: list[Resource]
    configuration: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A template that says what it may."""

    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any]
    resources: list[Resource]
    configuration: Any


def read_template(body: str) -> Template:
    """A template; InvalidRequestException says what is wrong with it."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid(f"The template is not JSON: {error}") from None
    content = _object(content, "The template")
    if unknown := sorted(content.keys() - _SECTIONS):
        raise invalid(f"The template has sections that there are not: {', '.join(unknown)}.")
    _check_depth(content)
    parameters = _object(content.get("Parameters", {}), "Parameters")
    for name, stated in parameters.items():
        if _object(stated, f"The parameter {name}").get("Type") != "String":
            raise invalid(f"The parameter {name} needs the Type String.")
        if not isinstance(stated.get("Default", ""), str):
            raise invalid(f"The Default of the parameter {name} is no text.")
    resources = [_resource(name, stated) for name, stated in _object(content.get("Resources"), "Resources").items()]
    for kind in (THING, CERTIFICATE):
        if sum(one.kind == kind for one in resources) > 1:
            raise invalid(f"The template has more than one resource of the type {kind}.")
    mappings = _object(content.get("Mappings", {}), "Mappings")
    for name, stated in mappings.items():
        for key, inner in _object(stated, f"The mapping {name}").items():
            _object(inner, f"{key} of the mapping {name}")
    template = Template(parameters, mappings, resources, content.get("DeviceConfiguration", {}))
    _check_references(content.get("Resources"), parameters)
    _check_references(template.configuration, parameters)
    return template


def plan_of(template: Template, given: Mapping[str, str], pseudo: Mapping[str, str]) -> Plan:
    """What is to be made with these parameters; `pseudo` are those that the certificate says by itself.

    InvalidRequestException for a parameter that is missing; one that the template does not name is its hook's alone.
    """
    values = {name: stated["Default"] for name, stated in template.parameters.items() if "Default" in stated}
    values |= {name: value for name, value in given.items() if name in template.parameters} | dict(pseudo)
    resolve = _Resolver(values, template.mappings).resolve
    resources = [
        Resource(one.name, one.kind, {name: resolve(value) for name, value in one.properties.items()}, one.overrides)
        for one in template.resources
    ]
    for one in resources:
        _check_values(one)
    return Plan(
        next((one for one in resources if one.kind == THING), None),
        next((one for one in resources if one.kind == CERTIFICATE), None),
        [one for one in resources if one.kind == POLICY],
        _object(resolve(template.configuration), "DeviceConfiguration"),
    )


class _Resolver:
    """Values with their references and functions worked out."""

    def __init__(self, values: Mapping[str, str], mappings: Mapping[str, Any]) -> None:
        self._values = values
        self._mappings = mappings

    def resolve(self, value: Any) -> Any:
        """A value without references and functions."""
        if isinstance(value, list):
            return [self.resolve(one) for one in value]
        if not isinstance(value, dict):
            return value
        name, argument = next(iter(value.items()), ("", None))
        if len(value) == 1 and (name == "Ref" or name.startswith("Fn::")):
            return self._function(name, argument)
        return {key: self.resolve(one) for key, one in value.items()}

    def _value(self, name: Any) -> str:
        if not isinstance(name, str) or name not in self._values:
            raise invalid(f"The parameter {name} has no value.")
        return self._values[name]

    def _function(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            return self._value(argument)
        if name == "Fn::Sub":
            return self._substituted(argument)
        arguments = self.resolve(argument)
        if name == "Fn::Join" and _is(arguments, str, list) and all(isinstance(one, str) for one in arguments[1]):
            return arguments[0].join(arguments[1])
        if name == "Fn::Split" and _is(arguments, str, str) and arguments[0]:
            return arguments[1].split(arguments[0])
        if name == "Fn::Select" and isinstance(arguments, list) and len(arguments) == 2:
            at, among = arguments
            if _INDEX.fullmatch(str(at)) and isinstance(among, list) and int(at) < len(among):
                return among[int(at)]
            raise invalid(f"Fn::Select has no element {at}.")
        if name == "Fn::FindInMap" and _is(arguments, str, str, str):
            found: Any = self._mappings
            for key in arguments:
                if not isinstance(found, dict) or key not in found:
                    raise invalid(f"The mapping {'.'.join(arguments)} is not there.")
                found = found[key]
            return found
        raise invalid(f"{name} cannot be worked out: its arguments are of another kind.")

    def _substituted(self, argument: Any) -> str:
        text, more = argument, {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
            text, more = argument[0], self.resolve(argument[1])
        if not isinstance(text, str):
            raise invalid("Fn::Sub needs a text.")

        def value(match: re.Match[str]) -> str:
            if match[1]:
                return f"${{{match[2]}}}"
            found = more[match[2]] if match[2] in more else self._value(match[2])
            return found if isinstance(found, str) else orjson.dumps(found).decode()

        return _SUBSTITUTED.sub(value, text)


def _is(arguments: Any, *kinds: type) -> bool:
    return (
        isinstance(arguments, list)
        and len(arguments) == len(kinds)
        and all(isinstance(one, kind) for one, kind in zip(arguments, kinds, strict=True))
    )


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"{what} is no JSON object.")
    return value


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > MOST_DEPTH:
        raise invalid(f"The template is nested more than {MOST_DEPTH} deep.")
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(one, depth + 1)


def _check_references(value: Any, parameters: Mapping[str, Any]) -> None:
    """Refuse what refers to no parameter, before a device comes."""
    if isinstance(value, dict):
        name = value.get("Ref")
        known = isinstance(name, str) and (name in parameters or name.startswith(PSEUDO))
        if len(value) == 1 and "Ref" in value and not known:
            raise invalid(f"Ref names no parameter: {name}.")
        for one in value.values():
            _check_references(one, parameters)
    elif isinstance(value, list):
        for one in value:
            _check_references(one, parameters)


def _resource(name: str, stated: Any) -> Resource:
    stated = _object(stated, f"The resource {name}")
    kind = stated.get("Type")
    if not isinstance(kind, str) or kind not in _PROPERTIES:
        raise invalid(f"The resource {name} is of the type {kind}; there are {', '.join(_PROPERTIES)}.")
    if unknown := sorted(stated.keys() - {"Type", "Properties", "OverrideSettings"}):
        raise invalid(f"The resource {name} has members that there are not: {', '.join(unknown)}.")
    properties = _object(stated.get("Properties", {}), f"Properties of {name}")
    if unknown := sorted(properties.keys() - _PROPERTIES[kind]):
        raise invalid(f"{kind} has no properties {', '.join(unknown)} here.")
    if kind == THING and "ThingName" not in properties:
        raise invalid(f"The thing {name} needs a ThingName.")
    if kind == POLICY and not properties:
        raise invalid(f"The policy {name} needs a PolicyName or a PolicyDocument.")
    if kind == CERTIFICATE and sum(source in properties for source in _SOURCES) != 1:
        raise invalid(f"The certificate {name} needs one of {', '.join(_SOURCES)}.")
    overrides = _object(stated.get("OverrideSettings", {}), f"OverrideSettings of {name}")
    for key, value in overrides.items():
        if not isinstance(value, str) or value not in _OVERRIDES[kind].get(key, ()):
            raise invalid(f"OverrideSettings of {name} cannot have {key}: {value}.")
    return Resource(name, kind, properties, overrides)


def _check_values(resource: Resource) -> None:
    """Refuse values that turned out to be of another kind."""
    for name, value in resource.properties.items():
        if name == "AttributePayload":
            attributes = _object(value, name)
            good = all(isinstance(one, str) for one in attributes.values())
        elif name == "ThingGroups":
            good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        else:
            good = isinstance(value, str) or (name == "PolicyDocument" and isinstance(value, dict))
        if not good:
            raise invalid(f"{name} of {resource.name} is not of the right kind.")
