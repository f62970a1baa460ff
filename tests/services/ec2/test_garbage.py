"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore.session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.services.ec2 import ec2 as service

OPERATIONS = sorted(service.operations)
MODEL = botocore.session.get_session().get_service_model("ec2")
words = st.sampled_from(
    ["", "x", "ü", "-1", "0", "5", "70000", "true", "false", "tcp", "all", "*", "10.0.0.0/16", "10.0.0.0/24", "::/0",
     "0.0.0.0/0", "10.0.0.300/8", "2001:db8::/56", "172.31.0.0/20", "vpc-0", "vpc-00000000000000000", "sg-1", "default",
     "igw-00000000000000000", "nat-00000000000000000", "eipalloc-00000000000000000", "pl-6855ce84", "local", "{}", "[]",
     "com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.sqs", "Interface", "Gateway", "us-east-1a", "use1-az1",
     "VPC", "vpc", "private", "public", "MA==", "tag:x", "vpc-id", "is-default"]
)  # fmt: skip


def named(shape: Any, name: str) -> str:
    told = shape.serialization.get("queryName") or shape.serialization.get("name") or name
    return str(told[:1].upper() + told[1:])


def fields(shape: Any, prefix: str, draw: Any, depth: int = 0) -> dict[str, str]:
    """Form fields of a shape: some of its members, with words for whatever is no structure."""
    if shape.type_name == "structure":
        found: dict[str, str] = {}
        for name, member in shape.members.items():
            if depth < 5 and (name in shape.required_members or draw(st.integers(0, 2)) == 0):
                found |= fields(member, f"{prefix}{named(member, name)}.", draw, depth + 1)
        return found
    if shape.type_name == "list":
        return fields(shape.member, f"{prefix}1.", draw, depth + 1)
    return {prefix.rstrip("."): draw(words)}


@st.composite
def requests(draw: Any) -> dict[str, str]:
    operation = draw(st.sampled_from(OPERATIONS))
    accepted = service.operations[operation].accepts or frozenset()
    shape = MODEL.operation_model(operation).input_shape
    form = {"Action": operation, "Version": "2016-11-15"}
    for name, member in shape.members.items():
        if name in accepted and name != "DryRun" and draw(st.integers(0, 1)):
            form |= fields(member, f"{named(member, name)}.", draw)
    return form


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(form=requests())
def test_garbage_is_refused_not_suffered(kumoi: Any, form: dict[str, str]) -> None:
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    scope = f"{kumoi.account}/20260101/us-east-1/ec2/aws4_request"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    connection.request("POST", "/", urlencode(form), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status < 500, (form, body)
