"""Requests of the shapes that the model has, with any words in them: told what is wrong, never a failure of ours.

For services whose members are deep: botocore writes them, without looking at their values.
"""

from __future__ import annotations

import importlib
import random
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

WORDS = [
    "", "x", "ü", "\u0000", ".", "..", "*", "a..b", "example.com", "*.example.com", r"\052.example.com", r"a\9", "\\",
    "x" * 300, "example.com.", "www.example.com", "A", "CNAME", "TXT", "MX", "NS", "SOA", "1.2.3.4", '"text"', "::1",
    "10 mail.example.com", "CREATE", "DELETE", "UPSERT", "PRIMARY", "us-east-1", "hostedzone", "healthcheck", "vpc-1",
    "HTTP", "TCP", "CALCULATED", "HTTPS_STR_MATCH", "DNS", "EMAIL", "RSA_2048", "ENABLED", "169.254.169.254", "/x", "7",
    "arn:aws:acm:us-east-1:000000000000:certificate/x", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
]  # fmt: skip
NUMBERS = [-1, 0, 1, 10, 30, 255, 2**31, 2**63]
KNOWN = ("Id", "HostedZoneId", "HealthCheckId", "CertificateArn", "ResourceArn", "ResourceId")


def any_value(rng: random.Random, shape: Shape, known: dict[str, list[str]], name: str = "") -> Any:
    """Something of a shape; what names a thing names one that there is, often."""
    if isinstance(shape, StructureShape):
        required = set(shape.required_members)
        return {
            member: any_value(rng, of, known, member)
            for member, of in shape.members.items()
            if rng.random() < (0.97 if member in required else 0.4)
        }
    if isinstance(shape, ListShape):
        return [any_value(rng, shape.member, known) for _ in range(rng.randrange(3))]
    if isinstance(shape, MapShape):
        return {rng.choice(WORDS): any_value(rng, shape.value, known) for _ in range(rng.randrange(2))}
    if shape.type_name == "boolean":
        return rng.random() < 0.5
    if shape.type_name in ("integer", "long", "float", "double"):
        return rng.choice(NUMBERS)
    if shape.type_name == "blob":
        return rng.choice(WORDS).encode()
    if shape.type_name == "timestamp":
        return rng.choice([0, 1_700_000_000])
    if name in KNOWN and rng.random() < 0.8:
        return rng.choice(known[name] or WORDS)
    enum = getattr(shape, "enum", None)
    return rng.choice(enum) if enum and rng.random() < 0.8 else rng.choice(WORDS)


def things(kumoi: Any) -> dict[str, list[str]]:
    """What there is to be named."""
    route53, acm = kumoi.client("route53"), kumoi.client("acm")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    private = route53.create_hosted_zone(
        Name="corp.internal", CallerReference="2", VPC={"VPCRegion": "us-east-1", "VPCId": "vpc-1"}
    )["HostedZone"]["Id"].rpartition("/")[2]
    config = {"Type": "CALCULATED", "HealthThreshold": 0}
    check = route53.create_health_check(CallerReference="1", HealthCheckConfig=config)["HealthCheck"]["Id"]
    arn = acm.request_certificate(DomainName="example.com", ValidationMethod="DNS")["CertificateArn"]
    zones = [zone, private]
    return {
        "Id": zones, "HostedZoneId": zones, "HealthCheckId": [check], "ResourceId": [*zones, check],
        "CertificateArn": [arn], "ResourceArn": [arn],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["acm", "route53"])
def test_what_is_wrong_is_told(kumoi: Any, name: str) -> None:
    rng, known = random.Random(7), things(kumoi)
    client = kumoi.client(name, parameter_validation=False)
    service = getattr(importlib.import_module(f"kumoi.services.{name}"), name)
    model = client.meta.service_model
    operations = sorted(set(service.operations) & set(model.operation_names))
    for _ in range(400):
        operation = rng.choice(operations)
        shape = model.operation_model(operation).input_shape
        given = {} if shape is None else any_value(rng, shape, known)
        try:
            client._make_api_call(operation, given)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert status < 500 or status == 501, (operation, given, error)
        except (BotoCoreError, UnicodeError, LookupError, ValueError, TypeError, AttributeError):
            continue  # botocore cannot write it
