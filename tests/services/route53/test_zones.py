"""Hosted zones by boto3."""

from __future__ import annotations

from typing import Any


def test_a_zone_has_name_servers_and_their_records(route53: Any) -> None:
    made = route53.create_hosted_zone(
        Name="Example.COM", CallerReference="1", HostedZoneConfig={"Comment": "the site's"}
    )
    zone, servers = made["HostedZone"], made["DelegationSet"]["NameServers"]
    assert zone["Id"].startswith("/hostedzone/Z")
    assert made["Location"].endswith(zone["Id"])
    assert (zone["Name"], zone["ResourceRecordSetCount"]) == ("example.com.", 2)
    assert zone["Config"] == {"Comment": "the site's", "PrivateZone": False}
    assert [name.rpartition("awsdns-")[2][3:] for name in servers] == ["com", "net", "org", "co.uk"]
    found = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    assert [(one["Name"], one["Type"], one["TTL"]) for one in found] == [
        ("example.com.", "NS", 172800),
        ("example.com.", "SOA", 900),
    ]
    assert [one["Value"] for one in found[0]["ResourceRecords"]] == [f"{name}." for name in servers]
    told = route53.get_hosted_zone(Id=zone["Id"])
    assert (told["HostedZone"], told["DelegationSet"]["NameServers"]) == (zone, servers)
    route53.get_waiter("resource_record_sets_changed").wait(Id=made["ChangeInfo"]["Id"])


def test_a_caller_reference_counts_once(route53: Any, refused: Any) -> None:
    route53.create_hosted_zone(Name="example.com", CallerReference="1")
    code, _ = refused(route53.create_hosted_zone, Name="example.org", CallerReference="1")
    assert code == "HostedZoneAlreadyExists"
    assert route53.get_hosted_zone_count()["HostedZoneCount"] == 1


def test_names_that_there_cannot_be(route53: Any, refused: Any) -> None:
    for name in ("a..b", "x" * 64 + ".com"):
        assert refused(route53.create_hosted_zone, Name=name, CallerReference="1")[0] == "InvalidDomainName"
    assert refused(route53.get_hosted_zone, Id="Z123") == ("NoSuchHostedZone", "No hosted zone found with ID: Z123")


def test_zones_are_listed_by_name_and_in_pages(route53: Any, new_zone: Any) -> None:
    made = {name: new_zone(name) for name in ("b.org", "a.org", "x.a.org", "a.com")}

    def by_name(**params: Any) -> list[str]:
        return [one["Name"] for one in route53.list_hosted_zones_by_name(**params)["HostedZones"]]

    assert by_name() == ["a.com.", "a.org.", "x.a.org.", "b.org."]
    assert by_name(DNSName="a.org", MaxItems="1") == ["a.org."]
    assert route53.list_hosted_zones_by_name(MaxItems="1")["NextHostedZoneId"] == made["a.org"]
    pages = route53.get_paginator("list_hosted_zones").paginate(PaginationConfig={"PageSize": 3})
    listed = [one["Id"].rpartition("/")[2] for page in pages for one in page["HostedZones"]]
    assert sorted(listed) == sorted(made.values())


def test_a_zone_with_records_is_not_deleted(
    route53: Any, new_zone: Any, change: Any, records: Any, refused: Any
) -> None:
    zone = new_zone()
    change(zone, ("CREATE", records("www.example.com", "192.0.2.1")))
    assert refused(route53.delete_hosted_zone, Id=zone)[0] == "HostedZoneNotEmpty"
    change(zone, ("DELETE", records("www.example.com", "192.0.2.1")))
    assert route53.delete_hosted_zone(Id=zone)["ChangeInfo"]["Status"] == "PENDING"
    assert refused(route53.get_hosted_zone, Id=zone)[0] == "NoSuchHostedZone"


def test_comments_and_tags(route53: Any, new_zone: Any) -> None:
    zone = new_zone()
    assert route53.update_hosted_zone_comment(Id=zone, Comment="c")["HostedZone"]["Config"]["Comment"] == "c"
    tags = [{"Key": "team", "Value": "web"}, {"Key": "env", "Value": "dev"}]
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=tags)
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, RemoveTagKeys=["env"])
    told = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone)["ResourceTagSet"]
    assert told == {"ResourceType": "hostedzone", "ResourceId": zone, "Tags": tags[:1]}
    several = route53.list_tags_for_resources(ResourceType="hostedzone", ResourceIds=[zone])["ResourceTagSets"]
    assert several == [told]


def test_private_zones_have_vpcs(route53: Any, new_zone: Any, refused: Any) -> None:
    first, second = ({"VPCRegion": "us-east-1", "VPCId": f"vpc-{number:08}"} for number in (1, 2))
    zone = new_zone("corp.internal", VPC=first)
    told = route53.get_hosted_zone(Id=zone)
    assert (told["HostedZone"]["Config"]["PrivateZone"], told["VPCs"]) == (True, [first])
    again = refused(new_zone, "corp.internal", VPC=first)
    assert again[0] == "ConflictingDomainExists"
    route53.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=second)
    found = route53.list_hosted_zones_by_vpc(VPCId="vpc-00000002", VPCRegion="us-east-1")["HostedZoneSummaries"]
    assert [one["HostedZoneId"] for one in found] == [zone]
    route53.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=first)
    last = refused(route53.disassociate_vpc_from_hosted_zone, HostedZoneId=zone, VPC=second)
    assert last[0] == "LastVPCAssociation"
    public = refused(route53.associate_vpc_with_hosted_zone, HostedZoneId=new_zone(), VPC=first)
    assert public[0] == "PublicZoneVPCAssociation"


def test_a_delegation_set_is_shared(route53: Any, new_zone: Any, refused: Any) -> None:
    one = route53.create_reusable_delegation_set(CallerReference="1")["DelegationSet"]
    zone = new_zone(DelegationSetId=one["Id"])
    told = route53.get_hosted_zone(Id=zone)["DelegationSet"]
    assert (told["NameServers"], told["Id"]) == (one["NameServers"], one["Id"])
    assert refused(route53.delete_reusable_delegation_set, Id=one["Id"])[0] == "DelegationSetInUse"
    route53.delete_hosted_zone(Id=zone)
    route53.delete_reusable_delegation_set(Id=one["Id"])
    assert route53.list_reusable_delegation_sets()["DelegationSets"] == []


def test_dnssec_is_not_built_and_says_so(route53: Any, new_zone: Any, refused: Any) -> None:
    zone = new_zone()
    assert route53.get_dnssec(HostedZoneId=zone)["Status"]["ServeSignature"] == "NOT_SIGNING"
    code, text = refused(route53.enable_hosted_zone_dnssec, HostedZoneId=zone)
    assert (code, "docs/route53.md" in text) == ("NotImplemented", True)
