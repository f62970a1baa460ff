from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def route53(kumoi: Any) -> Any:
    return kumoi.client("route53")


@pytest.fixture
def new_zone(route53: Any) -> Callable[..., str]:
    """Make a hosted zone; its id without `/hostedzone/`."""
    numbers = itertools.count()

    def made(name: str = "example.com", **params: Any) -> str:
        answer = route53.create_hosted_zone(Name=name, CallerReference=f"{name}{next(numbers)}", **params)
        return str(answer["HostedZone"]["Id"].removeprefix("/hostedzone/"))

    return made


@pytest.fixture
def change(route53: Any) -> Callable[..., Any]:
    """Make a batch of changes of pairs (action, record set)."""

    def made(zone: str, *changes: tuple[str, dict[str, Any]]) -> Any:
        batch = [{"Action": action, "ResourceRecordSet": one} for action, one in changes]
        return route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})

    return made


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], *given: Any, **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(*given, **params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text


@pytest.fixture
def records() -> Callable[..., dict[str, Any]]:
    """A record set of values."""

    def made(name: str, *values: str, kind: str = "A", **more: Any) -> dict[str, Any]:
        return {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": one} for one in values], **more}

    return made


@pytest.fixture
def alias() -> Callable[..., dict[str, Any]]:
    """A record set that is an alias."""

    def made(name: str, target: str, zone: str = "Z2FDTNDATAQYW2", **more: Any) -> dict[str, Any]:
        of = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": False}
        return {"Name": name, "Type": "A", "AliasTarget": of, **more}

    return made
