"""Batches of changes, and lists of record sets, by boto3."""

from __future__ import annotations

from typing import Any

import pytest


def names(route53: Any, zone: str, **params: Any) -> list[tuple[str, str, str]]:
    """Name, type and identifier of a zone's sets."""
    found = route53.list_resource_record_sets(HostedZoneId=zone, **params)["ResourceRecordSets"]
    return [(one["Name"], one["Type"], one.get("SetIdentifier", "")) for one in found]


def test_sets_are_listed_in_the_order_of_reversed_names(route53: Any, new_zone: Any, change: Any, records: Any) -> None:
    zone = new_zone()
    change(
        zone,
        ("CREATE", records("www.example.com", "192.0.2.1")),
        ("CREATE", records("*.a.example.com", "192.0.2.1")),
        ("CREATE", records("B.example.com", "192.0.2.1", SetIdentifier="2", Weight=1)),
        ("CREATE", records("b.example.com.", "192.0.2.1", SetIdentifier="1", Weight=1)),
        ("CREATE", records("b.example.com", '"text"', kind="TXT")),
    )
    expected = [
        ("example.com.", "NS", ""),
        ("example.com.", "SOA", ""),
        (r"\052.a.example.com.", "A", ""),
        ("b.example.com.", "A", "1"),
        ("b.example.com.", "A", "2"),
        ("b.example.com.", "TXT", ""),
        ("www.example.com.", "A", ""),
    ]
    assert names(route53, zone) == expected
    pages = route53.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone, PaginationConfig={"PageSize": 2}
    )
    assert sum(len(page["ResourceRecordSets"]) for page in pages) == 7
    assert names(route53, zone, StartRecordName="b.example.com", StartRecordType="TXT") == expected[5:]
    assert names(route53, zone, StartRecordName="c.example.com") == expected[6:]
    assert route53.get_hosted_zone(Id=zone)["HostedZone"]["ResourceRecordSetCount"] == 7


def test_a_batch_is_made_whole_or_not_at_all(
    route53: Any, new_zone: Any, change: Any, records: Any, refused: Any
) -> None:
    zone = new_zone()
    good, bad = records("a.example.com", "192.0.2.1"), records("b.example.org", "192.0.2.1")
    code, text = refused(change, zone, ("CREATE", good), ("CREATE", bad))
    assert code == "InvalidChangeBatch"
    assert text == "[RRSet with DNS name b.example.org. is not permitted in zone example.com.]"
    assert len(names(route53, zone)) == 2
    change(zone, ("CREATE", good))
    change(zone, ("DELETE", good), ("CREATE", records("a.example.com", "b.example.com", kind="CNAME")))
    assert names(route53, zone)[2:] == [("a.example.com.", "CNAME", "")]


WWW = "[name='www.example.com.', type='A']"
IN_ZONE = "with the same DNS name in zone example.com.]"
REFUSED = [
    (
        "CREATE", "www.example.com", "192.0.2.1", "A",
        f"[Tried to create resource record set {WWW} but it already exists]",
    ),
    (
        "DELETE", "no.example.com", "192.0.2.1", "A",
        "[Tried to delete resource record set [name='no.example.com.', type='A'] but it was not found]",
    ),
    (
        "DELETE", "www.example.com", "192.0.2.9", "A",
        f"[Tried to delete resource record set {WWW} but the values provided do not match the current values]",
    ),
    (
        "CREATE", "example.com", "a.b", "CNAME",
        "[RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.]",
    ),
    (
        "CREATE", "www.example.com", "a.b", "CNAME",
        "[RRSet of type CNAME with DNS name www.example.com. is not permitted as it conflicts with other records "
        + IN_ZONE,
    ),
    (
        "CREATE", "c.example.com", "192.0.2.1", "A",
        "[RRSet of type A with DNS name c.example.com. is not permitted because a conflicting RRSet of type CNAME "
        "with the same DNS name already exists in zone example.com.]",
    ),
    (
        "CREATE", "x.example.com", "1.2.3", "A",
        "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '1.2.3'",
    ),
    ("CREATE", "x.example.com", "1.2.3.4", "AAAA", "AAAARRDATAIllegalIPv6Address"),
    ("CREATE", "x.example.com", "text", "TXT", "InvalidCharacterString (Value should be enclosed in quotation marks)"),
    ("CREATE", "x.example.com", '"' + "x" * 256 + '"', "TXT", "CharacterStringTooLong"),
    ("CREATE", "x.example.com", "mail.example.com", "MX", "MXRRDATANotEnoughFields"),
    ("CREATE", "x.example.com", "1 2 x host", "SRV", "InvalidInteger"),
    ("DELETE", "example.com", "OWN", "SOA", "A HostedZone must contain exactly one SOA record."),
]  # fmt: skip


