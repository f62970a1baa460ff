"""The Rules of a template, pure: assertions about parameters, checked before anything is made or changed.

Their functions are their own: they see parameters and pseudo parameters, and come to true or false. Source: "Rules" of
the template reference. What AWS looks up about values of its own types (Fn::ValueOf, Fn::ValueOfAll: tags of networks
and the like) is nothing that a local platform knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kumoi.services.cloudformation.template.bounds import template_error
from kumoi.wire.errors import AwsError, aws_error

MOST_DEPTH = 64


def check_rules(template: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Refuse values that an assertion does not hold for: ValidationError with its description.

    `values` are those of parameters (lists for list types) and pseudo parameters, by name.
    """
    rules = template.get("Rules", {})
    if not isinstance(rules, dict):
        raise template_error("Every Rules member must be an object.")
    asking = _Asking(template.get("Parameters", {}), values)
    for name, rule in rules.items():
        assertions = rule.get("Assertions") if isinstance(rule, dict) else None
        if not isinstance(assertions, list) or not all(isinstance(one, dict) and "Assert" in one for one in assertions):
            raise template_error(f"Rule {name} needs Assertions, each with an Assert.")
        if "RuleCondition" in rule and not asking.truth(rule["RuleCondition"]):
            continue
        for one in assertions:
            if not asking.truth(one["Assert"]):
                told = one.get("AssertDescription") or f"an assertion of rule {name} does not hold"
                raise aws_error("ValidationError", f"Template validation error: Rule {name} failed: {told}")


class _Asking:
    """The evaluation of the rules of one template."""

    def __init__(self, declared: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        self._declared = declared
        self._values = values

    def truth(self, value: Any, depth: int = 0) -> bool:
        found = self.evaluate(value, depth)
        if isinstance(found, bool):
            return found
        if found in ("true", "false"):
            return bool(found == "true")
        raise _error("a rule's condition or assertion must come to true or false")

    def evaluate(self, value: Any, depth: int) -> Any:
        """A value: a truth, a text, or a list of texts."""
        if depth > MOST_DEPTH:
            raise template_error("the template is nested too deeply.")
        if isinstance(value, list):
            return [self.evaluate(one, depth + 1) for one in value]
        if not isinstance(value, dict):
            return value if isinstance(value, bool) else str(value)
        if len(value) != 1:
            raise _error("a function stands alone in its object")
        ((name, given),) = value.items()
        function = _FUNCTIONS.get(name)
        if function is None:
            raise _error(f"{name} can not be used there; rules know {', '.join(_FUNCTIONS)}")
        return function(self, given, depth + 1)

    def ref(self, given: Any, _depth: int) -> Any:
        if not isinstance(given, str) or given not in self._values:
            raise _error(f"unresolved dependencies [{given}]: a rule refers to parameters alone")
        return self._values[given]

    def and_(self, given: Any, depth: int) -> bool:
        return all(self.truth(one, depth) for one in _several("Fn::And", given))

    def or_(self, given: Any, depth: int) -> bool:
        return any(self.truth(one, depth) for one in _several("Fn::Or", given))

    def not_(self, given: Any, depth: int) -> bool:
        if not isinstance(given, list) or len(given) != 1:
            raise _error("Fn::Not requires a list of exactly one condition")
        return not self.truth(given[0], depth)

    def equals(self, given: Any, depth: int) -> bool:
        one, other = self._pair("Fn::Equals", given, depth)
        return bool(_plain(one) == _plain(other))

    def contains(self, given: Any, depth: int) -> bool:
        texts, text = self._pair("Fn::Contains", given, depth)
        return _plain(text) in _list("Fn::Contains", texts)

    def each_equals(self, given: Any, depth: int) -> bool:
        texts, text = self._pair("Fn::EachMemberEquals", given, depth)
        return all(one == _plain(text) for one in _list("Fn::EachMemberEquals", texts))

    def each_in(self, given: Any, depth: int) -> bool:
        texts, among = self._pair("Fn::EachMemberIn", given, depth)
        known = _list("Fn::EachMemberIn", among)
        return all(one in known for one in _list("Fn::EachMemberIn", texts))

    def ref_all(self, given: Any, _depth: int) -> list[Any]:
        """The values of all parameters of a type."""
        found: list[Any] = []
        for name, declaration in self._declared.items():
            if declaration.get("Type") in (given, f"List<{given}>"):
                value = self._values[name]
                found += value if isinstance(value, list) else [value]
        return found

    def value_of(self, _given: Any, _depth: int) -> Any:
        raise _error("Fn::ValueOf and Fn::ValueOfAll are not supported: Kumoi knows no attributes of values")

    def _pair(self, name: str, given: Any, depth: int) -> tuple[Any, Any]:
        if not isinstance(given, list) or len(given) != 2:
            raise _error(f"{name} requires a list of two parameters")
        return self.evaluate(given[0], depth), self.evaluate(given[1], depth)


_FUNCTIONS: Mapping[str, Callable[[_Asking, Any, int], Any]] = {
    "Ref": _Asking.ref,
    "Fn::And": _Asking.and_,
    "Fn::Contains": _Asking.contains,
    "Fn::EachMemberEquals": _Asking.each_equals,
    "Fn::EachMemberIn": _Asking.each_in,
    "Fn::Equals": _Asking.equals,
    "Fn::Not": _Asking.not_,
    "Fn::Or": _Asking.or_,
    "Fn::RefAll": _Asking.ref_all,
    "Fn::ValueOf": _Asking.value_of,
    "Fn::ValueOfAll": _Asking.value_of,
}


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _error(f"{name} wants a list")
    return [_plain(one) for one in value]


def _several(name: str, given: Any) -> list[Any]:
    if not isinstance(given, list) or not 2 <= len(given) <= 10:
        raise _error(f"{name} requires a list of at least 2 and at most 10 conditions")
    return given


def _error(text: str) -> AwsError:
    return template_error(f"Rules: {text}.")
