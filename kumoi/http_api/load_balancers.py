"""Where a private integration leads: the address of a load balancer, found by the ARN of a listener or of its own.

A VPC link reaches into a network; here everything is on one machine, so what is behind a link is reached like
anything else. Source: "Private integrations" of the developer guide.
"""

from __future__ import annotations

import re

from kumoi.doorway import Call
from kumoi.http_api.functions import IntegrationFailed, acting
from kumoi.wire.errors import AwsError

LISTENER = re.compile(r"arn:[^:]+:elasticloadbalancing:(?P<region>[^:]+):\d{12}:listener/app/[^/]+/[^/]+/[^/]+")
BALANCER = re.compile(r"arn:[^:]+:elasticloadbalancing:(?P<region>[^:]+):\d{12}:loadbalancer/app/[^/]+/[^/]+")


async def listener_address(call: Call, arn: str) -> str:
    """`http://NAME:PORT` of a listener; raises IntegrationFailed where there is none."""
    gateway = acting(call, "", None)
    try:
        (listener,) = (await call.to_as(gateway, "elbv2", "DescribeListeners", ListenerArns=[arn]))["Listeners"]
    except AwsError as error:
        raise IntegrationFailed("refused", f"{arn}: {error.message}") from None
    name = await balancer_name(call, listener["LoadBalancerArn"])
    return f"{listener['Protocol'].lower()}://{name}:{listener['Port']}"


async def balancer_name(call: Call, arn: str) -> str:
    """The DNS name of a load balancer; raises IntegrationFailed where there is none."""
    gateway = acting(call, "", None)
    try:
        found = await call.to_as(gateway, "elbv2", "DescribeLoadBalancers", LoadBalancerArns=[arn])
    except AwsError as error:
        raise IntegrationFailed("refused", f"{arn}: {error.message}") from None
    return str(found["LoadBalancers"][0]["DNSName"])