@pytest.mark.parametrize(("action", "name", "value", "kind", "expected"), REFUSED)
def test_what_is_refused(
    route53: Any, new_zone: Any, change: Any, records: Any, refused: Any,
    action: str, name: str, value: str, kind: str, expected: str,
) -> None:  # fmt: skip
    zone = new_zone()
    change(
        zone,
        ("CREATE", records("www.example.com", "192.0.2.1")),
        ("CREATE", records("c.example.com", "www.example.com", kind="CNAME")),
    )
    asked = records(name, value, kind=kind)
    if value == "OWN":
        found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        asked = next(one for one in found if one["Type"] == kind)
    code, text = refused(change, zone, (action, asked))
    assert code == "InvalidChangeBatch"
    assert text == expected if expected.startswith("[") else expected in text


def test_sets_that_cannot_stand_beside_others(new_zone: Any, change: Any, records: Any, refused: Any) -> None:
    zone = new_zone()
    change(
        zone,
        ("CREATE", records("www.example.com", "192.0.2.1")),
        ("CREATE", records("f.example.com", "192.0.2.1", SetIdentifier="1", Failover="PRIMARY")),
    )
    weighted = records("www.example.com", "192.0.2.3", SetIdentifier="1", Weight=0)
    primary = records("f.example.com", "192.0.2.3", SetIdentifier="2", Failover="PRIMARY")
    twice = records("x.example.com", "192.0.2.1", "192.0.2.1")
    assert "as other RRSets exist with the same name and type." in refused(change, zone, ("CREATE", weighted))[1]
    assert "has the same Failover" in refused(change, zone, ("CREATE", primary))[1]
    assert refused(change, zone, ("CREATE", twice))[1] == "[Duplicate Resource Record: '192.0.2.1']"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"),
        ({"TTL": 1, "ResourceRecords": [{"Value": "192.0.2.1"}], "Weight": 1}, "Missing field 'SetIdentifier'"),
        (
            {"TTL": 1, "ResourceRecords": [{"Value": "192.0.2.1"}], "SetIdentifier": "a"},
            "Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer], but found none",
        ),
    ],
)
def test_members_that_belong_together(new_zone: Any, change: Any, refused: Any, given: Any, expected: str) -> None:
    code, text = refused(change, new_zone(), ("CREATE", {"Name": "a.example.com", "Type": "A", **given}))
    assert (code, expected in text) == ("InvalidInput", True)


def test_an_alias_of_the_zone_needs_its_target(
    new_zone: Any, change: Any, records: Any, alias: Any, refused: Any
) -> None:
    zone = new_zone()
    code, text = refused(change, zone, ("CREATE", alias("a.example.com", "b.example.com", zone)))
    assert (code, "but that target was not found" in text) == ("InvalidChangeBatch", True)
    outside = refused(change, zone, ("CREATE", alias("a.example.com", "b.example.org", zone)))
    assert "does not lie within the target zone" in outside[1]
    change(
        zone,
        ("CREATE", alias("a.example.com", "b.example.com", zone)),
        ("CREATE", records("b.example.com", "192.0.2.1")),
    )
