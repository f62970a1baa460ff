"""Secrets rotated by a function, on the platform's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock

Refused = Callable[..., tuple[str, str]]
TOKEN = "t" * 32
NEXT = "n" * 32


def value(secrets: Any) -> str:
    return str(secrets.get_secret_value(SecretId="s")["SecretString"])


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.02)


def test_a_secret_is_rotated_at_once_and_on_its_schedule(kumoi: Any, secrets: Any, rotator: str) -> None:
    secrets.create_secret(Name="s", SecretString="p", ClientRequestToken=TOKEN)
    answer = secrets.rotate_secret(
        SecretId="s", RotationLambdaARN=rotator, RotationRules={"AutomaticallyAfterDays": 10}, ClientRequestToken=NEXT
    )
    assert answer["VersionId"] == NEXT
    wait(lambda: "LastRotatedDate" in secrets.describe_secret(SecretId="s"))
    assert value(secrets) == "p+"
    told = secrets.describe_secret(SecretId="s")
    assert told["VersionIdsToStages"][TOKEN] == ["AWSPREVIOUS"]
    assert "AWSCURRENT" in told["VersionIdsToStages"][NEXT]
    assert (told["RotationEnabled"], told["RotationLambdaARN"]) == (True, rotator)
    assert told["RotationRules"] == {"AutomaticallyAfterDays": 10}
    assert told["NextRotationDate"] > told["LastRotatedDate"]
    kumoi.advance("9d")
    assert value(secrets) == "p+"
    kumoi.advance("2d")
    assert value(secrets) == "p++"
    kumoi.advance("20d")
    assert value(secrets) == "p++++"
    secrets.cancel_rotate_secret(SecretId="s")
    kumoi.advance("30d")
    assert value(secrets) == "p++++"
    assert secrets.describe_secret(SecretId="s")["RotationEnabled"] is False


def test_a_rotation_that_fails_is_tried_again(kumoi: Any, secrets: Any, rotator: str, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="p", Tags=[{"Key": "broken", "Value": "yes"}])
    rules = {"ScheduleExpression": "rate(30 days)", "Duration": "2h"}
    secrets.rotate_secret(SecretId="s", RotationLambdaARN=rotator, RotationRules=rules, ClientRequestToken=NEXT)
    kumoi.advance(1)
    assert secrets.describe_secret(SecretId="s")["VersionIdsToStages"][NEXT] == ["AWSPENDING"]
    assert "LastRotatedDate" not in secrets.describe_secret(SecretId="s")
    assert refused(secrets.rotate_secret, SecretId="s") == (
        "InvalidRequestException",
        "A previous rotation isn't complete. That rotation will be reattempted.",
    )
    kumoi.advance("1h")  # every try has failed by then
    secrets.tag_resource(SecretId="s", Tags=[{"Key": "broken", "Value": "no"}])
    kumoi.advance("1h")
    assert value(secrets) == "p"
    assert refused(secrets.rotate_secret, SecretId="s")[0] == "InvalidRequestException"  # which has it tried again
    kumoi.advance(1)
    assert value(secrets) == "p+"
    assert secrets.get_secret_value(SecretId="s")["VersionId"] == NEXT


def test_without_haste_the_function_is_only_tried(kumoi: Any, secrets: Any, rotator: str) -> None:
    secrets.create_secret(Name="s", SecretString="p", ClientRequestToken=TOKEN)
    rules = {"AutomaticallyAfterDays": 1}
    answer = secrets.rotate_secret(
        SecretId="s", RotationLambdaARN=rotator, RotationRules=rules, RotateImmediately=False
    )
    assert "VersionId" not in answer
    kumoi.advance(1)
    assert secrets.describe_secret(SecretId="s")["VersionIdsToStages"] == {TOKEN: ["AWSCURRENT"]}
    assert len(secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True)["Versions"]) == 1
    logs = kumoi.client("logs")

    def steps() -> list[str]:
        try:
            lines = logs.filter_log_events(logGroupName="/aws/lambda/rotator")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []  # what it prints comes behind its answer
        return [one["message"].strip() for one in lines if one["message"].strip() in STEPS]

    wait(lambda: steps() != [])
    assert steps() == ["testSecret"]
    kumoi.advance("1d")
    assert value(secrets) == "p+"


STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def test_what_cannot_be_rotated(kumoi: Any, secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="p")
    none = ("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    assert refused(secrets.rotate_secret, SecretId="s") == none
    assert refused(secrets.cancel_rotate_secret, SecretId="s") == none
    missing = f"arn:aws:lambda:us-east-1:{kumoi.account}:function:none"
    assert refused(secrets.rotate_secret, SecretId="s", RotationLambdaARN=missing)[0] == "AccessDeniedException"
    assert refused(secrets.rotate_secret, SecretId="s", RotationLambdaARN="f")[0] == "InvalidParameterException"
    both = {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"}
    wrong = refused(secrets.rotate_secret, SecretId="s", RotationLambdaARN=missing, RotationRules=both)
    assert wrong[0] == "InvalidParameterException"
    assert "RotationEnabled" not in secrets.describe_secret(SecretId="s")


def test_a_secret_is_deleted_at_the_end_of_its_window(kumoi: Any, secrets: Any, refused: Refused) -> None:
    secrets.create_secret(Name="s", SecretString="p")
    secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    kumoi.advance("6d")
    assert "DeletedDate" in secrets.describe_secret(SecretId="s")
    kumoi.advance("2d")
    assert refused(secrets.describe_secret, SecretId="s")[0] == "ResourceNotFoundException"


def test_old_versions_without_labels_are_dropped(kumoi: Any, secrets: Any) -> None:
    secrets.create_secret(Name="s", SecretString="0")
    for number in range(1, 104):
        secrets.put_secret_value(SecretId="s", SecretString=str(number))

    def kept() -> int:
        first = secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True)
        if "NextToken" not in first:
            return len(first["Versions"])
        token = first["NextToken"]
        rest = secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True, NextToken=token)
        return len(first["Versions"]) + len(rest["Versions"])

    assert kept() == 104  # none is older than a day
    kumoi.advance("25h")
    secrets.put_secret_value(SecretId="s", SecretString="last")
    assert kept() == 100
