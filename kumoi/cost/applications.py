"""Which application a node of the map belongs to: the stack that made it, and the stack's tags.

Physical ids of a stack's resources are names, ARNs or ids; the service they belong to makes them nodes, as it does with
the parameters of calls. A nested stack's resources are those of the outermost one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kumoi.cost.rules import Edge
from kumoi.doorway import Call, Doorway, Principal
from kumoi.wire.errors import AwsError

NONE = "(no stack)"
_SERVICES = {
    "apigateway": "apigateway",
    "cognito": "cognito-idp",
    "elasticloadbalancingv2": "elbv2",
}
_LOG_GROUPS = ("/aws/lambda/", "/aws/lambda-url/")


@dataclass(frozen=True, slots=True)
class Applications:
    """Stacks by the nodes that they made, and the tags of stacks; both by account and region."""

    stacks: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    tags: Mapping[tuple[str, str, str], Mapping[str, str]] = field(default_factory=dict)

    def of(self, account: str, region: str, edge: Edge) -> str:
        """The application of an edge: its target's, else its source's."""
        for node in (edge.target, edge.source):
            stack = self.of_node(account, region, node)
            if stack is not None:
                return stack
        return NONE

    def of_node(self, account: str, region: str, node: str) -> str | None:
        """The application of a node."""
        return self.stacks.get((account, region, _owner(node)))

    def nodes_of(self, stack: str) -> frozenset[str]:
        """The nodes of an application, with those that are a part of one: functions' log groups, tables' streams."""
        found = {node for (_, _, node), owner in self.stacks.items() if owner == stack}
        for node in list(found):
            service, _, name = node.partition(":")
            if service == "lambda":
                found.update(f"logs:{prefix}{name}" for prefix in _LOG_GROUPS)
            elif service == "dynamodb":
                found.add(f"dynamodbstreams:{name}")
        return frozenset(found)

    def tag(self, account: str, region: str, edge: Edge, key: str) -> str:
        """The value of a tag of an edge's stack."""
        stack = self.of(account, region, edge)
        return self.tags.get((account, region, stack), {}).get(key, f"(no tag {key})")


def _owner(node: str) -> str:
    """The node that another is a part of: a function's log group is the function's, a table's stream the table's."""
    service, _, name = node.partition(":")
    if service == "logs":
        for prefix in _LOG_GROUPS:
            if name.startswith(prefix):
                return f"lambda:{name.removeprefix(prefix)}"
    return f"dynamodb:{name}" if service == "dynamodbstreams" else node


async def applications(doorway: Doorway, places: Iterable[tuple[str, str]]) -> Applications:
    """The stacks of accounts and regions."""
    stacks: dict[tuple[str, str, str], str] = {}
    tags: dict[tuple[str, str, str], Mapping[str, str]] = {}
    for account, region in sorted(set(places)):
        listed = await _all(doorway, account, region, "DescribeStacks", "Stacks")
        names = {one["StackId"]: one["StackName"] for one in listed}
        for stack in listed:
            outer = names.get(stack.get("RootId", stack["StackId"]), stack["StackName"])
            given = {one["Key"]: one["Value"] for one in stack.get("Tags", ())}
            tags[account, region, stack["StackName"]] = given
            for one in await _all(
                doorway, account, region, "ListStackResources", "StackResourceSummaries", StackName=stack["StackId"]
            ):
                node = _node(doorway, one["ResourceType"], one.get("PhysicalResourceId") or "")
                if node is not None:
                    stacks[account, region, node] = outer
    return Applications(stacks, tags)


def _node(doorway: Doorway, resource_type: str, physical_id: str) -> str | None:
    """The node of a resource; None where it is of a service that is not here."""
    _, _, rest = resource_type.partition("::")
    name = rest.partition("::")[0].lower()
    name = _SERVICES.get(name, name)
    if not physical_id or name not in doorway.registry:
        return None
    return doorway.registry[name].named(physical_id)


async def _all(
    doorway: Doorway, account: str, region: str, operation: str, member: str, **params: Any
) -> list[dict[str, Any]]:
    """Every page of a list; what cannot be listed (a stack that is gone meanwhile) is left out.

    It leaves no hop: who looks at the bill is not on it, nor on the map.
    """
    looking, found, service = Principal.looking(account, "cost", "kumoi"), list[dict[str, Any]](), "cloudformation"
    while True:
        call = Call(doorway, service, operation, params, looking, account, region)
        try:
            answer = await doorway.hand_on(call, service, operation, (account, region), service, **params)
        except AwsError:
            return found
        found += answer[member]
        if not answer.get("NextToken"):
            return found
        params = {**params, "NextToken": answer["NextToken"]}
