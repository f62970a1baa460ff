from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def s3(kumoi: Any) -> Any:
    return kumoi.client("s3")


@pytest.fixture
def bucket(kumoi: Any, s3: Any) -> str:
    """A bucket of the test's own: names are global, so the account is in it."""
    name = f"bucket-{kumoi.account}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    """The bucket, with versioning enabled."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket
