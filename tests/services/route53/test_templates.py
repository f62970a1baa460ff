"""Templates with hosted zones, record sets, health checks and certificates."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def stacks(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


def settled(stacks: Any) -> dict[str, Any]:
    """The stack, once nothing is under way."""
    while (stack := stacks.describe_stacks(StackName="s")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    return dict(stack)


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def template(**resources: Any) -> str:
    outputs = {
        "Zone": {"Value": {"Ref": "Zone"}},
        "Id": {"Value": {"Fn::GetAtt": "Zone.Id"}},
        "Servers": {"Value": {"Fn::Join": [",", {"Fn::GetAtt": "Zone.NameServers"}]}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def sets(route53: Any, zone: str) -> dict[tuple[str, str], Any]:
    """A zone's sets but those that each has."""
    found = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {
        (one["Name"], one["Type"]): [value["Value"] for value in one.get("ResourceRecords", ())]
        for one in found
        if one["Type"] not in ("NS", "SOA")
    }


def zone_with(comment: str = "c") -> dict[str, Any]:
    return resource(
        "AWS::Route53::HostedZone",
        Name="example.com",
        HostedZoneConfig={"Comment": comment},
        HostedZoneTags=[{"Key": "team", "Value": "web"}],
    )


ZONE = {"Ref": "Zone"}


def record(name: str, value: str, kind: str = "A", **more: Any) -> dict[str, Any]:
    given = {"HostedZoneId": ZONE, "Name": name, "Type": kind, "TTL": "300", "ResourceRecords": [value], **more}
    return resource("AWS::Route53::RecordSet", **given)


def test_a_zone_and_its_records_are_made_changed_and_deleted(route53: Any, stacks: Any) -> None:
    group = resource(
        "AWS::Route53::RecordSetGroup",
        HostedZoneName="example.com.",
        RecordSets=[
            {"Name": f"{name}.example.com", "Type": "A", "TTL": 60, "ResourceRecords": ["192.0.2.7"]} for name in "ab"
        ],
    )
    group["DependsOn"] = "Zone"
    check = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": "9", "Disabled": "true"}
    first = {
        "Zone": zone_with(),
        "Www": record("www.example.com.", "192.0.2.1"),
        "Mail": record("example.com", "10 mail.example.com", "MX"),
        "Group": group,
        "Check": resource("AWS::Route53::HealthCheck", HealthCheckConfig=check),
    }
    stacks.create_stack(StackName="s", TemplateBody=template(**first))
    stack = settled(stacks)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    told = outputs(stack)
    zone = told["Zone"]
    assert told["Id"] == zone
    assert told["Servers"].split(",") == route53.get_hosted_zone(Id=zone)["DelegationSet"]["NameServers"]
    tags = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone)["ResourceTagSet"]["Tags"]
    assert {"Key": "team", "Value": "web"} in tags
    assert sets(route53, zone) == {
        ("example.com.", "MX"): ["10 mail.example.com"],
        ("a.example.com.", "A"): ["192.0.2.7"],
        ("b.example.com.", "A"): ["192.0.2.7"],
        ("www.example.com.", "A"): ["192.0.2.1"],
    }
    group["Properties"]["RecordSets"] = group["Properties"]["RecordSets"][:1]
    second = {**first, "Zone": zone_with("other"), "Www": record("www.example.com.", "a.example.com", "CNAME")}
    del second["Mail"]
    stacks.update_stack(StackName="s", TemplateBody=template(**second))
    stack = settled(stacks)
    assert (stack["StackStatus"], outputs(stack)["Zone"]) == ("UPDATE_COMPLETE", zone)
    assert route53.get_hosted_zone(Id=zone)["HostedZone"]["Config"]["Comment"] == "other"
    assert sets(route53, zone) == {
        ("a.example.com.", "A"): ["192.0.2.7"],
        ("www.example.com.", "CNAME"): ["a.example.com"],
    }
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert route53.list_hosted_zones()["HostedZones"] == []
    assert route53.list_health_checks()["HealthChecks"] == []


def test_a_record_that_there_is_already_fails_the_stack(route53: Any, stacks: Any, new_zone: Any, change: Any) -> None:
    zone = new_zone()
    one = {"Name": "www.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change(zone, ("CREATE", one))
    body = {"Resources": {"Www": {**record("www.example.com", "192.0.2.9")}}}
    body["Resources"]["Www"]["Properties"]["HostedZoneId"] = zone
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(body))
    assert settled(stacks)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = stacks.describe_stack_events(StackName="s")["StackEvents"]
    assert any("but it already exists" in one.get("ResourceStatusReason", "") for one in events)
    assert sets(route53, zone) == {("www.example.com.", "A"): ["192.0.2.1"]}


def test_a_certificate_makes_its_own_validation_records(kumoi: Any, route53: Any, stacks: Any) -> None:
    names = ["example.com", "*.example.com", "api.example.com"]
    certificate = resource(
        "AWS::CertificateManager::Certificate",
        DomainName=names[0],
        SubjectAlternativeNames=names[1:],
        ValidationMethod="DNS",
        DomainValidationOptions=[{"DomainName": name, "HostedZoneId": ZONE} for name in names],
        Tags=[{"Key": "team", "Value": "web"}],
    )
    body = json.loads(template(Zone=zone_with(), Certificate=certificate))
    body["Outputs"]["Certificate"] = {"Value": {"Ref": "Certificate"}}
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(body))
    stack = settled(stacks)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    arn, zone = outputs(stack)["Certificate"], outputs(stack)["Zone"]
    acm = kumoi.client("acm")
    told = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (told["Status"], told["SubjectAlternativeNames"]) == ("ISSUED", names)
    assert {name for name, _ in sets(route53, zone)} == {
        one["ResourceRecord"]["Name"] for one in told["DomainValidationOptions"]
    }
    assert {"Key": "team", "Value": "web"} in acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
    # As on AWS the records outlive the certificate, and the zone is not empty.
    stacks.delete_stack(StackName="s")
    assert settled(stacks)["StackStatus"] == "DELETE_FAILED"
    assert acm.list_certificates()["CertificateSummaryList"] == []


def test_a_certificate_waits_for_whoever_makes_its_records(
    kumoi: Any, route53: Any, stacks: Any, new_zone: Any
) -> None:
    zone, acm = new_zone(), kumoi.client("acm")
    certificate = resource("AWS::CertificateManager::Certificate", DomainName="example.com", ValidationMethod="DNS")
    stacks.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": {"Certificate": certificate}}))
    while not (listed := acm.list_certificates()["CertificateSummaryList"]):
        continue
    told = acm.describe_certificate(CertificateArn=listed[0]["CertificateArn"])["Certificate"]
    assert stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"
    wanted = told["DomainValidationOptions"][0]["ResourceRecord"]
    one = {"Name": wanted["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": wanted["Value"]}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": one}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    assert settled(stacks)["StackStatus"] == "CREATE_COMPLETE"
