"""How traffic is shifted, and what an AppSpec says; pure.

Sources: "Predefined deployment configurations for an AWS Lambda compute platform" and "AppSpec file structure for
Lambda deployments" of the user guide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from kumoi.plain_yaml import PlainLoader
from kumoi.services.codedeploy.records import Configuration
from kumoi.wire.errors import AwsError, aws_error

_PREFIX = "CodeDeployDefault.Lambda"
PREDEFINED = {
    f"{_PREFIX}AllAtOnce": ("AllAtOnce", 100, 0),
    **{f"{_PREFIX}Canary10Percent{n}Minutes": ("TimeBasedCanary", 10, n) for n in (5, 10, 15, 30)},
    **{
        f"{_PREFIX}Linear10PercentEvery{n}Minute{'s' if n > 1 else ''}": ("TimeBasedLinear", 10, n)
        for n in (1, 2, 3, 10)
    },
}


def predefined(name: str) -> Configuration | None:
    """AWS's own configuration of a name."""
    found = PREDEFINED.get(name)
    if found is None:
        return None
    kind, percentage, minutes = found
    return Configuration(name=name, id=name, created=0.0, kind=kind, percentage=percentage, minutes=minutes)


def shifts(config: Configuration) -> list[tuple[float, int]]:
    """The steps of traffic: seconds to wait before each, and the percentage that goes to the new version then."""
    if config.kind == "AllAtOnce":
        return [(0.0, 100)]
    seconds = config.minutes * 60.0
    if config.kind == "TimeBasedCanary":
        return [(0.0, config.percentage), (seconds, 100)]
    steps = [min(share, 100) for share in range(config.percentage, 100 + config.percentage, config.percentage)]
    return [(seconds if number else 0.0, share) for number, share in enumerate(steps)]


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
