from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

BUCKET = "deliveries"
ROLE = "arn:aws:iam::000000000000:role/firehose"


@pytest.fixture
def firehose(kumoi: Any) -> Any:
    return kumoi.client("firehose")


@pytest.fixture
def bucket(kumoi: Any) -> str:
    """A bucket of the test's own."""
    name = f"{BUCKET}-{kumoi.account}"
    kumoi.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def new_stream(firehose: Any, bucket: str) -> Callable[..., str]:
    """Make a delivery stream to the bucket, with settings of its destination; its name."""

    def made(name: str = "clicks", **settings: Any) -> str:
        destination = {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", **settings}
        firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination)
        return name

    return made


@pytest.fixture
def objects(kumoi: Any, bucket: str) -> Callable[[], dict[str, bytes]]:
    """What is in the bucket, by key; GZIP is undone."""
    s3 = kumoi.client("s3")

    def read() -> dict[str, bytes]:
        found = {}
        for one in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            content = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            found[one["Key"]] = gzip.decompress(content) if one["Key"].endswith(".gz") else content
        return found

    return read


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text
