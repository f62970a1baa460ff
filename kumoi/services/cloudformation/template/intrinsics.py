"""Intrinsic functions: what a value of a template comes to, given parameters, conditions and what exists already.

`AWS::NoValue` takes a property or a list's element away.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kumoi.services.cloudformation.template.bounds import MOST_WRITTEN
from kumoi.services.cloudformation.template.graph import SUB_VARIABLE
from kumoi.wire.errors import AwsError, aws_error

NO_VALUE: Any = object()
"""What `AWS::NoValue` comes to."""

MOST_DEPTH = 128
MOST_BLOCKS = 256
"""Blocks that Fn::Cidr cuts a network into, at most."""


class Unresolved(Exception):
    """A value needs a resource that does not exist yet (told by its logical name)."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Scope:
    """What functions are evaluated with.

    `reference` and `attribute` answer Ref and GetAtt of resources, raising Unresolved for those that do not exist yet;
    `values` holds parameters and pseudo parameters, `exports` what Fn::ImportValue finds.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        values: Mapping[str, Any],
        exports: Mapping[str, str],
        reference: Callable[[str], Any],
        attribute: Callable[[str, str], Any],
    ) -> None:
        self._values = values
        self._exports = exports
        self._reference = reference
        self._attribute = attribute
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        self._declared: Mapping[str, Any] = template.get("Conditions", {})
        self._resources: Mapping[str, Any] = template.get("Resources", {})
        self._conditions: dict[str, bool] = {}
        self._deciding: set[str] = set()
        self.imports: set[str] = set()

    def condition(self, name: str) -> bool:
        """Whether a declared condition holds; ValidationError for one that is not declared, or needs itself."""
        if name not in self._conditions:
            if name not in self._declared:
                raise _error(f"Unresolved condition dependency {name} in the Conditions block of the template")
            if name in self._deciding:
                raise _error(f"Circular dependency between conditions: [{name}]")
            self._deciding.add(name)
            self._conditions[name] = self._truth(self._declared[name])
        return self._conditions[name]

    def evaluate(self, value: Any, depth: int = 0) -> Any:
        """What a value comes to; NO_VALUE where it comes to nothing."""
        if depth > MOST_DEPTH:
            raise _error("the template is nested too deeply")
        if isinstance(value, list):
            found = [self.evaluate(one, depth + 1) for one in value]
            return [one for one in found if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, given),) = value.items()
            function = _FUNCTIONS.get(name)
            if function is not None:
                found = function(self, given, depth + 1)
                if isinstance(found, str) and len(found) > MOST_WRITTEN:
                    raise _error(f"Template error: {name} makes a text of more than {MOST_WRITTEN} characters")
                return found
            if name == "Condition" and isinstance(given, str) and given in self._declared:
                return self.condition(given)
            if isinstance(name, str) and name.startswith("Fn::"):
                raise _error(f"Template error: {name} is not a valid intrinsic function")
        evaluated = {name: self.evaluate(one, depth + 1) for name, one in value.items()}
        return {name: one for name, one in evaluated.items() if one is not NO_VALUE}

    def _truth(self, value: Any) -> bool:
        found = self.evaluate(value)
        if isinstance(found, bool):
            return found
        if found in ("true", "false"):
            return bool(found == "true")
        raise _error(
            "Template format error: Conditions can only be boolean operations on parameters and other conditions"
        )

    # The functions

    def ref(self, given: Any, _depth: int) -> Any:
        """Ref."""
        if not isinstance(given, str):
            raise _error("Template format error: Every Ref object must have a single String value.")
        if given == "AWS::NoValue":
            return NO_VALUE
        if given in self._values:
            return self._values[given]
        if given in self._resources:
            return self._reference(given)
        raise _error(
            f"Template format error: Unresolved resource dependencies [{given}] in the Resources block of the template"
        )

    def get_att(self, given: Any, depth: int) -> Any:
        """Fn::GetAtt."""
        parts = given.split(".", 1) if isinstance(given, str) else given
        if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
            raise _error(
                "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and "
                "the resource attribute"
            )
        name, attribute = parts[0], self.evaluate(parts[1], depth)
        if name not in self._resources:
            raise _error(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
        return self._attribute(name, str(attribute))

    def sub(self, given: Any, depth: int) -> str:
        """Fn::Sub."""
        text, own = given if isinstance(given, list) and len(given) == 2 else (given, {})
        if not isinstance(text, str) or not isinstance(own, dict):
            raise _error(
                "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. "
                "Specify a string as first argument, and an optional second argument to specify a mapping of values "
                "to replace in the string"
            )
        values = {name: self.evaluate(one, depth) for name, one in own.items()}
        result, end = "", 0
        for match in SUB_VARIABLE.finditer(text):
            result += text[end : match.start()]
            end = match.end()
            name = match[2].strip()
            if match[1]:
                result += f"${{{match[2]}}}"
            elif name in values:
                result += as_text(values[name])
            elif "." in name:
                result += as_text(self.get_att(name, depth))
            else:
                result += as_text(self.ref(name, depth))
        return result + text[end:]

    def join(self, given: Any, depth: int) -> str:
        """Fn::Join."""
        separator, items = self._pair("Fn::Join", given, depth)
        if not isinstance(items, list) or not isinstance(separator, str):
            raise _error(
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a "
                "list of strings to be joined"
            )
        return separator.join(as_text(item) for item in items)

    def select(self, given: Any, depth: int) -> Any:
        """Fn::Select."""
        index, items = self._pair("Fn::Select", given, depth)
        if not isinstance(items, list) or not str(index).isdigit():
            raise _error("Template error: every Fn::Select object requires two parameters, an index and a list")
        if int(index) >= len(items):
            raise _error("Template error: Fn::Select cannot select nonexistent value at index " + str(index))
        return items[int(index)]

    def split(self, given: Any, depth: int) -> list[str]:
        """Fn::Split."""
        separator, text = self._pair("Fn::Split", given, depth)
        if not isinstance(text, str) or not isinstance(separator, str) or not separator:
            raise _error(
                "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a "
                "string to be split"
            )
        return text.split(separator)

    def find_in_map(self, given: Any, depth: int) -> Any:
        """Fn::FindInMap."""
        keys = self.evaluate(given[:3], depth) if isinstance(given, list) and len(given) in (3, 4) else None
        if not keys or len(keys) != 3:
            raise _error(
                "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and "
                "the attribute for return value"
            )
        value: Any = self._mappings
        for key in keys:
            value = value.get(as_text(key)) if isinstance(value, dict) else None
        if value is not None:
            return value
        if len(given) == 4 and isinstance(given[3], dict) and "DefaultValue" in given[3]:
            return self.evaluate(given[3]["DefaultValue"], depth)
        raise _error(f"Template error: Unable to get mapping for {'::'.join(as_text(key) for key in keys)}")

    def if_(self, given: Any, depth: int) -> Any:
        """Fn::If."""
        if not isinstance(given, list) or len(given) != 3 or not isinstance(given[0], str):
            raise _error(
                "Template error: Fn::If requires a list argument with three elements: the name of a condition, the "
                "value if it is true, the value if it is false"
            )
        return self.evaluate(given[1] if self.condition(given[0]) else given[2], depth)

    def equals(self, given: Any, depth: int) -> bool:
        """Fn::Equals."""
        one, other = self._pair("Fn::Equals", given, depth)
        return as_text(one) == as_text(other)

    def and_(self, given: Any, _depth: int) -> bool:
        """Fn::And."""
        return all(self._truth(one) for one in self._several("Fn::And", given))

    def or_(self, given: Any, _depth: int) -> bool:
        """Fn::Or."""
        return any(self._truth(one) for one in self._several("Fn::Or", given))

    def not_(self, given: Any, _depth: int) -> bool:
        """Fn::Not."""
        if not isinstance(given, list) or len(given) != 1:
            raise _error("Template error: every Fn::Not object requires a list of exactly one condition")
        return not self._truth(given[0])

    def import_value(self, given: Any, depth: int) -> str:
        """Fn::ImportValue."""
        name = as_text(self.evaluate(given, depth))
        if name not in self._exports:
            raise _error(f"No export named {name} found.")
        self.imports.add(name)
        return self._exports[name]

    def base64(self, given: Any, depth: int) -> str:
        """Fn::Base64."""
        return base64.b64encode(as_text(self.evaluate(given, depth)).encode()).decode()

    def get_azs(self, given: Any, depth: int) -> list[str]:
        """Fn::GetAZs."""
        region = as_text(self.evaluate(given, depth)) or as_text(self._values["AWS::Region"])
        return [f"{region}{letter}" for letter in "abc"]

    def cidr(self, given: Any, depth: int) -> list[str]:
        """Fn::Cidr."""
        parts = self.evaluate(given, depth)
        if not isinstance(parts, list) or len(parts) not in (2, 3):
            raise _error("Template error: every Fn::Cidr object requires two or three parameters")
        try:
            network = ipaddress.ip_network(parts[0], strict=False)
            if not 1 <= int(parts[1]) <= MOST_BLOCKS:
                raise ValueError(f"the count {parts[1]} is not between 1 and {MOST_BLOCKS}")
            bits = int(parts[2]) if len(parts) == 3 else 8
            blocks = network.subnets(new_prefix=network.max_prefixlen - bits)
            return [str(block) for block, _ in zip(blocks, range(int(parts[1])), strict=False)]
        except (TypeError, ValueError) as error:
            raise _error(f"Template error: Fn::Cidr: {error}") from None

    def length(self, given: Any, depth: int) -> int:
        """Fn::Length."""
        items = self.evaluate(given, depth)
        if not isinstance(items, list):
            raise _error("Template error: Fn::Length wants a list")
        return len(items)

    def to_json_string(self, given: Any, depth: int) -> str:
        """Fn::ToJsonString."""
        return orjson.dumps(self.evaluate(given, depth)).decode()

    def _pair(self, name: str, given: Any, depth: int) -> tuple[Any, Any]:
        if not isinstance(given, list) or len(given) != 2:
            raise _error(f"Template error: every {name} object requires a list of two parameters")
        return self.evaluate(given[0], depth), self.evaluate(given[1], depth)

    def _several(self, name: str, given: Any) -> list[Any]:
        if not isinstance(given, list) or not 2 <= len(given) <= 10:
            raise _error(f"Template error: every {name} object requires a list of at least 2 and at most 10 conditions")
        return given


_FUNCTIONS: Mapping[str, Callable[[Scope, Any, int], Any]] = {
    "Ref": Scope.ref,
    "Fn::GetAtt": Scope.get_att,
    "Fn::Sub": Scope.sub,
    "Fn::Join": Scope.join,
    "Fn::Select": Scope.select,
    "Fn::Split": Scope.split,
    "Fn::FindInMap": Scope.find_in_map,
    "Fn::If": Scope.if_,
    "Fn::Equals": Scope.equals,
    "Fn::And": Scope.and_,
    "Fn::Or": Scope.or_,
    "Fn::Not": Scope.not_,
    "Fn::ImportValue": Scope.import_value,
    "Fn::Base64": Scope.base64,
    "Fn::GetAZs": Scope.get_azs,
    "Fn::Cidr": Scope.cidr,
    "Fn::Length": Scope.length,
    "Fn::ToJsonString": Scope.to_json_string,
}


def as_text(value: Any) -> str:
    """A value where a text is wanted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(as_text(one) for one in value)
    if isinstance(value, dict):
        raise _error("Template error: a string was expected where an object stands")
    return str(value)


def _error(text: str) -> AwsError:
    return aws_error("ValidationError", text)
