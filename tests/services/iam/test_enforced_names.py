"""`--auth enforce`: who may change which records of a hosted zone, and which certificates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ACCOUNT = "311111111111"
Helper = Callable[..., Any]
Connect = Callable[..., Any]


def change(zone: str, name: str, kind: str = "A", value: str = "192.0.2.1") -> dict[str, Any]:
    """A request that makes a record."""
    one = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    return {"HostedZoneId": zone, "ChangeBatch": {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": one}]}}


def test_records_by_their_zone_and_their_names(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    root = connect("route53")
    zone, other = (
        root.create_hosted_zone(Name=f"{name}.example", CallerReference=name)["HostedZone"]["Id"].rpartition("/")[2]
        for name in ("ours", "theirs")
    )
    key = "route53:ChangeResourceRecordSets"
    condition = {
        "ForAllValues:StringLike": {f"{key}NormalizedRecordNames": "*.apps.ours.example"},
        "ForAllValues:StringEquals": {f"{key}RecordTypes": ["A", "AAAA"]},
    }
    policy = document(key, f"arn:aws:route53:::hostedzone/{zone}", Condition=condition)
    user = connect("route53", new_user(connect, "editor", policy))
    user.change_resource_record_sets(**change(zone, "a.apps.ours.example"))
    refusal(user.change_resource_record_sets, **change(zone, "ours.example"))
    refusal(user.change_resource_record_sets, **change(zone, "b.apps.ours.example", "TXT", '"x"'))
    code, message = refusal(user.change_resource_record_sets, **change(other, "a.apps.theirs.example"))
    assert code == "AccessDenied"
    assert f"{key} on resource: arn:aws:route53:::hostedzone/{other}" in message
    refusal(user.list_hosted_zones)


def test_certificates_by_their_arn_and_their_names(
    connect: Connect, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    acm = connect("acm")
    arn = acm.request_certificate(DomainName="acm.example", ValidationMethod="DNS")["CertificateArn"]
    reader = connect("acm", new_user(connect, "reader", document("acm:DescribeCertificate", arn)))
    assert reader.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED"
    code, message = refusal(reader.delete_certificate, CertificateArn=arn)
    assert (code, f"acm:DeleteCertificate on resource: {arn}" in message) == ("AccessDeniedException", True)
    only = {"ForAllValues:StringLike": {"acm:DomainNames": "*.acm.example"}}
    asker = connect("acm", new_user(connect, "asker", document("acm:RequestCertificate", Condition=only)))
    asker.request_certificate(DomainName="a.acm.example", ValidationMethod="DNS")
    refusal(asker.request_certificate, DomainName="other.example", ValidationMethod="DNS")
