"""Which permissions calls to EC2 need: on what they change, in the account; descriptions address everything.

Source: "Actions, resources, and condition keys for Amazon EC2" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterable

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import resource_tags
from kumoi.networks.records import items
from kumoi.services.ec2.kinds import KINDS, kind_of
from kumoi.state import Transaction, transactional

_MADE = {
    "AllocateAddress": "elastic-ip",
    "CreateDhcpOptions": "dhcp-options",
    "CreateEgressOnlyInternetGateway": "egress-only-internet-gateway",
    "CreateFlowLogs": "vpc-flow-log",
    "CreateInternetGateway": "internet-gateway",
    "CreateNatGateway": "natgateway",
    "CreateNetworkAcl": "network-acl",
    "CreateRouteTable": "route-table",
    "CreateSecurityGroup": "security-group",
    "CreateSubnet": "subnet",
    "CreateVpc": "vpc",
    "CreateVpcEndpoint": "vpc-endpoint",
    "CreateVpcPeeringConnection": "vpc-peering-connection",
}
"""What operations make: it has no id yet."""
_MEMBERS = (
    *(kind.member for kind in KINDS.values()),
    *("PeerVpcId", "RouteTableIds", "SubnetIds", "SecurityGroupIds", "SecurityGroupRuleIds", "VpcEndpointIds"),
    *("FlowLogIds", "ResourceIds", "Resources"),
)


def _resources(call: Call) -> str | Iterable[str]:
    if call.operation.startswith(("Describe", "Get")):
        return "*"
    made = _MADE.get(call.operation)
    found = [] if made is None else [call.arn("ec2", f"{made}/*")]
    for member in _MEMBERS:
        given = call.params.get(member)
        for one in given if isinstance(given, list) else [given]:
            if isinstance(one, str) and (kind := kind_of(one)) is not None:
                found.append(call.arn("ec2", f"{kind}/{one}"))
    return found or "*"


@transactional
async def _tags(tx: Transaction, kind: str, item_id: str) -> dict[str, str]:
    found = await items.get(tx, kind, item_id)
    return {} if found is None else found.tags


async def _owned(call: Call, ask: Ask) -> Owned:
    """The account, and the tags of what is changed as condition keys."""
    kind, _, item_id = ask.resource.rpartition(":")[2].partition("/")
    if kind not in KINDS or item_id in ("", "*"):
        return Owned(call.account)
    return Owned(call.account, context=resource_tags(await _tags(call.state, kind, item_id)))


AUTHORIZATION = Authorization("ec2", resource=_resources, policy=_owned, error="UnauthorizedOperation")
