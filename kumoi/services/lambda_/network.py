"""What the calls that a function in subnets makes would have met on AWS, told as a warning on its invocation.

Only what was called through the doorway is looked at: by the function's own requests, while the invocation ran.
"""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.networks import obstacles
from kumoi.services.lambda_.records import Function

_MOST_HOPS = 2000
_WITHIN = frozenset(("elb", "elb-public-keys", "iot-mqtt", "mocked"))
"""What is called under these names may be within the network, or is none of AWS's."""
_LAMBDAS = frozenset(("logs", "xray"))
"""What Lambda itself calls for a function, without a request that had a body."""


def in_subnets(function: Function) -> bool:
    """Whether a function is in a VPC."""
    return bool((function.extras.get("VpcConfig") or {}).get("VpcId"))


async def unreached(call: Call, function: Function, since: int) -> str:
    """What is to be said of an invocation that began after `since` hops; mostly nothing."""
    network = function.extras["VpcConfig"]
    made = call.doorway.hops.after(since, _MOST_HOPS).hops
    node = f"lambda:{function.name}"
    called = {
        (one.service, one.region)
        for one in made
        if one.source == node
        and one.parent == call.span
        and one.service not in _WITHIN
        and (one.request_bytes or one.service not in _LAMBDAS)
    }
    if not called:
        return ""
    return await obstacles(call.state, network["SubnetIds"], network["SecurityGroupIds"], sorted(called))
