"""What EC2's types have in common: how they ask, their tags, and properties that templates write as text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from kumoi.doorway.resource_types import Delete, Resource, ResourceCall

SERVICE = "ec2"
_NUMBERS = frozenset(("FromPort", "ToPort", "RuleNumber", "From", "To", "Code", "Type", "MaxAggregationInterval"))
_FLAGS = frozenset(
    (
        *(
            "EnableDnsHostnames",
            "EnableDnsSupport",
            "MapPublicIpOnLaunch",
            "AssignIpv6AddressOnCreation",
            "EnableDns64",
        ),
        *("PrivateDnsEnabled", "Egress", "AmazonProvidedIpv6CidrBlock", "EnableResourceNameDnsARecord"),
        "EnableResourceNameDnsAAAARecord",
    )
)
_TEXTS = frozenset(("IpProtocol", "Protocol"))


def typed(name: str, value: Any) -> Any:
    """A property as the API's member: templates may write numbers and booleans as text, and texts as numbers."""
    if isinstance(value, dict):
        return {key: typed(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(name, one) for one in value]
    if name in _NUMBERS and isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    if name in _FLAGS and not isinstance(value, bool):
        return str(value).lower() == "true"
    return str(value) if name in _TEXTS else value


def given(call: ResourceCall, *members: str) -> dict[str, Any]:
    """Those of some properties that are stated, as the API's members."""
    return {name: typed(name, value) for name, value in call.given(*members).items()}


async def ask(call: ResourceCall, operation: str, **params: Any) -> dict[str, Any]:
    """Call an operation of EC2."""
    return await call.ask(SERVICE, operation, **params)


def tagged(call: ResourceCall, kind: str) -> list[dict[str, Any]]:
    """The tags of what is made, as operations take them."""
    return [{"ResourceType": kind, "Tags": call.tag_list()}]


async def retag(call: ResourceCall, item_id: str = "") -> None:
    """Give a thing the tags that it has in the template now."""
    now = call.all_tags()
    before = {str(one["Key"]) for one in call.before.get("Tags") or ()}
    if gone := sorted(before - now.keys()):
        await ask(call, "DeleteTags", Resources=[item_id or call.physical_id], Tags=[{"Key": key} for key in gone])
    await ask(call, "CreateTags", Resources=[item_id or call.physical_id], Tags=call.tag_list())


async def only_tags(call: ResourceCall) -> Resource:
    """The update of a type of which nothing but the tags can be changed."""
    await retag(call)
    return Resource(call.physical_id, call.attributes)


def changed(call: ResourceCall, name: str) -> bool:
    """Whether a property has another value than before."""
    return bool(typed(name, call.properties.get(name)) != typed(name, call.before.get(name)))


def difference(call: ResourceCall, name: str) -> tuple[list[Any], list[Any]]:
    """What a list has more than before, and what it had."""
    before, after = call.before.get(name) or [], call.properties.get(name) or []
    return [one for one in after if one not in before], [one for one in before if one not in after]


def deletion(operation: str, member: str) -> Delete:
    """The deletion of what is named by its physical id."""
    return partial(_delete, operation, member)


async def _delete(operation: str, member: str, call: ResourceCall) -> None:
    await ask(call, operation, **{member: call.physical_id})


async def one_of(call: ResourceCall, operation: str, member: str, filters: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The first that a Describe operation finds."""
    told = [{"Name": name, "Values": [value]} for name, value in filters]
    found: dict[str, Any] = (await ask(call, operation, Filters=told))[member][0]
    return found
