from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ec2(kumoi: Any) -> Any:
    return kumoi.client("ec2")


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text


@pytest.fixture
def vpc(ec2: Any) -> str:
    """A VPC of 10.0.0.0/16 with names for its hosts."""
    made = str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
    ec2.modify_vpc_attribute(VpcId=made, EnableDnsHostnames={"Value": True})
    return made


@pytest.fixture
def subnet(ec2: Any, vpc: str) -> Callable[..., str]:
    """Make a subnet of the VPC, 10.0.NUMBER.0/24."""

    def made(number: int = 1, **options: Any) -> str:
        answer = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", **options)
        return str(answer["Subnet"]["SubnetId"])

    return made


@pytest.fixture
def filtered() -> Callable[..., list[dict[str, str | list[str]]]]:
    """Filters as requests have them, of names with `_` for `-` and one value each."""

    def told(**wanted: str) -> list[dict[str, str | list[str]]]:
        return [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in wanted.items()]

    return told
