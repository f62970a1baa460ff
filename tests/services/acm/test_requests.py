"""Certificates that are requested, by boto3."""

from __future__ import annotations

from typing import Any

import pytest


def zone_for(kumoi: Any, name: str = "example.com") -> tuple[Any, str]:
    """Route 53, and the id of a hosted zone."""
    route53 = kumoi.client("route53")
    return route53, route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]


def add(route53: Any, zone: str, record: dict[str, str]) -> None:
    """Add a certificate's validation record to a zone."""
    one = {
        "Name": record["Name"], "Type": record["Type"], "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]
    }  # fmt: skip
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": one}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)


def test_a_certificate_is_issued_once_its_record_is_there(kumoi: Any, acm: Any, described: Any, refused: Any) -> None:
    route53, zone = zone_for(kumoi)
    asked = {"DomainName": "example.com", "SubjectAlternativeNames": ["*.example.com", "Shop.example.com"]}
    arn = acm.request_certificate(ValidationMethod="DNS", **asked)["CertificateArn"]
    assert arn.startswith(f"arn:aws:acm:us-east-1:{kumoi.account}:certificate/")
    told = described(arn)
    assert (told["Status"], told["Type"], told["KeyAlgorithm"]) == ("PENDING_VALIDATION", "AMAZON_ISSUED", "RSA_2048")
    assert told["SubjectAlternativeNames"] == ["example.com", "*.example.com", "shop.example.com"]
    options = told["DomainValidationOptions"]
    assert [one["ValidationStatus"] for one in options] == ["PENDING_VALIDATION"] * 3
    assert options[0]["ResourceRecord"] == options[1]["ResourceRecord"]
    record = options[0]["ResourceRecord"]
    assert record["Type"] == "CNAME"
    assert record["Name"].startswith("_")
    assert record["Name"].endswith(".example.com.")
    assert record["Value"].endswith(".acm-validations.aws.")
    assert refused(acm.get_certificate, CertificateArn=arn)[0] == "RequestInProgressException"

    add(route53, zone, record)
    assert [one["ValidationStatus"] for one in described(arn)["DomainValidationOptions"]] == [
        "SUCCESS",
        "SUCCESS",
        "PENDING_VALIDATION",
    ]
    add(route53, zone, options[2]["ResourceRecord"])
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn)
    told = described(arn)
    assert (told["Status"], told["RenewalEligibility"], told["Subject"]) == ("ISSUED", "ELIGIBLE", "CN=example.com")
    assert told["NotBefore"] <= told["IssuedAt"] < told["NotAfter"]
    assert told["KeyUsages"] == [{"Name": "DIGITAL_SIGNATURE"}, {"Name": "KEY_ENCIPHERMENT"}]
    assert told["ExtendedKeyUsages"] == [{"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"}]
    again = acm.request_certificate(ValidationMethod="DNS", DomainName="example.com")["CertificateArn"]
    assert described(again)["DomainValidationOptions"][0]["ResourceRecord"] == record
    assert described(again)["Status"] == "ISSUED"


def test_names_whose_dns_is_elsewhere_are_taken_for_validated(acm: Any, described: Any) -> None:
    arn = acm.request_certificate(ValidationMethod="DNS", DomainName="elsewhere.example.net")["CertificateArn"]
    assert described(arn)["Status"] == "ISSUED"
    mailed = acm.request_certificate(
        DomainName="www.example.net",
        DomainValidationOptions=[{"DomainName": "www.example.net", "ValidationDomain": "example.net"}],
    )["CertificateArn"]
    option = described(mailed)["DomainValidationOptions"][0]
    assert (option["ValidationMethod"], option["ValidationStatus"]) == ("EMAIL", "SUCCESS")
    assert "admin@example.net" in option["ValidationEmails"]


def test_a_wrong_record_validates_nothing(kumoi: Any, acm: Any, described: Any) -> None:
    route53, zone = zone_for(kumoi)
    arn = acm.request_certificate(ValidationMethod="DNS", DomainName="example.com")["CertificateArn"]
    record = described(arn)["DomainValidationOptions"][0]["ResourceRecord"]
    add(route53, zone, {**record, "Value": "_other.acm-validations.aws."})
    assert described(arn)["Status"] == "PENDING_VALIDATION"


def test_a_token_counts_for_an_hour(acm: Any) -> None:
    first, same, other = (
        acm.request_certificate(DomainName=name, ValidationMethod="DNS", IdempotencyToken="one")["CertificateArn"]
        for name in ("a.example.net", "a.example.net", "b.example.net")
    )
    assert first == same
    assert first != other


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"DomainName": "no spaces.example.com"}, "ValidationException"),
        ({"KeyAlgorithm": "RSA_4096"}, "ValidationException"),
        (
            {"CertificateAuthorityArn": "arn:aws:acm-pca:us-east-1:1:certificate-authority/x"},
            "InvalidParameterException",
        ),
        ({"ValidationMethod": "HTTP"}, "InvalidParameterException"),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "InvalidTagException"),
        (
            {"DomainValidationOptions": [{"DomainName": "example.com", "ValidationDomain": "example.org"}]},
            "InvalidDomainValidationOptionsException",
        ),
    ],
)
def test_what_cannot_be_requested(acm: Any, refused: Any, given: dict[str, Any], code: str) -> None:
    assert refused(acm.request_certificate, **{"DomainName": "example.com", **given})[0] == code


def test_certificates_are_listed_tagged_and_deleted(acm: Any, refused: Any) -> None:
    made = {
        algorithm: acm.request_certificate(
            DomainName="example.net", ValidationMethod="DNS", KeyAlgorithm=algorithm, Tags=[{"Key": "a", "Value": "1"}]
        )["CertificateArn"]
        for algorithm in ("RSA_2048", "EC_prime256v1")
    }

    def listed(**params: Any) -> list[str]:
        pages = acm.get_paginator("list_certificates").paginate(PaginationConfig={"PageSize": 1}, **params)
        return [one["CertificateArn"] for page in pages for one in page["CertificateSummaryList"]]

    assert listed() == [made["RSA_2048"]]
    both = {"keyTypes": ["RSA_2048", "EC_prime256v1"]}
    assert listed(Includes=both) == list(made.values())
    assert listed(Includes=both, CertificateStatuses=["PENDING_VALIDATION"]) == []
    arn = made["RSA_2048"]
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "a", "Value": "other"}, {"Key": "b"}])
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    acm.update_certificate_options(CertificateArn=arn, Options={"CertificateTransparencyLoggingPreference": "DISABLED"})
    acm.delete_certificate(CertificateArn=arn)
    assert refused(acm.describe_certificate, CertificateArn=arn)[0] == "ResourceNotFoundException"
    assert listed() == []


def test_the_account_s_settings(acm: Any) -> None:
    assert acm.get_account_configuration()["ExpiryEvents"] == {"DaysBeforeExpiry": 45}
    acm.put_account_configuration(ExpiryEvents={"DaysBeforeExpiry": 10}, IdempotencyToken="t")
    assert acm.get_account_configuration()["ExpiryEvents"] == {"DaysBeforeExpiry": 10}
