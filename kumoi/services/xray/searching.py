"""A search: a filter expression, or a group's, with the expressions of the groups it may name."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from kumoi.doorway import Call
from kumoi.services.xray.answers import invalid
from kumoi.services.xray.filter_expression import FilterError, Groups, matches, parse
from kumoi.services.xray.filter_expression.nodes import Node
from kumoi.services.xray.groups import find_group, group_arn
from kumoi.services.xray.records import Group, groups
from kumoi.services.xray.traces import Trace
from kumoi.state import Transaction, transactional

NO_GROUPS: Groups = MappingProxyType({})


class Search(NamedTuple):
    """Which traces are wanted; None for all."""

    node: Node | None
    groups: Groups = NO_GROUPS

    def means(self, trace: Trace) -> bool:
        """Whether a trace is wanted."""
        return self.node is None or matches(self.node, trace, self.groups)


def compiled(expression: str) -> Node:
    """A filter expression's tree; InvalidRequestException says what is wrong with it."""
    try:
        return parse(expression)
    except FilterError as error:
        raise invalid(f"Invalid filter expression: {error}.") from None


async def search(call: Call, expression: str | None) -> Search:
    """What an expression means."""
    if not expression or not expression.strip():
        return Search(None)
    node = compiled(expression)
    return Search(node, await _all(call) if "group." in expression.lower() else NO_GROUPS)


async def search_group(call: Call, name: str | None, arn: str | None) -> Search:
    """What a group means, by its name or ARN; without one everything. InvalidRequestException when there is none."""
    if (name is None and arn is None) or name == "Default":
        return Search(None)
    group: Group = await find_group(call, name, arn)
    return await search(call, group.expression)


async def _all(call: Call) -> Groups:
    found: dict[str, Node | None] = {}
    for group in await _groups(call.state):
        node = compiled(group.expression) if group.expression else None
        found[group.name] = found[group_arn(call, group)] = node
    return found


@transactional
async def _groups(tx: Transaction) -> list[Group]:
    return await groups.list(tx)
