"""What a stack's template is evaluated with: pseudo parameters, parameters, exports; and what of it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kumoi.names import partition_of
from kumoi.services.cloudformation.lookup import live_stacks
from kumoi.services.cloudformation.records import Source, Stack
from kumoi.services.cloudformation.template.intrinsics import Scope
from kumoi.services.cloudformation.template.parameters import resolve_parameters
from kumoi.state import State


def scope_of(
    stack: Stack,
    source: Source,
    template: Mapping[str, Any],
    exports: Mapping[str, str],
    reference: Callable[[str], Any],
    attribute: Callable[[str, str], Any],
) -> Scope:
    """The scope of a stack's template."""
    parameters = resolve_parameters(template.get("Parameters", {}), source.parameters, source.looked_up)
    values: dict[str, Any] = {
        "AWS::AccountId": stack.account,
        "AWS::Region": stack.region,
        "AWS::StackName": stack.name,
        "AWS::StackId": stack.id,
        "AWS::Partition": partition_of(stack.region),
        "AWS::URLSuffix": "amazonaws.com.cn" if stack.region.startswith("cn-") else "amazonaws.com",
        "AWS::NotificationARNs": list(stack.notifications),
    }
    values |= {name: parameter.value for name, parameter in parameters.items()}
    return Scope(template, values, exports, reference, attribute)


def wanted_resources(template: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The resources whose conditions hold."""
    return {
        name: resource
        for name, resource in template.get("Resources", {}).items()
        if "Condition" not in resource or scope.condition(resource["Condition"])
    }


async def exports_for(state: State, source: Source) -> dict[str, str]:
    """What the stacks of a place export, for a template that imports something."""
    if "Fn::ImportValue" not in source.processed:
        return {}
    return {
        output.export: output.value
        for stack in await live_stacks(state)
        for output in stack.outputs
        if output.export is not None
    }
