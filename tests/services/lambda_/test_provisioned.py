"""Reserved and provisioned concurrency as configuration, driven by boto3; what they do is in test_concurrency.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

KIND = "import os\n\n\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
INVALID, CONFLICT = "InvalidParameterValueException", "ResourceConflictException"
NONE_FOUND = "ProvisionedConcurrencyConfigNotFoundException"


@pytest.fixture
def arn(client: Any, create: Callable[..., Any]) -> str:
    """A function with versions 1 and 2, and the aliases live (1), next (2) and edge ($LATEST)."""
    made = create(KIND, Publish=True)
    client.update_function_configuration(FunctionName="f", Timeout=4)
    client.publish_version(FunctionName="f")
    for name, version in (("live", "1"), ("next", "2"), ("edge", "$LATEST")):
        client.create_alias(FunctionName="f", Name=name, FunctionVersion=version)
    return str(made["FunctionArn"])


@pytest.fixture
def provision(client: Any) -> Callable[..., Any]:
    return lambda qualifier, count=1, name="f": client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )


def wait_for_status(client: Any, qualifier: str, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        found: dict[str, Any] = client.get_provisioned_concurrency_config(FunctionName="f", Qualifier=qualifier)
        if found["Status"] == status or time.monotonic() > deadline:
            assert found["Status"] == status
            return found
        time.sleep(0.02)


def unreserved(client: Any) -> int:
    return int(client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"])


def test_a_reservation_is_kept_and_given_back(client: Any, create: Any) -> None:
    create(KIND)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="f")
    assert "Concurrency" not in client.get_function(FunctionName="f")
    answer = client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=70)
    assert answer["ReservedConcurrentExecutions"] == 70
    assert client.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 70
    assert client.get_function(FunctionName="f")["Concurrency"] == {"ReservedConcurrentExecutions": 70}
    assert unreserved(client) == 930
    client.delete_function_concurrency(FunctionName="f")
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="f")
    assert unreserved(client) == 1000


def test_reservations_leave_a_hundred_for_the_others(client: Any, create: Any) -> None:
    create(KIND)
    create(KIND, name="g")
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=850)
    message = (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        r"its minimum value of \[100\]."
    )
    with pytest.raises(client.exceptions.InvalidParameterValueException, match=message):
        client.put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=51)
    client.put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=50)
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=850)


def test_environments_are_ready_before_they_are_needed(client: Any, arn: str, provision: Any, invoke: Any) -> None:
    answer = provision("live", 2)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    expected = {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    assert {name: answer[name] for name in expected} == expected
    ready = wait_for_status(client, "live", "READY")
    assert ready["AvailableProvisionedConcurrentExecutions"] == 2
    assert invoke(Qualifier="live")[0] == "provisioned-concurrency"
    assert invoke(Qualifier="next")[0] == "on-demand"

    client.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    wait_for_status(client, "live", "READY")
    assert invoke(Qualifier="live")[0] == "provisioned-concurrency"
    assert invoke(Qualifier="1")[0] == "on-demand"

    client.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    client.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert invoke(Qualifier="live")[0] == "on-demand"
    with pytest.raises(ClientError, match="No Provisioned Concurrency Config found for this function"):
        client.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")


def test_a_function_that_cannot_start_fails_to_be_provisioned(client: Any, create: Any, provision: Any) -> None:
    create("raise RuntimeError('no')\n", Publish=True)
    provision("1")
    assert wait_for_status(client, "1", "FAILED")["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"


def test_another_alias_leaves_what_is_ready_alone(client: Any, arn: str, provision: Any, invoke: Any) -> None:
    provision("1")
    wait_for_status(client, "1", "READY")
    client.delete_alias(FunctionName="f", Name="live")
    assert wait_for_status(client, "1", "READY")["AvailableProvisionedConcurrentExecutions"] == 1
    assert invoke(Qualifier="1")[0] == "provisioned-concurrency"


def test_a_function_takes_what_is_ready_with_it(
    client: Any, arn: str, create: Any, provision: Any, invoke: Any
) -> None:
    provision("1", 100)
    assert unreserved(client) == 900
    client.delete_function(FunctionName="f")
    assert unreserved(client) == 1000
    create(KIND, Publish=True)
    assert client.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"] == []
    assert invoke(Qualifier="1")[0] == "on-demand"


def test_configurations_are_listed_in_pages(client: Any, arn: str, provision: Any) -> None:
    for qualifier in ("live", "2"):
        provision(qualifier)
    pages = client.get_paginator("list_provisioned_concurrency_configs").paginate(
        FunctionName="f", PaginationConfig={"PageSize": 1}
    )
    listed = [page["ProvisionedConcurrencyConfigs"] for page in pages]
    assert [[one["FunctionArn"] for one in page] for page in listed] == [[f"{arn}:2"], [f"{arn}:live"]]


LATEST_REFUSED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
PUT: list[tuple[str, int, str, str]] = [
    ("$LATEST", 1, INVALID, LATEST_REFUSED),
    ("edge", 1, INVALID, LATEST_REFUSED),
    ("9", 1, "ResourceNotFoundException", ":function:f:9"),
    ("no", 1, "ResourceNotFoundException", ":function:f:no"),
    ("1", 0, "ValidationException", "'provisionedConcurrentExecutions' failed to satisfy constraint"),
    (
        "1",
        901,
        INVALID,
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution",
    ),
    ("1", 1001, INVALID, "is greater than account's unreserved concurrency [1000]."),
    (
        "live",
        1,
        CONFLICT,
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    ),
    ("2", 1, CONFLICT, "Version is pointed by a Provisioned Concurrency alias"),
]


@pytest.mark.parametrize(("qualifier", "count", "code", "message"), PUT)
def test_what_cannot_be_provisioned(
    qualifier: str, count: int, code: str, message: str, kumoi: Any, client: Any, arn: str, provision: Any
) -> None:
    if code == CONFLICT:
        provision("1")
        provision("next")
    with pytest.raises(ClientError) as refused:
        kumoi.client("lambda", parameter_validation=False).put_provisioned_concurrency_config(
            FunctionName="f", Qualifier=qualifier, ProvisionedConcurrentExecutions=count
        )
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]


def test_what_is_provisioned_is_part_of_what_is_reserved(client: Any, arn: str, provision: Any) -> None:
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=3)
    provision("1", 2)
    message = (
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    )
    with pytest.raises(client.exceptions.InvalidParameterValueException, match=message):
        provision("2", 2)
    with pytest.raises(client.exceptions.InvalidParameterValueException, match=r"should not be lower than .* \[2\]"):
        client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    assert unreserved(client) == 997


def test_an_alias_does_not_carry_what_is_ready_onto_what_is_ready(client: Any, arn: str, provision: Any) -> None:
    provision("live")
    provision("2")
    with pytest.raises(client.exceptions.ResourceConflictException, match="already Provisioned version"):
        client.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match=LATEST_REFUSED):
        client.update_alias(FunctionName="f", Name="live", FunctionVersion="$LATEST")


def test_what_is_not_provisioned_is_not_found(client: Any, arn: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
    assert refused.value.response["Error"]["Code"] == NONE_FOUND
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(ClientError, match="The function resource provided must be an alias or a published version."):
        client.get_provisioned_concurrency_config(FunctionName="f", Qualifier="$LATEST")
