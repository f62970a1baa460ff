"""Buckets: made, found, listed and deleted, with boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.s3.naming import check_bucket_name, region_for
from kumoi.wire.errors import AwsError


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_a_bucket_is_made_found_listed_and_deleted(kumoi: Any) -> None:
    s3 = kumoi.client("s3")
    name = f"first-{kumoi.account}"
    made = s3.create_bucket(Bucket=name)
    assert made["Location"] == f"/{name}"
    assert made["BucketArn"] == f"arn:aws:s3:::{name}"
    head = s3.head_bucket(Bucket=name)
    assert (head["BucketRegion"], head["AccessPointAlias"]) == ("us-east-1", False)
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [name]
    s3.create_bucket(Bucket=name)  # again: nothing changes in us-east-1
    s3.delete_bucket(Bucket=name)
    with pytest.raises(ClientError) as error:
        s3.get_bucket_location(Bucket=name)
    assert refused(error) == ("NoSuchBucket", "The specified bucket does not exist")
    with pytest.raises(ClientError) as error:
        s3.head_bucket(Bucket=name)
    assert refused(error) == ("404", "Not Found")


def test_a_name_belongs_to_one_account(kumoi: Any) -> None:
    s3 = kumoi.client("s3")
    name = f"mine-{kumoi.account}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-central-1"
    with pytest.raises(ClientError) as error:
        s3.create_bucket(Bucket=name)
    assert refused(error)[0] == "BucketAlreadyOwnedByYou"
    with pytest.raises(ClientError) as error:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner="999999999999")
    assert refused(error)[0] == "403"


def test_buckets_are_listed_page_by_page(kumoi: Any) -> None:
    s3 = kumoi.client("s3")
    names = [f"page-{number}-{kumoi.account}" for number in range(5)]
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = list(s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2}))
    assert [[bucket["Name"] for bucket in page["Buckets"]] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert pages[0]["Buckets"][0]["BucketRegion"] == "us-east-1"


@pytest.mark.parametrize(
    "name", ["ab", "a" * 64, "Upper", "-a-b", "a..b", "192.168.0.1", "xn--abc", "abc-s3alias", "a_b", "abc."]
)
def test_names_that_no_bucket_has(name: str) -> None:
    with pytest.raises(AwsError) as error:
        check_bucket_name(name)
    assert error.value.code == "InvalidBucketName"


@pytest.mark.parametrize("name", ["abc", "a.b.c", "0-9", "a" * 63, "my--bucket"])
def test_names_that_buckets_have(name: str) -> None:
    check_bucket_name(name)


@pytest.mark.parametrize(
    ("endpoint", "constraint", "region"),
    [
        ("us-east-1", None, "us-east-1"),
        ("us-east-1", "EU", "eu-west-1"),
        ("us-east-1", "ap-southeast-2", "ap-southeast-2"),
        ("eu-west-1", "eu-west-1", "eu-west-1"),
        ("us-east-1", "us-east-1", "InvalidLocationConstraint"),
        ("us-east-1", "foo", "InvalidLocationConstraint"),
        ("us-east-1", "aws-global", "InvalidLocationConstraint"),
        ("eu-west-1", None, "IllegalLocationConstraintException"),
        ("eu-west-1", "EU", "IllegalLocationConstraintException"),
        ("eu-west-1", "us-west-2", "IllegalLocationConstraintException"),
    ],
)
def test_where_a_bucket_may_be_made(endpoint: str, constraint: str | None, region: str) -> None:
    try:
        assert region_for(constraint, endpoint) == region
    except AwsError as error:
        assert error.code == region
