"""How traffic is shifted; pure.

Source: "Predefined deployment configurations for an AWS Lambda compute platform" of the user guide.
"""

from __future__ import annotations

from kumoi.services.codedeploy.records import Configuration

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
