"""How the ARNs of policies are read; pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.services.application_autoscaling.errors import invalid

_POLICY = re.compile(
    r"arn:aws[a-z-]*:autoscaling:[^:]*:[^:]*:scalingPolicy:[^:]+:resource/([^/]+)/(.+):policyName/(.+)", re.DOTALL
)


class Named(NamedTuple):
    """What an ARN of a policy says."""

    namespace: str
    resource: str
    policy: str


def parse_policy(arn: str) -> Named:
    """The parts of a policy's ARN; ValidationException."""
    found = _POLICY.fullmatch(arn)
    if found is None:
        raise invalid(f"{arn} is not the ARN of a scaling policy")
    return Named(*found.groups())
