"""Elastic Load Balancing v2: application load balancers in front of functions and of HTTP servers on this machine.

`operations/` holds the control plane: load balancers, listeners with their rules, target groups with their targets,
attributes, tags. Requests come to the data plane `elb` (`plane.py`): listener → the first rule whose conditions
(`conditions.py`) match → its action (`actions.py`), which may have people sign in (`authentication.py`) and forward to
a target group (`choosing.py`): a function (`function_target.py`), an HTTP server (`http_target.py`) or its WebSocket
(`websocket_target.py`). `health.py` checks targets on the platform's clock.

Rules: the Elastic Load Balancing API reference (2015-12-01) and "Application Load Balancers".
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

elbv2 = Service(
    "elbv2",
    __name__,
    modules=(
        "operations.attributes",
        "operations.certificates",
        "operations.facts",
        "operations.listeners",
        "operations.load_balancers",
        "operations.rules",
        "operations.tags",
        "operations.target_groups",
        "operations.targets",
        "plane",
        "signing",
    ),
    resource=("LoadBalancerArn", "ListenerArn", "RuleArn", "TargetGroupArn", "Name"),
    data_planes=("elb", "elb-public-keys"),
    authorization="authorization",
    held="held",
    tagged="tagged",
)


@elbv2.resource_name
def node(value: str) -> str:
    """The name of the load balancer or target group that an ARN belongs to."""
    parts = value.split("/")
    if len(parts) < 2:
        return value
    return parts[2] if parts[1] == "app" and len(parts) > 2 else parts[1]


@elbv2.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Check targets and remember whose turn it is while the platform runs."""
    from kumoi.services.elbv2.lifespan import running

    async with running(parts):
        yield


@elbv2.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Free the names of what is being forgotten."""
    from kumoi.services.elbv2.lifespan import forget

    await forget(parts, state, account)
