"""Reading a distribution's configuration: behaviours, and the things of the account that it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def items(node: Mapping[str, Any] | None) -> list[Any]:
    """The items of one of the API's lists, which may be missing."""
    return list((node or {}).get("Items") or [])


def behaviours(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every cache behaviour in the order of precedence, the default one last."""
    return [*items(config.get("CacheBehaviors")), config["DefaultCacheBehavior"]]


def uses(config: Mapping[str, Any], member: str) -> set[str]:
    """The ids that behaviours name in a member: `CachePolicyId`, `OriginRequestPolicyId`, `RealtimeLogConfigArn`, …"""
    return {behaviour[member] for behaviour in behaviours(config) if behaviour.get(member)}


def access_controls(config: Mapping[str, Any]) -> set[str]:
    """The origin access controls that origins use."""
    return {one["OriginAccessControlId"] for one in items(config["Origins"]) if one.get("OriginAccessControlId")}


def access_identities(config: Mapping[str, Any]) -> set[str]:
    """The origin access identities that S3 origins use."""
    named = (one.get("S3OriginConfig", {}).get("OriginAccessIdentity") or "" for one in items(config["Origins"]))
    return {text.rpartition("/")[2] for text in named if text}


def key_groups(config: Mapping[str, Any]) -> set[str]:
    """The key groups that behaviours trust."""
    return {group for behaviour in behaviours(config) for group in items(behaviour.get("TrustedKeyGroups"))}


def functions(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(event type, ARN) of every CloudFront function associated."""
    for behaviour in behaviours(config):
        for one in items(behaviour.get("FunctionAssociations")):
            yield one["EventType"], one["FunctionARN"]


def edge_functions(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every association of a Lambda@Edge function."""
    for behaviour in behaviours(config):
        yield from items(behaviour.get("LambdaFunctionAssociations"))
