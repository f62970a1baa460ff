"""What an AppSpec says; pure.

Source: "AppSpec file structure for Lambda deployments" of the user guide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from kumoi.plain_yaml import PlainLoader
from kumoi.wire.errors import AwsError, aws_error


class Specification(NamedTuple):
    """What an AppSpec says of one function."""

    function: str
    alias: str
    current: str
    target: str
    before: str | None
    after: str | None


def read_specification(text: str) -> Specification:
    """An AppSpec for a function, JSON or YAML; InvalidRevisionException where it is none."""
    try:
        document = yaml.load(text, Loader=PlainLoader)  # noqa: S506  (it makes plain values only)
        (named,) = document["Resources"]
        (resource,) = named.values()
        if resource["Type"] != "AWS::Lambda::Function":
            raise _invalid(f"{resource['Type']} is not AWS::Lambda::Function")
        properties = resource["Properties"]
        hooks: dict[str, Any] = {}
        for one in document.get("Hooks") or ():
            hooks |= one
        name, alias, current, target = (
            str(properties[member]) for member in ("Name", "Alias", "CurrentVersion", "TargetVersion")
        )
        before, after = _hook(hooks, "BeforeAllowTraffic"), _hook(hooks, "AfterAllowTraffic")
        return Specification(name, alias, current, target, before, after)
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError):
        raise _invalid("the AppSpec file of a function needs Resources, one with Properties") from None


def _hook(hooks: dict[str, Any], name: str) -> str | None:
    return str(hooks[name]) if hooks.get(name) else None


def _invalid(told: str) -> AwsError:
    return aws_error("InvalidRevisionException", f"The revision is invalid: {told}.")
