"""Route 53's CloudFormation resource types. Source: "Amazon Route 53 resource type reference"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Reading, Resource, ResourceCall, ResourceType
from kumoi.services.route53.domain_names import BadName, canonical
from kumoi.services.route53.naming import bare
from kumoi.wire.errors import AwsError, aws_error

_SET = (
    *("Name", "Type", "SetIdentifier", "Region", "Failover", "HealthCheckId"),
    *("CidrRoutingConfig", "GeoProximityLocation"),
)
_NUMBERS = ("TTL", "Weight")
_CHECK_NUMBERS = ("Port", "RequestInterval", "FailureThreshold", "HealthThreshold")
_CHECK_FLAGS = ("MeasureLatency", "Inverted", "Disabled", "EnableSNI")
_CHECK_FIXED = ("Type", "RequestInterval", "MeasureLatency", "RoutingControlArn")


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _number(name: str, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise aws_error("ValidationError", f"{name} is a number, not {value!r}.") from None


# ── hosted zones ──────────────────────────────────────────────────────────────────────────────────────────────────


def _vpcs(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"VPCId": one["VPCId"], "VPCRegion": one["VPCRegion"]} for one in properties.get("VPCs") or ()]


def _check_zone(call: ResourceCall) -> None:
    for name in ("QueryLoggingConfig", "HostedZoneFeatures"):
        if call.properties.get(name):
            raise aws_error(
                "ValidationError", f"Kumoi's route53 does not serve {name}; docs/route53.md says what it does."
            )


async def _create_zone(call: ResourceCall) -> Resource:
    call.required("Name")
    _check_zone(call)
    vpcs = _vpcs(call.properties)
    made = call.begin(await _made_zone(call, vpcs[0] if vpcs else None))
    for vpc in vpcs[1:]:
        await call.ask("route53", "AssociateVPCWithHostedZone", HostedZoneId=made.physical_id, VPC=vpc)
    await _tag(call, "hostedzone", made.physical_id, "HostedZoneTags")
    return made


async def _made_zone(call: ResourceCall, vpc: dict[str, str] | None) -> Resource:
    """The zone of this resource, which a call before a crash may have made."""
    reference = f"{call.stack_name}-{call.logical_id}"[:90] + f"-{call.token}"
    try:
        answer = await call.ask(
            "route53",
            "CreateHostedZone",
            Name=call.properties["Name"],
            CallerReference=reference,
            HostedZoneConfig=call.properties.get("HostedZoneConfig"),
            VPC=vpc,
        )
    except AwsError as error:
        if error.code != "HostedZoneAlreadyExists":
            raise
        known = (await call.ask("route53", "ListHostedZonesByName", DNSName=call.properties["Name"]))["HostedZones"]
        made = [one for one in known if one["CallerReference"] == reference]
        if not made:
            raise
        answer = await call.ask("route53", "GetHostedZone", Id=made[0]["Id"])
    return _zone(bare(answer["HostedZone"]["Id"]), answer)


def _zone(zone_id: str, answer: Mapping[str, Any]) -> Resource:
    servers = (answer.get("DelegationSet") or {}).get("NameServers", [])
    return Resource(zone_id, {"Id": zone_id, "NameServers": servers})


async def _tag(call: ResourceCall, kind: str, resource: str, member: str) -> None:
    """Give a resource its tags, and the stack's, and those alone."""
    stated = {one["Key"]: str(one["Value"]) for one in call.properties.get(member) or ()}
    wanted = {**call.all_tags(), **stated}
    answer = await call.ask("route53", "ListTagsForResource", ResourceType=kind, ResourceId=resource)
    gone = [one["Key"] for one in answer["ResourceTagSet"]["Tags"] if one["Key"] not in wanted]
    await call.ask(
        "route53",
        "ChangeTagsForResource",
        ResourceType=kind,
        ResourceId=resource,
        AddTags=[{"Key": name, "Value": value} for name, value in wanted.items()],
        RemoveTagKeys=gone or None,
    )


async def _update_zone(call: ResourceCall) -> Resource:
    _check_zone(call)
    zone = call.physical_id
    comment = (call.properties.get("HostedZoneConfig") or {}).get("Comment")
    await call.ask("route53", "UpdateHostedZoneComment", Id=zone, Comment=comment)
    before, wanted = _vpcs(call.before), _vpcs(call.properties)
    for vpc in wanted:
        if vpc not in before:
            await call.ask("route53", "AssociateVPCWithHostedZone", HostedZoneId=zone, VPC=vpc)
    for vpc in before:
        if vpc not in wanted:
            await call.ask("route53", "DisassociateVPCFromHostedZone", HostedZoneId=zone, VPC=vpc)
    await _tag(call, "hostedzone", zone, "HostedZoneTags")
    return _zone(zone, await call.ask("route53", "GetHostedZone", Id=zone))


async def _delete_zone(call: ResourceCall) -> None:
    await _gone_or("NoSuchHostedZone", call, "DeleteHostedZone", Id=call.physical_id)


async def _gone_or(code: str, call: ResourceCall, operation: str, **params: Any) -> None:
    """Delete something that may be gone already."""
    try:
        await call.ask("route53", operation, **params)
    except AwsError as error:
        if error.code != code:
            raise


async def _read_zone(call: ResourceCall) -> Reading:
    answer = await call.ask("route53", "GetHostedZone", Id=call.physical_id)
    zone = answer["HostedZone"]
    comment = zone["Config"].get("Comment")
    properties = {
        "Name": zone["Name"],
        "HostedZoneConfig": None if comment is None else {"Comment": comment},
        "VPCs": answer.get("VPCs") or None,
    }
    stated = call.properties.get("Name")
    if stated is not None and canonical(str(stated)) == zone["Name"]:
        properties["Name"] = stated
    return Reading(_zone(call.physical_id, answer), properties)


# ── record sets ───────────────────────────────────────────────────────────────────────────────────────────────────


def _set(stated: Mapping[str, Any]) -> dict[str, Any]:
    """A template's record set as the API's."""
    given: dict[str, Any] = {name: stated[name] for name in _SET if name in stated}
    given |= {name: _number(name, stated[name]) for name in _NUMBERS if name in stated}
    if "MultiValueAnswer" in stated:
        given["MultiValueAnswer"] = _flag(stated["MultiValueAnswer"])
    if "ResourceRecords" in stated:
        given["ResourceRecords"] = [{"Value": str(value)} for value in stated["ResourceRecords"]]
    if "AliasTarget" in stated:
        alias = stated["AliasTarget"]
        given["AliasTarget"] = {**alias, "EvaluateTargetHealth": _flag(alias.get("EvaluateTargetHealth", False))}
    if "GeoLocation" in stated:
        given["GeoLocation"] = dict(stated["GeoLocation"])
    return given


async def _zone_of(call: ResourceCall, stated: Mapping[str, Any]) -> str:
    """The zone of a set, which its name stands for where it has no id."""
    if stated.get("HostedZoneId"):
        return str(stated["HostedZoneId"])
    name = stated.get("HostedZoneName")
    if not name:
        raise aws_error("ValidationError", "Either HostedZoneId or HostedZoneName is required.")
    try:
        wanted = canonical(str(name))
    except BadName as problem:
        raise aws_error("ValidationError", str(problem)) from None
    answer = await call.ask("route53", "ListHostedZonesByName", DNSName=wanted)
    found = [one for one in answer["HostedZones"] if one["Name"] == wanted]
    if len(found) != 1:
        many = "more than one hosted zone" if found else "no hosted zone"
        raise aws_error("ValidationError", f"There is {many} named {wanted}")
    return bare(found[0]["Id"])


async def _change(call: ResourceCall, zone: str, changes: list[dict[str, Any]]) -> None:
    batch: dict[str, Any] = {"Changes": changes}
    comment = call.properties.get("Comment")
    if comment is not None:
        batch["Comment"] = comment
    await call.ask("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)


async def _present(call: ResourceCall, zone: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The set of the same name, type and identifier as it is now."""
    answer = await call.ask(
        "route53",
        "ListResourceRecordSets",
        HostedZoneId=zone,
        StartRecordName=given["Name"],
        StartRecordType=given["Type"],
        StartRecordIdentifier=given.get("SetIdentifier"),
        MaxItems="1",
    )
    for one in answer["ResourceRecordSets"]:
        if _key(one) == _key(given):
            found: dict[str, Any] = one
            return found
    return None


def _key(one: Mapping[str, Any]) -> tuple[str, str, str]:
    try:
        name = canonical(str(one.get("Name", "")))
    except BadName as problem:
        raise aws_error("ValidationError", str(problem)) from None
    return name, str(one.get("Type", "")), str(one.get("SetIdentifier", ""))


async def _create_set(call: ResourceCall) -> Resource:
    call.required("Name", "Type")
    zone = await _zone_of(call, call.properties)
    await _change(call, zone, [{"Action": "CREATE", "ResourceRecordSet": _set(call.properties)}])
    return Resource(str(call.properties["Name"]))


async def _update_set(call: ResourceCall) -> Resource:
    zone = await _zone_of(call, call.properties)
    await _change(call, zone, await _changes(call, zone, call.before, call.properties))
    return Resource(call.physical_id)


async def _changes(
    call: ResourceCall, zone: str, before: Mapping[str, Any], wanted: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What makes a set of another one, in the same zone."""
    changes = [{"Action": "UPSERT", "ResourceRecordSet": _set(wanted)}]
    if _key(before) != _key(wanted):
        old = await _present(call, zone, before)
        if old is not None:
            changes.insert(0, {"Action": "DELETE", "ResourceRecordSet": old})
    return changes


async def _delete_set(call: ResourceCall) -> None:
    await _delete_sets(call, [call.properties])


async def _delete_sets(call: ResourceCall, stated: list[Mapping[str, Any]]) -> None:
    """Delete sets that are there still."""
    by_zone: dict[str, list[dict[str, Any]]] = {}
    for one in stated:
        try:
            zone = await _zone_of(call, one)
            old = await _present(call, zone, one)
        except AwsError as error:
            if error.code not in ("NoSuchHostedZone", "ValidationError"):
                raise
            continue
        if old is not None:
            by_zone.setdefault(zone, []).append({"Action": "DELETE", "ResourceRecordSet": old})
    for zone, changes in by_zone.items():
        await _change(call, zone, changes)


# ── groups of record sets ─────────────────────────────────────────────────────────────────────────────────────────


def _members(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sets of a group, with the zone that is told of all of them."""
    shared = {name: properties[name] for name in ("HostedZoneId", "HostedZoneName") if properties.get(name)}
    return [{**shared, **one} for one in properties.get("RecordSets") or ()]


async def _create_group(call: ResourceCall) -> Resource:
    by_zone: dict[str, list[dict[str, Any]]] = {}
    for one in _members(call.properties):
        change = {"Action": "CREATE", "ResourceRecordSet": _set(one)}
        by_zone.setdefault(await _zone_of(call, one), []).append(change)
    made = Resource(call.name("GroupName", 100))
    for zone, changes in by_zone.items():
        await _change(call, zone, changes)
        call.begin(made)
    return made


async def _update_group(call: ResourceCall) -> Resource:
    wanted = _members(call.properties)
    keys = [_key(one) for one in wanted]
    await _delete_sets(call, [one for one in _members(call.before) if _key(one) not in keys])
    by_zone: dict[str, list[dict[str, Any]]] = {}
    for one in wanted:
        change = {"Action": "UPSERT", "ResourceRecordSet": _set(one)}
        by_zone.setdefault(await _zone_of(call, one), []).append(change)
    for zone, changes in by_zone.items():
        await _change(call, zone, changes)
    return Resource(call.physical_id)


async def _delete_group(call: ResourceCall) -> None:
    await _delete_sets(call, _members(call.properties))


# ── health checks ─────────────────────────────────────────────────────────────────────────────────────────────────


def _config(call: ResourceCall) -> dict[str, Any]:
    config = dict(call.properties["HealthCheckConfig"])
    config |= {name: _number(name, config[name]) for name in _CHECK_NUMBERS if name in config}
    return config | {name: _flag(config[name]) for name in _CHECK_FLAGS if name in config}


async def _create_check(call: ResourceCall) -> Resource:
    call.required("HealthCheckConfig")
    reference = f"{call.logical_id[:40]}-{call.token}"[:64]
    answer = await call.ask("route53", "CreateHealthCheck", CallerReference=reference, HealthCheckConfig=_config(call))
    made = call.begin(_check(answer["HealthCheck"]["Id"]))
    await _tag(call, "healthcheck", made.physical_id, "HealthCheckTags")
    return made


def _check(check_id: str) -> Resource:
    return Resource(check_id, {"HealthCheckId": check_id})


async def _update_check(call: ResourceCall) -> Resource:
    config, before = _config(call), call.before["HealthCheckConfig"]
    fixed = [name for name in _CHECK_FIXED if config.get(name) != before.get(name)]
    if fixed and any(str(config.get(name)) != str(before.get(name)) for name in fixed):
        raise aws_error("ValidationError", f"{', '.join(fixed)} of a health check cannot be changed.")
    changed = {name: value for name, value in config.items() if name not in _CHECK_FIXED}
    await call.ask("route53", "UpdateHealthCheck", HealthCheckId=call.physical_id, **changed)
    await _tag(call, "healthcheck", call.physical_id, "HealthCheckTags")
    return _check(call.physical_id)


async def _delete_check(call: ResourceCall) -> None:
    await _gone_or("NoSuchHealthCheck", call, "DeleteHealthCheck", HealthCheckId=call.physical_id)


_IN_ZONE = ("HostedZoneId", "HostedZoneName")

RESOURCES = (
    ResourceType(
        "AWS::Route53::HostedZone",
        _create_zone,
        _delete_zone,
        _update_zone,
        replaced_by=frozenset(("Name",)),
        read=_read_zone,
        identifier="Id",
    ),
    ResourceType(
        "AWS::Route53::RecordSet",
        _create_set,
        _delete_set,
        _update_set,
        replaced_by=frozenset(("Name", *_IN_ZONE)),
    ),
    ResourceType(
        "AWS::Route53::RecordSetGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(_IN_ZONE),
    ),
    ResourceType("AWS::Route53::HealthCheck", _create_check, _delete_check, _update_check),
)
