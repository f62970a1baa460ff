"""Policies act on the platform's clock, and EventBridge hears of what changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock

Events = Callable[..., Callable[[int], list[dict[str, Any]]]]


def test_changes_are_told(kumoi: Any, ssm: Any, put: Callable[..., int], events_of: Events) -> None:
    seen = events_of("aws.ssm")
    put("/e", Description="d")
    put("/e", "w", Overwrite=True)
    ssm.label_parameter_version(Name="/e", Labels=["l"])
    ssm.delete_parameter(Name="/e")
    found = seen(4)
    assert {one["detail-type"] for one in found} == {"Parameter Store Change"}
    assert {one["resources"][0] for one in found} == {f"arn:aws:ssm:us-east-1:{kumoi.account}:parameter/e"}
    operations = {one["detail"]["operation"] for one in found}
    assert operations == {"Create", "Update", "LabelParameterVersion", "Delete"}
    assert found[0]["detail"].items() >= {"name": "/e", "type": "String", "description": "d"}.items()


def test_a_parameter_expires_and_is_told_of_before(
    kumoi: Any, ssm: Any, put: Callable[..., int], events_of: Events, refused: Callable[..., tuple[str, str]]
) -> None:
    now = datetime.fromtimestamp(kumoi._connection.ask("GET", "clock")["now"], UTC)
    policies = [
        {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": (now + timedelta(days=3)).isoformat()}},
        {"Type": "ExpirationNotification", "Version": "1.0", "Attributes": {"Before": "1", "Unit": "Days"}},
        {"Type": "NoChangeNotification", "Version": "1.0", "Attributes": {"After": "12", "Unit": "Hours"}},
    ]
    put("/x", Policies=json.dumps(policies), Tier="Intelligent-Tiering")
    (described,) = ssm.describe_parameters()["Parameters"]
    assert described["Tier"] == "Advanced"
    assert [one["PolicyStatus"] for one in described["Policies"]] == ["Pending"] * 3
    seen = events_of("aws.ssm")
    kumoi.advance("13h")
    assert [one["detail"]["policy-type"] for one in seen(1)] == ["NoChangeNotification"]
    ssm.put_parameter(Name="/x", Value="new", Overwrite=True)  # inherits its policies, and waits for a change anew
    described = ssm.describe_parameters()["Parameters"][0]
    assert [one["PolicyStatus"] for one in described["Policies"]] == ["Pending"] * 3
    kumoi.advance("36h")
    told = {one["detail"].get("policy-type") for one in seen(4)}
    assert told == {"NoChangeNotification", None, "ExpirationNotification"}
    assert ssm.get_parameter(Name="/x")["Parameter"]["Value"] == "new"
    kumoi.advance("24h")
    assert refused(ssm.get_parameter, Name="/x")[0] == "ParameterNotFound"
    last = seen(6)[4:]
    assert {one["detail-type"] for one in last} == {"Parameter Store Policy Action", "Parameter Store Change"}
