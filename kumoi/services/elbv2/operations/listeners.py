"""Listeners: create, describe, change, delete. A listener's default actions are those of its default rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.elbv2 import elbv2
from kumoi.services.elbv2.actions import check_protocol, checked, groups_of, sealed, with_known_secret
from kumoi.services.elbv2.describe import listener_answer
from kumoi.services.elbv2.errors import invalid, not_built, page, refused
from kumoi.services.elbv2.health import check_soon
from kumoi.services.elbv2.lookup import find_balancer, find_group, find_listener, new_id, users_of_groups
from kumoi.services.elbv2.operations.tags import tags_of
from kumoi.services.elbv2.records import DEFAULT_PRIORITY, Listener, LoadBalancer, Rule, listeners
from kumoi.state import Transaction, transactional

_POLICY = "ELBSecurityPolicy-2016-08"
_MOST = 50


@elbv2.operation
async def create_listener(
    call: Call,
    LoadBalancerArn: str,
    DefaultActions: list[dict[str, Any]],
    Protocol: str = "",
    Port: int = 0,
    Tags: list[dict[str, str]] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Create a listener; the same one again is the one there is."""
    properties = _properties({"Protocol": Protocol, "Port": Port, **given})
    actions = sealed(checked(DefaultActions), call.doorway.identity.sealer)
    check_protocol(Protocol, actions)
    listener = await _create(call.state, LoadBalancerArn, properties, actions, tags_of(Tags or []))
    return {"Listeners": [listener_answer(listener)]}


@elbv2.operation
async def describe_listeners(
    call: Call,
    LoadBalancerArn: str | None = None,
    ListenerArns: list[str] | None = None,
    Marker: str | None = None,
    PageSize: int | None = None,
) -> dict[str, Any]:
    """A load balancer's listeners, or those with some ARNs."""
    if (LoadBalancerArn is None) == (ListenerArns is None):
        raise invalid("You must specify either listener ARNs or a load balancer ARN")
    found = await _find(call.state, LoadBalancerArn, ListenerArns)
    return page(found, "Listeners", Marker, PageSize, listener_answer)


@elbv2.operation
async def modify_listener(
    call: Call, ListenerArn: str, DefaultActions: list[dict[str, Any]] | None = None, **given: Any
) -> dict[str, Any]:
    """Change a listener's port, protocol, certificate or default actions."""
    sealer = call.doorway.identity.sealer
    actions = None if DefaultActions is None else sealed(checked(DefaultActions), sealer)
    return {"Listeners": [listener_answer(await _modify(call.state, ListenerArn, actions, given))]}


@elbv2.operation
async def delete_listener(call: Call, ListenerArn: str) -> dict[str, Any]:
    """Delete a listener with its rules."""
    await _delete(call.state, ListenerArn)
    return {}


def _properties(given: dict[str, Any]) -> dict[str, Any]:
    """A listener's members with their defaults, checked."""
    known = {"Protocol", "Port", "SslPolicy", "Certificates", "MutualAuthentication", "AlpnPolicy"}
    if unknown := given.keys() - known:
        raise not_built(", ".join(sorted(unknown)))
    if given.get("AlpnPolicy"):
        raise invalid("ALPN policies are for TLS listeners")
    protocol = given.get("Protocol")
    if not protocol:
        raise invalid("A listener protocol must be specified")
    if protocol not in ("HTTP", "HTTPS"):
        raise invalid(f"Listener protocol '{protocol}' must be one of 'HTTPS, HTTP'")
    if not given.get("Port"):
        raise invalid("A listener port must be specified")
    if (given.get("MutualAuthentication") or {}).get("Mode", "off") != "off":
        raise not_built("mutual authentication")
    properties = {name: value for name, value in given.items() if value and name != "MutualAuthentication"}
    if protocol == "HTTPS":
        if not properties.get("Certificates"):
            raise refused("CertificateNotFound", "A certificate must be specified for HTTPS listeners")
        if len(properties["Certificates"]) > 1:
            raise refused("TooManyCertificates", "Exactly one certificate can be the default one")
        properties["Certificates"] = [{"CertificateArn": properties["Certificates"][0].get("CertificateArn", "")}]
        properties.setdefault("SslPolicy", _POLICY)
    elif properties.get("Certificates") or properties.get("SslPolicy"):
        raise invalid("Certificates and SSL policies cannot be specified for HTTP listeners")
    return properties


