"""Load balancers: create, describe, delete; and what networks would have to do with them, which is kept only."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.elbv2 import attributes, elbv2
from kumoi.services.elbv2.describe import balancer_answer
from kumoi.services.elbv2.errors import invalid, not_built, page, refused
from kumoi.services.elbv2.lookup import check_name, find_balancer, new_id
from kumoi.services.elbv2.operations.tags import tags_of
from kumoi.services.elbv2.records import LoadBalancer, Place, balancers, listeners, places
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


@elbv2.operation
async def create_load_balancer(
    call: Call, Name: str, Type: str = "application", Tags: list[dict[str, str]] | None = None, **given: Any
) -> dict[str, Any]:
    """Create a load balancer, or answer the one that is the same; subnets and security groups are kept as given."""
    if Type != "application":
        raise not_built(f"the type {Type}")
    check_name("Load balancer", Name)
    if Name.lower().startswith("internal-"):
        raise invalid(f"Load balancer name '{Name}' cannot begin with 'internal-'")
    if given.get("Subnets") and given.get("SubnetMappings"):
        raise invalid("You can specify either subnets or subnet mappings, not both")
    known = {"Subnets", "SubnetMappings", "SecurityGroups", "Scheme", "IpAddressType"}
    if unknown := given.keys() - known:
        raise not_built(", ".join(sorted(unknown)))
    fresh = LoadBalancer(
        name=Name,
        id=new_id(),
        number=str(secrets.randbelow(9 * 10**9) + 10**9),
        account=call.account,
        region=call.region,
        created=call.now,
        properties=given,
        tags=tags_of(Tags or []),
    )
    made = await _create(call.state, fresh)
    return {"LoadBalancers": [balancer_answer(made, state="provisioning" if made is fresh else "active")]}


@elbv2.operation
async def describe_load_balancers(
    call: Call,
    LoadBalancerArns: list[str] | None = None,
    Names: list[str] | None = None,
    Marker: str | None = None,
    PageSize: int | None = None,
) -> dict[str, Any]:
    """The load balancers with some ARNs or names, or all."""
    if LoadBalancerArns and Names:
        raise invalid("Load balancer names and load balancer ARNs cannot be specified at the same time")
    return page(await _find(call.state, LoadBalancerArns, Names), "LoadBalancers", Marker, PageSize, balancer_answer)


@elbv2.operation
async def delete_load_balancer(call: Call, LoadBalancerArn: str) -> None:
    """Delete a load balancer with its listeners; nothing happens when there is none."""
    await _delete(call.state, LoadBalancerArn)


@elbv2.operation
async def describe_capacity_reservation(call: Call, LoadBalancerArn: str) -> dict[str, Any]:
    """The capacity that is reserved for a load balancer: none, as none can be reserved."""
    await _one(call.state, LoadBalancerArn)
    return {"CapacityReservationState": []}


@elbv2.operation
async def set_subnets(
    call: Call,
    LoadBalancerArn: str,
    Subnets: list[str] | None = None,
    SubnetMappings: list[dict[str, str]] | None = None,
    IpAddressType: str | None = None,
) -> dict[str, Any]:
    """Keep other subnets."""
    given = {"Subnets": Subnets, "SubnetMappings": SubnetMappings}
    kept = {"IpAddressType": IpAddressType} if IpAddressType else {}
    answer = balancer_answer(await _keep(call.state, LoadBalancerArn, {**given, **kept}))
    return {"AvailabilityZones": answer["AvailabilityZones"], "IpAddressType": answer["IpAddressType"]}


@elbv2.operation
async def set_security_groups(call: Call, LoadBalancerArn: str, SecurityGroups: list[str]) -> dict[str, Any]:
    """Keep other security groups."""
    await _keep(call.state, LoadBalancerArn, {"SecurityGroups": SecurityGroups})
    return {"SecurityGroupIds": SecurityGroups}


@elbv2.operation
async def set_ip_address_type(call: Call, LoadBalancerArn: str, IpAddressType: str) -> dict[str, Any]:
    """Keep another type of addresses."""
    await _keep(call.state, LoadBalancerArn, {"IpAddressType": IpAddressType})
    return {"IpAddressType": IpAddressType}


@transactional
async def _create(tx: Transaction, fresh: LoadBalancer) -> LoadBalancer:
    found = await balancers.get(tx, fresh.name)
    if found is not None:
        if found.properties == fresh.properties and found.tags == fresh.tags:
            return found
        raise refused(
            "DuplicateLoadBalancerName",
            f"A load balancer with the same name '{fresh.name}' exists, but with different settings",
        )
    await balancers.put(tx, fresh)
    await places.put(tx, Place(fresh.label, fresh.name, fresh.account, fresh.region))
    return fresh


@transactional
async def _find(tx: Transaction, arns: list[str] | None, names: list[str] | None) -> list[LoadBalancer]:
    if arns:
        return [await find_balancer(tx, arn) for arn in arns]
    if names:
        found = [await balancers.get(tx, name) for name in names]
        gone = [name for name, one in zip(names, found, strict=True) if one is None]
        if gone:
            raise refused("LoadBalancerNotFound", f"Load balancers '[{', '.join(gone)}]' not found")
        return [one for one in found if one is not None]
    return await balancers.list(tx)


@transactional
async def _one(tx: Transaction, arn: str) -> LoadBalancer:
    return await find_balancer(tx, arn)


@transactional
async def _delete(tx: Transaction, arn: str) -> None:
    try:
        balancer = await find_balancer(tx, arn)
    except AwsError as error:
        if error.code == "LoadBalancerNotFoundException":
            return
        raise
    if attributes.value(attributes.BALANCER, balancer.attributes, "deletion_protection.enabled") == "true":
        raise refused(
            "OperationNotPermitted",
            f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
        )
    await listeners.delete_all(tx, balancer.id)
    await balancers.delete(tx, balancer.name)
    await places.delete(tx, balancer.label)


@transactional
async def _keep(tx: Transaction, arn: str, given: dict[str, Any]) -> LoadBalancer:
    balancer = await find_balancer(tx, arn)
    merged = {name: value for name, value in {**balancer.properties, **given}.items() if value is not None}
    changed = msgspec.structs.replace(balancer, properties=merged)
    await balancers.put(tx, changed)
    return changed