async def check_groups(tx: Transaction, balancer_arn: str, actions: Sequence[dict[str, Any]]) -> None:
    """Raise for target groups that there are not, or that another load balancer forwards to; check them soon."""
    users = await users_of_groups(tx)
    taken = [arn for arn in groups_of(actions) if users.get(arn, set()) - {balancer_arn}]
    if taken:
        raise refused(
            "TargetGroupAssociationLimit",
            f"The following target groups cannot be associated with more than one load balancer: {', '.join(taken)}",
        )
    for arn in groups_of(actions):
        check_soon(tx, await find_group(tx, arn))


async def _check_port(tx: Transaction, balancer: LoadBalancer, properties: dict[str, Any], own: str = "") -> None:
    found = await listeners.list(tx, balancer.id)
    if any(one.properties["Port"] == properties["Port"] and one.id != own for one in found):
        raise refused(
            "DuplicateListener", f"A listener already exists on this port for this load balancer '{balancer.arn}'"
        )
    if not own and len(found) >= _MOST:
        raise refused("TooManyListeners", f"The maximum number of listeners has been reached on '{balancer.arn}'")


@transactional
async def _create(
    tx: Transaction, arn: str, properties: dict[str, Any], actions: list[dict[str, Any]], tags: dict[str, str]
) -> Listener:
    balancer = await find_balancer(tx, arn)
    for one in await listeners.list(tx, balancer.id):
        default = next(rule for rule in one.rules if rule.priority == DEFAULT_PRIORITY)
        if (one.properties, default.actions, one.tags) == (properties, actions, tags):
            return one
    await _check_port(tx, balancer, properties)
    await check_groups(tx, arn, actions)
    listener = Listener(
        balancer=balancer.name,
        balancer_id=balancer.id,
        id=new_id(),
        account=balancer.account,
        region=balancer.region,
        properties=properties,
        rules=[Rule(id=new_id(), priority=DEFAULT_PRIORITY, conditions=[], actions=actions)],
        tags=tags,
    )
    await listeners.put(tx, listener)
    return listener


@transactional
async def _find(tx: Transaction, balancer: str | None, arns: list[str] | None) -> list[Listener]:
    if balancer is not None:
        return await listeners.list(tx, (await find_balancer(tx, balancer)).id)
    return [await find_listener(tx, arn) for arn in arns or ()]


@transactional
async def _modify(tx: Transaction, arn: str, actions: list[dict[str, Any]] | None, given: dict[str, Any]) -> Listener:
    listener = await find_listener(tx, arn)
    before = listener.properties
    if given.get("Protocol") == "HTTP":
        before = {name: value for name, value in before.items() if name not in ("Certificates", "SslPolicy")}
    properties = _properties({**before, **given})
    await _check_port(tx, await find_balancer(tx, listener.balancer_arn), properties, listener.id)
    rules = listener.rules
    if actions is not None:
        default = next(rule for rule in rules if rule.priority == DEFAULT_PRIORITY)
        actions = with_known_secret(actions, default.actions)
        await check_groups(tx, listener.balancer_arn, actions)
        rules = [
            msgspec.structs.replace(rule, actions=actions) if rule.priority == DEFAULT_PRIORITY else rule
            for rule in rules
        ]
    for rule in rules:
        check_protocol(properties["Protocol"], rule.actions)
    changed = msgspec.structs.replace(listener, properties=properties, rules=rules)
    await listeners.put(tx, changed)
    return changed


@transactional
async def _delete(tx: Transaction, arn: str) -> None:
    listener = await find_listener(tx, arn)
    await listeners.delete(tx, listener.balancer_id, listener.id)
